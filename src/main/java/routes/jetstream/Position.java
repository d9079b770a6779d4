package routes.jetstream;

import static java.util.Objects.requireNonNull;

/**
 * How far the stream has been read and kept.
 *
 * @param timeUs Jetstream's {@code time_us}, microseconds since 1970
 * @param host the host whose clock gave that time; empty when it is not known
 */
public record Position(long timeUs, String host) {

  public Position {
    if (timeUs <= 0) {
      throw new IllegalArgumentException("a position needs a time, got " + timeUs);
    }
    requireNonNull(host, "host");
  }
}
