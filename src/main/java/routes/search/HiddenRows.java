package routes.search;

import java.io.IOException;
import org.apache.lucene.search.DocIdSetIterator;
import org.apache.lucene.util.BitSet;
import org.apache.lucene.util.BitSetIterator;
import org.apache.lucene.util.FixedBitSet;
import org.apache.lucene.util.SparseFixedBitSet;

/**
 * Which rows of a file are not the living version of a post. Never changed once others know it. All
 * files of the archive have theirs in memory: a bit a row, and little for what is rare.
 *
 * @param ended rows that a later change has ended
 * @param older those of them that a later version of the post has taken the place of
 * @param gone rows whose author is gone
 */
record HiddenRows(FixedBitSet ended, SparseFixedBitSet older, SparseFixedBitSet gone) {

  /**
   * No row is hidden.
   *
   * @param count rows of the file
   */
  static HiddenRows none(int count) {
    // A sparse one cannot be of no rows.
    int some = Math.max(1, count);
    return new HiddenRows(
        new FixedBitSet(count), new SparseFixedBitSet(some), new SparseFixedBitSet(some));
  }

  /** Those, and the rows of accounts that are gone. */
  HiddenRows withGone(SparseFixedBitSet theirs) {
    return new HiddenRows(ended, older, theirs);
  }

  /** Whether the row is no living post: by a later change, or since its author is gone. */
  boolean isEnded(int row) {
    return ended.get(row) || gone.get(row);
  }

  boolean hides(int row, Deleted deleted) {
    return switch (deleted) {
      case EXCLUDE -> isEnded(row);
      case INCLUDE -> older.get(row);
      case ONLY -> older.get(row) || !isEnded(row);
    };
  }

  /** Whether every row that is no deletion is asked for. */
  boolean hidesNothing(Deleted deleted) {
    return switch (deleted) {
      case EXCLUDE -> isEmpty(ended) && isEmpty(gone);
      case INCLUDE -> isEmpty(older);
      case ONLY -> false;
    };
  }

  /** Leaves those rows that are asked for. */
  void removeFrom(FixedBitSet rows, Deleted deleted) throws IOException {
    switch (deleted) {
      case EXCLUDE -> {
        rows.andNot(ended);
        rows.andNot(each(gone));
      }
      case INCLUDE -> rows.andNot(each(older));
      case ONLY -> {
        rows.and(allEnded());
        rows.andNot(each(older));
      }
    }
  }

  /** The rows that are no living posts, by whatever it is. */
  FixedBitSet allEnded() throws IOException {
    FixedBitSet all = ended.clone();
    all.or(each(gone));
    return all;
  }

  /** The same with more rows that changes end. */
  HiddenRows with(EndedRows.Found more) throws IOException {
    FixedBitSet allEnded = ended.clone();
    more.rows().forEach(allEnded::set);
    SparseFixedBitSet allOlder = older;
    if (!more.older().isEmpty()) {
      allOlder = copy(older);
      more.older().forEach(allOlder::set);
    }
    return new HiddenRows(allEnded, allOlder, gone);
  }

  /** Rows without some, and with others. */
  static SparseFixedBitSet without(
      SparseFixedBitSet rows, SparseFixedBitSet fewer, SparseFixedBitSet more) throws IOException {
    SparseFixedBitSet changed = copy(rows);
    DocIdSetIterator gone = each(fewer);
    for (int row = gone.nextDoc(); row != DocIdSetIterator.NO_MORE_DOCS; row = gone.nextDoc()) {
      changed.clear(row);
    }
    changed.or(each(more));
    return changed;
  }

  private static SparseFixedBitSet copy(SparseFixedBitSet rows) throws IOException {
    SparseFixedBitSet copy = new SparseFixedBitSet(rows.length());
    copy.or(each(rows));
    return copy;
  }

  private static DocIdSetIterator each(BitSet rows) {
    return new BitSetIterator(rows, rows.approximateCardinality());
  }

  private static boolean isEmpty(BitSet rows) {
    return rows.length() == 0 || rows.nextSetBit(0) == DocIdSetIterator.NO_MORE_DOCS;
  }
}
