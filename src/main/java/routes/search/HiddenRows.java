package routes.search;

import org.apache.lucene.search.DocIdSetIterator;
import org.apache.lucene.util.FixedBitSet;

/**
 * Which rows of a file are not the living version of a post. Never changed once others know it.
 *
 * @param ended rows that a later change has ended, or whose author is gone
 * @param older those of them that a later version of the post has taken the place of
 */
record HiddenRows(FixedBitSet ended, FixedBitSet older) {

  /**
   * No row is hidden.
   *
   * @param count rows of the file
   */
  static HiddenRows none(int count) {
    return new HiddenRows(new FixedBitSet(count), new FixedBitSet(count));
  }

  /** Those, and the rows of accounts that are gone. */
  HiddenRows withGone(FixedBitSet theirs) {
    if (isEmpty(theirs)) {
      return this;
    }
    FixedBitSet all = ended.clone();
    all.or(theirs);
    return new HiddenRows(all, older);
  }

  boolean isEnded(int row) {
    return ended.get(row);
  }

  boolean hides(int row, Deleted deleted) {
    return older.get(row) || !deleted.takes(ended.get(row));
  }

  /** Whether every row that is no deletion is asked for. */
  boolean hidesNothing(Deleted deleted) {
    return switch (deleted) {
      case EXCLUDE -> isEmpty(ended);
      case INCLUDE -> isEmpty(older);
      case ONLY -> false;
    };
  }

  /** Leaves those rows that are asked for. */
  void removeFrom(FixedBitSet rows, Deleted deleted) {
    switch (deleted) {
      case EXCLUDE -> rows.andNot(ended);
      case INCLUDE -> rows.andNot(older);
      case ONLY -> {
        rows.and(ended);
        rows.andNot(older);
      }
    }
  }

  /** The same with more rows. */
  HiddenRows with(EndedRows.Found more) {
    FixedBitSet allEnded = ended.clone();
    FixedBitSet allOlder = older.clone();
    more.rows().forEach(allEnded::set);
    more.older().forEach(allOlder::set);
    return new HiddenRows(allEnded, allOlder);
  }

  private static boolean isEmpty(FixedBitSet rows) {
    return rows.length() == 0 || rows.nextSetBit(0) == DocIdSetIterator.NO_MORE_DOCS;
  }
}
