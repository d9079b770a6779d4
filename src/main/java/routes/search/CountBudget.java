package routes.search;

import java.io.IOException;
import org.apache.lucene.search.DocIdSetIterator;

/**
 * Counts posts that an index cannot tell from others: by looking at every candidate as long as they
 * are few, and at some of them when they are many. One for each query.
 */
final class CountBudget {

  /** Rows of an estimate that are looked at, in all files together; some in each at least. */
  private static final int SAMPLE = 128;

  private static final int LEAST_SAMPLE = 8;

  /** Candidates of a file that are counted; of more, those in some stretches of it are. */
  private static final int COUNTED = 100_000;

  private static final int STRETCHES = 64;

  private final int sampleSize;
  private final int manyInOne;
  private final int counted;
  private int left;

  /**
   * @param rows that may be looked at, in all files together
   * @param files that will be counted
   */
  CountBudget(int rows, int files) {
    this(rows, files, COUNTED);
  }

  /**
   * @param counted candidates of a file that are counted, at most
   */
  CountBudget(int rows, int files, int counted) {
    this.left = rows;
    this.counted = counted;
    this.manyInOne = Math.max(LEAST_SAMPLE, rows / Math.max(1, files));
    this.sampleSize = Math.max(LEAST_SAMPLE, SAMPLE / Math.max(1, files));
  }

  Count count(IndexedHits hits) throws IOException {
    Sample sample = sample(hits);
    if (sample.seen <= left) {
      left -= sample.count;
      return Count.exactly(hits.verify(sample.rows(sample.count)));
    }
    return new Count(Math.round(share(hits, sample) * sample.seen), false);
  }

  /** The same by time. */
  void count(IndexedHits hits, IndexedHits.Rows candidates, PostVolume.Builder volume)
      throws IOException {
    Sample sample = new Sample(Math.max(left, sampleSize));
    PostVolume.Builder all = volume.another();
    for (int row = candidates.next();
        row != DocIdSetIterator.NO_MORE_DOCS;
        row = candidates.next()) {
      sample.add(row);
      all.add(candidates.sortAt());
    }
    if (sample.seen <= left) {
      left -= sample.count;
      hits.verified(sample.rows(sample.count)).forEach(row -> volume.add(row.sortAt()));
    } else {
      volume.add(all, share(hits, sample));
    }
  }

  /** The same by what they have. */
  void count(IndexedHits hits, PostTop.Builder top) throws IOException {
    Sample sample = sample(hits);
    if (sample.seen <= left) {
      left -= sample.count;
      hits.verified(sample.rows(sample.count), top.of().columns()).forEach(row -> top.add(row, 1));
    } else {
      int[] some = sample.rows(Math.min(manyInOne, sample.count), hits.phase());
      double weight = (double) sample.seen / some.length;
      hits.verified(some, top.of().columns()).forEach(row -> top.add(row, weight));
    }
  }

  private Sample sample(IndexedHits hits) throws IOException {
    if (hits.isInOrder() && hits.candidates() > counted) {
      Sample some = sampleOfStretches(hits);
      if (some.seen > 2L * left) {
        return some;
      }
    }
    Sample all = new Sample(Math.max(left, sampleSize));
    IndexedHits.Rows rows = hits.inAnyOrder();
    for (int row = rows.next(); row != DocIdSetIterator.NO_MORE_DOCS; row = rows.next()) {
      all.add(row);
    }
    return all;
  }

  /** As if all were counted, from stretches that are spread evenly over the file. */
  private Sample sampleOfStretches(IndexedHits hits) throws IOException {
    double share = (double) counted / hits.candidates();
    Sample some = new Sample(Math.max(left, sampleSize));
    IndexedHits.Rows rows = hits.inAnyOrder();
    double length = (double) (hits.lastRow() - hits.firstRow()) / STRETCHES;
    int row = -1;
    for (int i = 0; i < STRETCHES && row != DocIdSetIterator.NO_MORE_DOCS; i++) {
      int start = hits.firstRow() + (int) ((i + hits.phase() * (1 - share)) * length);
      int end = start + (int) Math.ceil(length * share);
      row = row < start ? rows.advance(start) : row;
      for (; row < end; row = rows.next()) {
        some.add(row);
      }
    }
    some.seen = Math.round(some.seen / share);
    return some;
  }

  /** Of many candidates, the share that is what the filter asks for: of some, it is known. */
  private double share(IndexedHits hits, Sample sample) {
    int[] rows = sample.rows(Math.min(sampleSize, sample.count), hits.phase());
    return rows.length == 0 ? 0 : (double) hits.verify(rows) / rows.length;
  }

  /** Some of the rows that it is given, spread evenly over all of them. */
  private static final class Sample {

    private final int[] kept;
    private int count;
    private long seen;
    private long every = 1;

    Sample(int most) {
      kept = new int[most];
    }

    void add(int row) {
      if (seen % every == 0 && count == kept.length) {
        for (int i = 0; 2 * i < count; i++) {
          kept[i] = kept[2 * i];
        }
        count = (count + 1) / 2;
        every *= 2;
      }
      if (seen % every == 0) {
        kept[count++] = row;
      }
      seen++;
    }

    int[] rows(int wanted) {
      return rows(wanted, 0);
    }

    /**
     * @param phase how far behind the beginning of its part each is, from 0 to 1
     */
    int[] rows(int wanted, double phase) {
      int[] rows = new int[wanted];
      for (int i = 0; i < wanted; i++) {
        rows[i] = kept[(int) ((i + phase) * count / wanted)];
      }
      return rows;
    }
  }
}
