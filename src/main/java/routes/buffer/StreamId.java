package routes.buffer;

/**
 * The id of an entry in the stream: the time in milliseconds at which it was added, and a number
 * within that millisecond. Ids only grow.
 */
public record StreamId(long millis, long sequence) implements Comparable<StreamId> {

  /** Before every entry. */
  public static final StreamId ZERO = new StreamId(0, 0);

  public StreamId {
    if (millis < 0 || sequence < 0) {
      throw new IllegalArgumentException("no stream id: " + millis + "-" + sequence);
    }
  }

  /** Reads {@code 1783175888085-0}. */
  public static StreamId parse(String id) {
    int dash = id.indexOf('-');
    if (dash <= 0) {
      throw new IllegalArgumentException("no stream id: '" + id + "'");
    }
    return new StreamId(
        Long.parseLong(id.substring(0, dash)), Long.parseLong(id.substring(dash + 1)));
  }

  @Override
  public int compareTo(StreamId other) {
    int byTime = Long.compare(millis, other.millis);
    return byTime != 0 ? byTime : Long.compare(sequence, other.sequence);
  }

  public boolean isAfter(StreamId other) {
    return compareTo(other) > 0;
  }

  @Override
  public String toString() {
    return millis + "-" + sequence;
  }
}
