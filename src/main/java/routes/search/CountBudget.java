package routes.search;

import java.io.IOException;
import java.util.Arrays;
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
    int[] kept = new int[Math.max(left, SAMPLE)];
    long seen = 0;
    long every = 1;
    int count = 0;
    for (int row = candidates.next();
        row != DocIdSetIterator.NO_MORE_DOCS;
        row = candidates.next()) {
      if (seen % every == 0) {
        if (count == kept.length) {
          // Every other one stays: they are spread over all of the file at any time.
          for (int i = 0; 2 * i < count; i++) {
            kept[i] = kept[2 * i];
          }
          count = (count + 1) / 2;
          every *= 2;
        }
        if (seen % every == 0) {
          kept[count++] = row;
        }
      }
      seen++;
    }
    int[] rows = Arrays.copyOf(kept, count);
    if (seen <= left) {
      left -= count;
      return Count.exactly(hits.verify(rows));
    }
    int[] sample = new int[Math.min(SAMPLE, count)];
    for (int i = 0; i < sample.length; i++) {
      sample[i] = rows[(int) ((long) i * count / sample.length)];
    }
    return new Count(Math.round((double) hits.verify(sample) / sample.length * seen), false);
  }
}
