package routes.search;

import java.io.IOException;
import org.apache.lucene.search.DocIdSetIterator;

/**
 * Counts posts that an index cannot tell from others: by looking at every candidate as long as they
 * are few, and at some of them when they are many. One for each query.
 */
final class CountBudget {

  private static final int SAMPLE = 64;

  private int left;

  /**
   * @param rows that may be looked at, in all files together
   */
  CountBudget(int rows) {
    this.left = rows;
  }

  Count count(IndexedHits hits, IndexedHits.Rows candidates) throws IOException {
    Sample sample = sample(candidates);
    if (sample.seen <= left) {
      left -= sample.count;
      return Count.exactly(hits.verify(sample.rows(sample.count)));
    }
    return new Count(Math.round(share(hits, sample) * sample.seen), false);
  }

  /** The same by time. */
  void count(IndexedHits hits, IndexedHits.Rows candidates, PostVolume.Builder volume)
      throws IOException {
    Sample sample = new Sample(Math.max(left, SAMPLE));
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
  void count(IndexedHits hits, IndexedHits.Rows candidates, PostTop.Builder top)
      throws IOException {
    Sample sample = sample(candidates);
    double weight = sample.seen <= left ? 1 : (double) sample.seen / sample.count;
    left -= sample.seen <= left ? sample.count : 0;
    hits.verified(sample.rows(sample.count), top.of().columns())
        .forEach(row -> top.add(row, weight));
  }

  private Sample sample(IndexedHits.Rows candidates) throws IOException {
    Sample sample = new Sample(Math.max(left, SAMPLE));
    for (int row = candidates.next();
        row != DocIdSetIterator.NO_MORE_DOCS;
        row = candidates.next()) {
      sample.add(row);
    }
    return sample;
  }

  /** Of many candidates, the share that is what the filter asks for: of some, it is known. */
  private static double share(IndexedHits hits, Sample sample) {
    int[] rows = sample.rows(Math.min(SAMPLE, sample.count));
    return (double) hits.verify(rows) / rows.length;
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
      int[] rows = new int[wanted];
      for (int i = 0; i < wanted; i++) {
        rows[i] = kept[(int) ((long) i * count / wanted)];
      }
      return rows;
    }
  }
}
