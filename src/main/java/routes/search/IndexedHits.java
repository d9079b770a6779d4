package routes.search;

import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import java.util.Set;
import org.apache.lucene.index.NumericDocValues;
import org.apache.lucene.search.DocIdSetIterator;
import org.apache.lucene.util.FixedBitSet;

/** The posts of one indexed file that a query finds, newest first. */
final class IndexedHits implements HitSource {

  private static final int FIRST_CHUNK = 16;
  private static final int MAX_CHUNK = 4_096;

  private final PostFile file;
  private final FixedBitSet hidden;
  private final Set<Integer> endedNow;
  private final PostFilter filter;
  private final IndexQuery query;
  private final SortAtRange range;
  private final Deadline deadline;
  private final QueryCost cost;
  private final Deque<Hit> looked = new ArrayDeque<>();
  private int chunk = FIRST_CHUNK;

  /** Made when the first is asked for: a count needs no order, which may have to be made. */
  private Rows rows;

  /**
   * @param hidden rows that are not to be seen
   * @param endedNow rows that the hot tail has ended
   */
  IndexedHits(
      PostFile file,
      FixedBitSet hidden,
      Set<Integer> endedNow,
      PostFilter filter,
      SortAtRange range,
      Deadline deadline,
      QueryCost cost)
      throws IOException {
    this.file = file;
    this.hidden = hidden;
    this.endedNow = endedNow;
    this.filter = filter;
    this.query = IndexQuery.of(filter, file.index());
    this.range = range;
    this.deadline = deadline;
    this.cost = cost;
    cost.indexUsed();
  }

  @Override
  public Hit next() throws IOException {
    if (rows == null) {
      rows = file.index().isDescending() ? new InOrder() : new Sorted();
    }
    if (query.exact()) {
      int row = rows.next();
      return row == DocIdSetIterator.NO_MORE_DOCS ? null : new Hit(file, row, rows.sortAt());
    }
    while (looked.isEmpty()) {
      deadline.check();
      List<Hit> candidates = new ArrayList<>(chunk);
      for (int row = rows.next(); row != DocIdSetIterator.NO_MORE_DOCS; row = rows.next()) {
        candidates.add(new Hit(file, row, rows.sortAt()));
        if (candidates.size() == chunk) {
          break;
        }
      }
      if (candidates.isEmpty()) {
        return null;
      }
      looked.addAll(look(candidates));
      chunk = Math.min(2 * chunk, MAX_CHUNK);
    }
    return looked.poll();
  }

  private List<Hit> look(List<Hit> candidates) {
    int[] numbers = candidates.stream().mapToInt(Hit::row).sorted().toArray();
    List<PostRow> found = file.rows(numbers, filter);
    cost.rowsRead(numbers.length);
    List<Hit> hits = new ArrayList<>();
    for (Hit candidate : candidates) {
      PostRow row = found.get(Arrays.binarySearch(numbers, candidate.row()));
      if (filter.test(row)) {
        candidate.found(row);
        hits.add(candidate);
      }
    }
    return hits;
  }

  private boolean isHidden(int row) {
    return hidden.get(row) || !endedNow.isEmpty() && endedNow.contains(row);
  }

  /** How many posts there are, or may be. */
  Count count(CountBudget budget) throws IOException {
    if (query.exact()
        && endedNow.isEmpty()
        && range.holds(file.file().range())
        && hidden.nextSetBit(0) == DocIdSetIterator.NO_MORE_DOCS) {
      int known = file.index().count(query.query());
      if (known >= 0) {
        return Count.exactly(known);
      }
    }
    Rows all = file.index().isDescending() ? new InOrder() : new Unordered();
    if (query.exact()) {
      long count = 0;
      while (all.next() != DocIdSetIterator.NO_MORE_DOCS) {
        count++;
      }
      return Count.exactly(count);
    }
    return budget.count(this, all);
  }

  /** Counts the posts by time. */
  void addTo(PostVolume.Builder volume, CountBudget budget) throws IOException {
    Rows all = file.index().isDescending() ? new InOrder() : new Unordered();
    if (query.exact()) {
      while (all.next() != DocIdSetIterator.NO_MORE_DOCS) {
        volume.add(all.sortAt());
      }
    } else {
      budget.count(this, all, volume);
    }
  }

  /** How many of these rows are what the filter asks for. */
  int verify(int[] numbers) {
    return (int) read(numbers).stream().filter(filter::test).count();
  }

  /** Those of these rows that are what the filter asks for. */
  List<PostRow> verified(int[] numbers) {
    return read(numbers).stream().filter(filter::test).toList();
  }

  private List<PostRow> read(int[] numbers) {
    cost.rowsRead(numbers.length);
    return file.rows(numbers, filter);
  }

  /** The rows that the index finds, with those hidden and those of other times left out. */
  abstract class Rows {

    abstract int next() throws IOException;

    abstract long sortAt() throws IOException;
  }

  /** Where the file has the latest first. */
  private final class InOrder extends Rows {

    private final DocIdSetIterator found = file.index().rows(query.query());
    private final NumericDocValues times = file.index().sortAt();
    private final int start;
    private final int end;
    private boolean begun;
    private boolean ended;

    InOrder() throws IOException {
      this.start = range.to() == Long.MAX_VALUE ? 0 : firstBelow(range.to());
      this.end = range.from() == Long.MIN_VALUE ? file.index().rows() : firstBelow(range.from());
    }

    @Override
    int next() throws IOException {
      if (ended) {
        return DocIdSetIterator.NO_MORE_DOCS;
      }
      int row = begun || start == 0 ? found.nextDoc() : found.advance(start);
      begun = true;
      while (row < end && isHidden(row)) {
        deadline.step();
        row = found.nextDoc();
      }
      deadline.step();
      ended = row >= end;
      return ended ? DocIdSetIterator.NO_MORE_DOCS : row;
    }

    @Override
    long sortAt() throws IOException {
      times.advanceExact(found.docID());
      return times.longValue();
    }
  }

  private int firstBelow(long sortAt) throws IOException {
    int low = 0;
    int high = file.index().rows();
    while (low < high) {
      int middle = (low + high) >>> 1;
      NumericDocValues times = file.index().sortAt();
      times.advanceExact(middle);
      if (times.longValue() < sortAt) {
        high = middle;
      } else {
        low = middle + 1;
      }
    }
    return low;
  }

  /** In the order of the file. */
  private final class Unordered extends Rows {

    private final DocIdSetIterator found = file.index().rows(query.query());
    private final NumericDocValues times = file.index().sortAt();

    Unordered() throws IOException {}

    @Override
    int next() throws IOException {
      for (int row = found.nextDoc(); row != DocIdSetIterator.NO_MORE_DOCS; row = found.nextDoc()) {
        deadline.step();
        if (!isHidden(row)) {
          times.advanceExact(row);
          if (range.holds(times.longValue())) {
            return row;
          }
        }
      }
      return DocIdSetIterator.NO_MORE_DOCS;
    }

    @Override
    long sortAt() throws IOException {
      return times.longValue();
    }
  }

  /** Put into order, where the file has none. */
  private final class Sorted extends Rows {

    private record Row(int number, long sortAt) {}

    private final List<Row> all = new ArrayList<>();
    private int at = -1;

    Sorted() throws IOException {
      Unordered rows = new Unordered();
      for (int row = rows.next(); row != DocIdSetIterator.NO_MORE_DOCS; row = rows.next()) {
        all.add(new Row(row, rows.sortAt()));
      }
      all.sort(Comparator.comparingLong(Row::sortAt).reversed());
    }

    @Override
    int next() {
      return ++at < all.size() ? all.get(at).number : DocIdSetIterator.NO_MORE_DOCS;
    }

    @Override
    long sortAt() {
      return all.get(at).sortAt;
    }
  }

  @Override
  public void close() {
    looked.clear();
  }
}
