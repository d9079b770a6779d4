package routes.jetstream;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.OptionalLong;

/**
 * Finds the {@code time_us} of a frame, and tells whether it can be true; reads no further than it
 * must.
 */
final class FrameTime {

  /** Bluesky's first post is younger than this. */
  private static final long BLUESKY_BEGINS_US =
      Instant.parse("2022-11-16T00:00:00Z").toEpochMilli() * 1000;

  private static final JsonFactory JSON =
      JsonFactory.builder().disable(JsonFactory.Feature.INTERN_FIELD_NAMES).build();

  private final Clock clock;
  private final long aheadUs;

  /**
   * @param ahead how far a host's clock may be ahead of ours
   */
  FrameTime(Clock clock, Duration ahead) {
    this.clock = clock;
    this.aheadUs = ahead.toNanos() / 1000;
  }

  /**
   * The frame's {@code time_us} where it has one that can be true: not before Bluesky, not ahead of
   * the clock.
   */
  OptionalLong of(byte[] frame) {
    try (JsonParser parser = JSON.createParser(frame)) {
      if (parser.nextToken() != JsonToken.START_OBJECT) {
        return OptionalLong.empty();
      }
      while (parser.nextToken() == JsonToken.FIELD_NAME) {
        boolean found = parser.currentName().equals("time_us");
        JsonToken value = parser.nextToken();
        if (found) {
          return value == JsonToken.VALUE_NUMBER_INT
              ? plausible(parser.getLongValue())
              : OptionalLong.empty();
        }
        parser.skipChildren();
      }
    } catch (IOException e) {
      return OptionalLong.empty(); // no JSON: whoever parses the frame says so
    }
    return OptionalLong.empty();
  }

  private OptionalLong plausible(long timeUs) {
    boolean canBeTrue = timeUs >= BLUESKY_BEGINS_US && timeUs <= clock.millis() * 1000 + aheadUs;
    return canBeTrue ? OptionalLong.of(timeUs) : OptionalLong.empty();
  }
}
