package routes.jetstream;

import static java.util.Objects.requireNonNull;

import com.fasterxml.jackson.core.JsonPointer;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.time.Instant;
import java.util.List;

/**
 * Consecutive frames of one connection, in the order received: what one exchange of the {@code
 * jetstream:} component carries.
 *
 * @param host the host that sent them, for example {@code wss://jetstream.us-east.bsky.network}
 * @param connection identifies the connection; blocks of one connection follow each other without a
 *     hole
 * @param continues whether this block follows directly on the block before it, on the same
 *     connection
 * @param firstTimeUs the earliest {@code time_us} that can be true among the frames, microseconds
 *     since 1970; 0 when there is none
 * @param lastTimeUs how far reading has come with this block, microseconds since 1970: the newest
 *     {@code time_us} that can be true of this block and all before it; 0 when there was none yet
 * @param receivedAt when the last frame arrived, by our clock
 * @param frames the messages, raw bytes; not copied, not to be changed
 */
public record Block(
    String host,
    String connection,
    boolean continues,
    long firstTimeUs,
    long lastTimeUs,
    Instant receivedAt,
    List<byte[]> frames) {

  /** What connections of a reader that fills gaps begin with. */
  static final String FILLING = "fill:";

  private static final String STOPPED = "stopped";

  public Block {
    requireNonNull(host, "host");
    requireNonNull(connection, "connection");
    requireNonNull(receivedAt, "receivedAt");
    frames = List.copyOf(frames);
  }

  /**
   * A block without frames that says: reading was ended on purpose, not cut off.
   *
   * @param host read last
   * @param lastTimeUs how far reading had come, microseconds since 1970
   * @param at when it ended
   */
  public static Block stopped(String host, long lastTimeUs, Instant at) {
    return new Block(host, STOPPED, false, 0, lastTimeUs, at, List.of());
  }

  /** Whether it says that reading was ended on purpose. */
  public boolean isStop() {
    return connection.equals(STOPPED);
  }

  /**
   * Whether it comes from a reader that fills gaps: its times say nothing of how far reading has
   * come.
   */
  public boolean isFilling() {
    return connection.startsWith(FILLING);
  }

  /** Number of frames. */
  public int count() {
    return frames.size();
  }

  /**
   * The block with only those events that have a value at a place.
   *
   * @param pointer a JSON pointer (RFC 6901) into the event, for example {@code /commit/collection}
   * @param value the text there, or one of the texts where there is a list
   */
  public Block only(String pointer, String value) {
    return having(pointer, value, true);
  }

  /**
   * The block without those events that have a value at a place. What cannot be read stays.
   *
   * @param pointer a JSON pointer (RFC 6901) into the event, for example {@code
   *     /commit/record/langs}
   * @param value the text there, or one of the texts where there is a list
   */
  public Block without(String pointer, String value) {
    return having(pointer, value, false);
  }

  private Block having(String pointer, String value, boolean wanted) {
    JsonPointer place = JsonPointer.compile(pointer);
    return new Block(
        host,
        connection,
        continues,
        firstTimeUs,
        lastTimeUs,
        receivedAt,
        frames.stream().filter(frame -> has(frame, place, value) == wanted).toList());
  }

  private static boolean has(byte[] frame, JsonPointer place, String value) {
    try {
      JsonNode found = Json.read(frame).at(place);
      return found.isArray()
          ? found.valueStream().anyMatch(one -> one.asText().equals(value))
          : found.asText().equals(value);
    } catch (IOException | NumberFormatException e) {
      return false;
    }
  }

  /** Bytes of all frames together. */
  public long bytes() {
    long bytes = 0;
    for (byte[] frame : frames) {
      bytes += frame.length;
    }
    return bytes;
  }
}
