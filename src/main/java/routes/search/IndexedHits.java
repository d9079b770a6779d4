package routes.search;

import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Set;
import org.apache.lucene.index.NumericDocValues;
import org.apache.lucene.search.ConjunctionUtils;
import org.apache.lucene.search.DocIdSetIterator;
import org.apache.lucene.util.BitSetIterator;
import org.apache.lucene.util.FixedBitSet;
import routes.archive.DuckDb;

/** The posts of one indexed file that a query finds, newest first. */
final class IndexedHits implements HitSource {

  private static final int FIRST_CHUNK = 16;
  private static final int MAX_CHUNK = 4_096;

  /** Rows of all files that a query looks at before more is asked of the indexes. */
  private static final int LOOKED_AT_FIRST = 500;

  /** Rows that are read one by one, where another way is to go through all of the index. */
  private static final int FEW = 1_000;

  /** A set of all rows is made where more than one in so many are found. */
  private static final int MANY = 64;

  /** Rows are left to DuckDB where more than one in so many have to be looked at, … */
  private static final int LARGE_PART = 4;

  /** … and one in so many was looked at: that costs less than to ask DuckDB. */
  private static final int SMALL_PART = 16;

  private final DuckDb duckDb;
  private final PostFile file;
  private final HiddenRows hidden;
  private final Deleted deleted;
  private final PostFilter filter;
  private final List<String> shown;
  private final SortAtRange range;
  private final Deadline deadline;
  private final QueryCost cost;

  /** Null where it is not known. */
  private final EngagementFile engagement;

  /** Rows with the engagement asked for; null where none is. */
  private final FixedBitSet engaged;

  private final Deque<Hit> looked = new ArrayDeque<>();
  private int chunk = FIRST_CHUNK;
  private int last = -1;
  private int lookedAt;
  private boolean isNarrow;
  private IndexQuery query;

  /** Finds the rest of the rows; null as long as they are looked at one by one. */
  private PostScan scan;

  /** Made when the first is asked for: a count needs no order, which may have to be made. */
  private Rows rows;

  /**
   * @param hidden rows that are no living posts
   * @param range of the time that is asked for
   */
  IndexedHits(
      DuckDb duckDb,
      PostFile file,
      HiddenRows hidden,
      PostQuery asked,
      SortAtRange range,
      Deadline deadline,
      QueryCost cost)
      throws IOException {
    this.duckDb = duckDb;
    this.file = file;
    this.hidden = hidden;
    this.deleted = asked.deleted();
    this.filter = asked.filter();
    this.shown = asked.columns();
    this.query = file.index().query(filter);
    this.range = range;
    this.deadline = deadline;
    this.cost = cost;
    // Counted anew with every compaction: an answer of an earlier commit would not stay the same.
    this.engagement = asked.pin().isPresent() ? null : file.engagement().orElse(null);
    this.engaged = asked.engaged().matters() ? rowsWith(asked.engaged()) : null;
    cost.indexUsed();
  }

  private FixedBitSet rowsWith(Engaged asked) {
    int rows = file.index().rows();
    FixedBitSet found = null;
    for (Map.Entry<Engagement.Kind, Integer> least : asked.least().entrySet()) {
      FixedBitSet more =
          engagement == null
              ? new FixedBitSet(rows)
              : engagement.rowsWith(least.getKey(), least.getValue(), rows);
      if (found == null) {
        found = more;
      } else {
        found.and(more);
      }
    }
    return found;
  }

  @Override
  public Hit next() throws IOException {
    if (rows == null) {
      rows = file.index().isDescending() ? new InOrder(0) : new Sorted();
    }
    if (query.exact() || scan != null) {
      int row = rows.next();
      return row == DocIdSetIterator.NO_MORE_DOCS ? null : hit(row);
    }
    while (looked.isEmpty()) {
      if (asksMoreOfIndex() || scansRest()) {
        return next();
      }
      deadline.check();
      List<Hit> candidates = new ArrayList<>(chunk);
      for (int row = rows.next(); row != DocIdSetIterator.NO_MORE_DOCS; row = rows.next()) {
        candidates.add(hit(row));
        if (candidates.size() == chunk) {
          break;
        }
      }
      if (candidates.isEmpty()) {
        return null;
      }
      looked.addAll(look(candidates));
      lookedAt += candidates.size();
      chunk = Math.min(2 * chunk, MAX_CHUNK);
    }
    return looked.poll();
  }

  /**
   * Where many rows were looked at, here or in other files, the index may tell with more effort
   * which of the rest are worth it, or even which are asked for.
   */
  private boolean asksMoreOfIndex() throws IOException {
    if (isNarrow || cost.rowsRead() < LOOKED_AT_FIRST || !file.index().isDescending()) {
      return false;
    }
    isNarrow = true;
    query = file.index().narrowQuery(filter);
    rows = new InOrder(last + 1);
    return true;
  }

  /**
   * Where so many rows may be what is asked for, and few are, DuckDB is faster at looking at the
   * rest.
   */
  private boolean scansRest() throws IOException {
    int all = file.index().rows();
    if (!file.index().isDescending()
        || lookedAt < Math.max(MAX_CHUNK, all / SMALL_PART)
        || candidates() < all / LARGE_PART) {
      return false;
    }
    scan = PostScan.rowNumbers(duckDb, file.file(), filter, last, lastRow(), deadline);
    rows = new Scanned(scan);
    cost.filesScanned(1);
    return true;
  }

  private Hit hit(int row) throws IOException {
    last = row;
    return hit(row, rows.sortAt());
  }

  private Hit hit(int row, long sortAt) {
    return new Hit(file, row, sortAt, hidden.isEnded(row), engagement);
  }

  private List<Hit> look(List<Hit> candidates) {
    int[] numbers = candidates.stream().mapToInt(Hit::row).sorted().toArray();
    List<PostRow> found = file.rows(numbers, shown, filter);
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

  /** The rows that the index finds; where few are asked for, no others. */
  private DocIdSetIterator found() throws IOException {
    List<DocIdSetIterator> all = new ArrayList<>();
    all.add(file.index().rows(query.query()));
    if (deleted == Deleted.ONLY) {
      FixedBitSet ended = hidden.allEnded();
      all.add(new BitSetIterator(ended, ended.cardinality()));
    }
    if (engaged != null) {
      all.add(new BitSetIterator(engaged, engaged.cardinality()));
    }
    return all.size() == 1 ? all.get(0) : ConjunctionUtils.intersectIterators(all);
  }

  /**
   * The posts with most engagement, and the newest of those with the same.
   *
   * @param posts at most
   */
  List<Hit> most(Engagement.Kind kind, int posts) throws IOException {
    if (engagement == null) {
      return List.of();
    }
    List<Hit> most = new ArrayList<>();
    Hit last = null;
    int wanted = posts;
    while (most.size() < posts) {
      List<Hit> next = mostBehind(last, kind, wanted);
      if (next.isEmpty()) {
        break;
      }
      last = next.get(next.size() - 1);
      most.addAll(query.exact() ? next : look(next));
      wanted = Math.min(4 * wanted, Math.max(posts, MAX_CHUNK));
    }
    return most.subList(0, Math.min(posts, most.size()));
  }

  /** Those behind a post, in that order; from the beginning for null. */
  private List<Hit> mostBehind(Hit last, Engagement.Kind kind, int posts) throws IOException {
    Comparator<Hit> mostFirst = Hit.mostFirst(kind);
    PriorityQueue<Hit> best = new PriorityQueue<>(mostFirst.reversed());
    Rows candidates = inAnyOrder();
    int least = 0;
    for (int row = candidates.next();
        row != DocIdSetIterator.NO_MORE_DOCS;
        row = candidates.next()) {
      if (engagement.of(kind, row) >= least) {
        Hit hit = hit(row, candidates.sortAt());
        if (last == null || mostFirst.compare(hit, last) > 0) {
          best.add(hit);
          if (best.size() > posts) {
            best.poll();
            least = best.peek().engagement(kind) + (isInOrder() ? 1 : 0);
          }
        }
      }
    }
    List<Hit> sorted = new ArrayList<>(best);
    sorted.sort(mostFirst);
    return sorted;
  }

  /** How many posts there are, or may be. */
  Count count(CountBudget budget) throws IOException {
    if (!query.exact()) {
      return budget.count(this);
    }
    if (engaged == null && range.holds(file.file().range()) && hidden.hidesNothing(deleted)) {
      int known = file.index().count(query.query());
      if (known >= 0) {
        return Count.exactly(known);
      }
    }
    if (isWorthASet()) {
      return Count.exactly(all().cardinality());
    }
    long count = 0;
    Rows all = inAnyOrder();
    while (all.next() != DocIdSetIterator.NO_MORE_DOCS) {
      count++;
    }
    return Count.exactly(count);
  }

  /** Counts the posts by time. */
  void addTo(PostVolume.Builder volume, CountBudget budget) throws IOException {
    if (!query.exact()) {
      budget.count(this, inAnyOrder(), volume);
    } else if (isWorthASet()) {
      addTo(volume, all());
    } else {
      Rows all = inAnyOrder();
      while (all.next() != DocIdSetIterator.NO_MORE_DOCS) {
        volume.add(all.sortAt());
      }
    }
  }

  /** Stretch by stretch: in a file that is in order, each is a run of rows. */
  private void addTo(PostVolume.Builder volume, FixedBitSet found) throws IOException {
    int end = lastRow();
    for (int row = firstRow(); row < end; ) {
      deadline.step();
      long start = volume.startOf(sortAt(row));
      int next = Math.min(end, Math.max(row + 1, firstBelow(start)));
      volume.add(start, countBetween(found, row, next));
      row = next;
    }
  }

  private static int countBetween(FixedBitSet rows, int from, int to) {
    long[] words = rows.getBits();
    int first = from >> 6;
    int last = to - 1 >> 6;
    long atFirst = -1L << from;
    long atLast = -1L >>> -to;
    if (first == last) {
      return Long.bitCount(words[first] & atFirst & atLast);
    }
    int count = Long.bitCount(words[first] & atFirst) + Long.bitCount(words[last] & atLast);
    for (int i = first + 1; i < last; i++) {
      count += Long.bitCount(words[i]);
    }
    return count;
  }

  /** Counts what the posts have. */
  void addTo(PostTop.Builder top, CountBudget budget) throws IOException {
    if (!query.exact()) {
      budget.count(this, top);
      return;
    }
    FixedBitSet found = all();
    int count = found.cardinality();
    if (count <= FEW) {
      int[] numbers = new int[count];
      DocIdSetIterator each = new BitSetIterator(found, count);
      for (int i = 0; i < count; i++) {
        numbers[i] = each.nextDoc();
      }
      cost.rowsRead(count);
      file.read(numbers, top.of().columns()).forEach(row -> top.add(row, 1));
    } else {
      top.addPosts(count);
      file.index()
          .countTerms(
              top.of().type(),
              found,
              deadline,
              (term, posts, first) -> top.add(term, posts, file, first));
    }
  }

  /** Whether all rows are had faster at once than one by one. */
  private boolean isWorthASet() throws IOException {
    return file.index().isDescending() && candidates() > file.index().rows() / MANY;
  }

  /** All rows that are asked for, where the index tells them exactly. */
  private FixedBitSet all() throws IOException {
    FixedBitSet all = new FixedBitSet(file.index().rows());
    if (!file.index().isDescending()) {
      Rows rows = new Unordered();
      for (int row = rows.next(); row != DocIdSetIterator.NO_MORE_DOCS; row = rows.next()) {
        all.set(row);
      }
      return all;
    }
    file.index().addRows(query.query(), firstRow(), lastRow(), all);
    deadline.check();
    hidden.removeFrom(all, deleted);
    if (engaged != null) {
      all.and(engaged);
    }
    return all;
  }

  /** How many rows the index may find, at most. */
  long candidates() throws IOException {
    return file.index().rows(query.query()).cost();
  }

  /** Where in its parts a sample is taken, from 0 to 1: in each file elsewhere, always the same. */
  double phase() {
    return (file.file().path().toString().hashCode() & 0xffff) / 65_536.0;
  }

  /** Whether all of one time stand together. */
  boolean isInOrder() {
    return file.index().isDescending();
  }

  Rows inAnyOrder() throws IOException {
    return file.index().isDescending() ? new InOrder(0) : new Unordered();
  }

  /** How many of these rows are what the filter asks for. */
  int verify(int[] numbers) {
    return (int) read(numbers).stream().filter(filter::test).count();
  }

  /** Those of these rows that are what the filter asks for. */
  List<PostRow> verified(int[] numbers) {
    return read(numbers).stream().filter(filter::test).toList();
  }

  /** The same with some columns more. */
  List<PostRow> verified(int[] numbers, Set<String> columns) {
    cost.rowsRead(numbers.length);
    Set<String> all = new HashSet<>(columns);
    all.addAll(filter.columns());
    return file.read(numbers, all).stream().filter(filter::test).toList();
  }

  private List<PostRow> read(int[] numbers) {
    cost.rowsRead(numbers.length);
    return file.rows(numbers, shown, filter);
  }

  /** The rows that the index finds, with those hidden and those of other times left out. */
  abstract class Rows {

    abstract int next() throws IOException;

    /** The next that is not before that one, which is behind where it stands. */
    int advance(int row) throws IOException {
      int next = next();
      while (next < row) {
        next = next();
      }
      return next;
    }

    abstract long sortAt() throws IOException;
  }

  /** Where the file has the latest first. */
  private final class InOrder extends Rows {

    private final DocIdSetIterator found = found();
    private final NumericDocValues times = file.index().sortAt();
    private final int start;
    private final int end;
    private boolean begun;
    private boolean ended;

    /**
     * @param from rows before that one are left out
     */
    InOrder(int from) throws IOException {
      this.start = Math.max(from, firstRow());
      this.end = lastRow();
    }

    @Override
    int next() throws IOException {
      if (ended) {
        return DocIdSetIterator.NO_MORE_DOCS;
      }
      return from(begun || start == 0 ? found.nextDoc() : found.advance(start));
    }

    @Override
    int advance(int row) throws IOException {
      if (ended) {
        return DocIdSetIterator.NO_MORE_DOCS;
      }
      return from(found.advance(Math.max(row, start)));
    }

    /** That row, or the first behind it that is neither hidden nor too early. */
    private int from(int first) throws IOException {
      begun = true;
      int row = first;
      while (row < end && hidden.hides(row, deleted)) {
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

  /** The first row that is not too late, where the file has the latest first. */
  int firstRow() throws IOException {
    return range.to() == Long.MAX_VALUE ? 0 : firstBelow(range.to());
  }

  /** The row behind the last that is not too early. */
  int lastRow() throws IOException {
    return range.from() == Long.MIN_VALUE ? file.index().rows() : firstBelow(range.from());
  }

  private long sortAt(int row) throws IOException {
    NumericDocValues times = file.index().sortAt();
    times.advanceExact(row);
    return times.longValue();
  }

  private int firstBelow(long sortAt) throws IOException {
    int low = 0;
    int high = file.index().rows();
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (sortAt(middle) < sortAt) {
        high = middle;
      } else {
        low = middle + 1;
      }
    }
    return low;
  }

  /** In the order of the file. */
  private final class Unordered extends Rows {

    private final DocIdSetIterator found = found();
    private final NumericDocValues times = file.index().sortAt();

    Unordered() throws IOException {}

    @Override
    int next() throws IOException {
      for (int row = found.nextDoc(); row != DocIdSetIterator.NO_MORE_DOCS; row = found.nextDoc()) {
        deadline.step();
        if (!hidden.hides(row, deleted)) {
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

  /** Those that DuckDB finds. */
  private final class Scanned extends Rows {

    private final PostScan found;
    private int row;

    Scanned(PostScan found) {
      this.found = found;
    }

    @Override
    int next() {
      do {
        row = found.nextRowNumber();
      } while (row != DocIdSetIterator.NO_MORE_DOCS
          && (hidden.hides(row, deleted) || engaged != null && !engaged.get(row)));
      return row;
    }

    @Override
    long sortAt() throws IOException {
      return IndexedHits.this.sortAt(row);
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
    if (scan != null) {
      scan.close();
    }
  }
}
