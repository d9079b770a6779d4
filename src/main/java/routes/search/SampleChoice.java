package routes.search;

import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import java.util.PriorityQueue;
import org.apache.lucene.index.NumericDocValues;

/**
 * Which posts belong to a sample: those that are drawn first. Made by going through all of them.
 */
final class SampleChoice {

  private final Keys keys = new Keys();
  private final PostSample sample;
  private final long last;

  /** Posts with the order of the last one that still belong to it. */
  private int atLast;

  private SampleChoice(PostSample sample, long last, int atLast) {
    this.sample = sample;
    this.last = last;
    this.atLast = atLast;
  }

  boolean takes(Hit hit) throws IOException {
    long order = sample.order(keys.of(hit));
    return order < last || order == last && atLast-- > 0;
  }

  /** Draws a sample: holds eight bytes and some for each of its posts. */
  static final class Drawing {

    private final Keys keys = new Keys();
    private final PostSample sample;
    private final PriorityQueue<Long> first = new PriorityQueue<>((a, b) -> Long.compare(b, a));

    Drawing(PostSample sample) {
      this.sample = sample;
    }

    void add(Hit hit) throws IOException {
      long order = sample.order(keys.of(hit));
      if (first.size() < sample.size()) {
        first.add(order);
      } else if (order < first.peek()) {
        first.poll();
        first.add(order);
      }
    }

    SampleChoice choice() {
      if (first.size() < sample.size()) {
        return new SampleChoice(sample, Long.MAX_VALUE, Integer.MAX_VALUE);
      }
      long last = first.peek();
      int atLast = (int) first.stream().filter(order -> order == last).count();
      return new SampleChoice(sample, last, atLast);
    }
  }

  /** The keys of posts, as an index has them. */
  private static final class Keys {

    private final Map<PostFile, NumericDocValues> byFile = new HashMap<>();

    int of(Hit hit) throws IOException {
      if (hit.file() == null) {
        return PostIndex.key(hit.post().did(), hit.post().row().rkey());
      }
      NumericDocValues keys = byFile.get(hit.file());
      if (keys == null || keys.docID() > hit.row()) {
        keys = hit.file().index().keys();
        byFile.put(hit.file(), keys);
      }
      keys.advanceExact(hit.row());
      return (int) keys.longValue();
    }
  }
}
