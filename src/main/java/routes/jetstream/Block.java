package routes.jetstream;

import static java.util.Objects.requireNonNull;

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

  public Block {
    requireNonNull(host, "host");
    requireNonNull(connection, "connection");
    requireNonNull(receivedAt, "receivedAt");
    frames = List.copyOf(frames);
  }

  /** Number of frames. */
  public int count() {
    return frames.size();
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
