package routes.jetstream;

import static org.assertj.core.api.Assertions.assertThat;
import static routes.fixtures.Frames.NOON_US;
import static routes.fixtures.Frames.bytes;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class FrameTimeTest {

  private static final Instant NOON = Instant.ofEpochMilli(NOON_US / 1000);

  /** A clock that can be set. */
  private static final class Watch extends Clock {
    private Instant now = NOON;

    @Override
    public ZoneId getZone() {
      return ZoneOffset.UTC;
    }

    @Override
    public Clock withZone(ZoneId zone) {
      return this;
    }

    @Override
    public Instant instant() {
      return now;
    }
  }

  private final Watch watch = new Watch();
  private final FrameTime frameTime = new FrameTime(watch, Duration.ofSeconds(10));

  private static byte[] frame(long timeUs) {
    return bytes("{\"did\":\"did:plc:x\",\"commit\":{\"time_us\":1},\"time_us\":" + timeUs + "}");
  }

  @Test
  void findsTheTimeOfTheMessageAndNotOfWhatIsInIt() {
    assertThat(frameTime.of(frame(NOON_US))).hasValue(NOON_US);
  }

  @Test
  void aHostMayBeALittleAhead() {
    assertThat(frameTime.of(frame(NOON_US + 10_000_000))).hasValue(NOON_US + 10_000_000);
    assertThat(frameTime.of(frame(NOON_US + 10_000_001))).isEmpty();
  }

  @Test
  void nothingHappenedBeforeBluesky() {
    long first = Instant.parse("2022-11-16T00:00:00Z").toEpochMilli() * 1000;
    assertThat(frameTime.of(frame(first))).hasValue(first);
    assertThat(frameTime.of(frame(first - 1))).isEmpty();
    assertThat(frameTime.of(frame(0))).isEmpty();
    assertThat(frameTime.of(frame(-5))).isEmpty();
  }

  @Test
  void ourClockMayJump() {
    watch.now = NOON.minusSeconds(3600);
    assertThat(frameTime.of(frame(NOON_US))).as("ahead of a clock that is behind").isEmpty();
    watch.now = NOON.plusSeconds(3600);
    assertThat(frameTime.of(frame(NOON_US))).hasValue(NOON_US);
    assertThat(frameTime.of(frame(NOON_US + 3_600_000_000L))).isPresent();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "[]",
        "7",
        "{",
        "{}",
        "{\"time_us\":\"1783175888000000\"}",
        "{\"time_us\":1.5}",
        "{\"time_us\":null}",
        "{\"a\":[1,2",
        "{\"time_us\":99999999999999999999999}"
      })
  void whatHasNoTimeHasNone(String frame) {
    assertThat(frameTime.of(bytes(frame))).isEmpty();
  }
}
