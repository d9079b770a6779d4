package routes.archive;

import java.time.DateTimeException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.time.temporal.ChronoUnit;
import java.util.OptionalLong;

/** Times of records, as text and in microseconds since 1970. */
public final class Times {

  private static final DateTimeFormatter MILLIS =
      DateTimeFormatter.ofPattern("uuuu-MM-dd'T'HH:mm:ss.SSS'Z'").withZone(ZoneOffset.UTC);
  private static final DateTimeFormatter MICROS =
      DateTimeFormatter.ofPattern("uuuu-MM-dd'T'HH:mm:ss.SSSSSS'Z'").withZone(ZoneOffset.UTC);
  private static final long YEAR_0_US =
      Instant.parse("0000-01-01T00:00:00Z").getEpochSecond() * 1_000_000;

  private Times() {}

  /**
   * Reads RFC 3339; anything else, the 61st second included, is no time. Finer than microseconds is
   * cut off.
   */
  public static OptionalLong parse(String text) {
    try {
      long micros = micros(OffsetDateTime.parse(text).toInstant());
      return micros < YEAR_0_US ? OptionalLong.empty() : OptionalLong.of(micros);
    } catch (DateTimeException | ArithmeticException e) {
      return OptionalLong.empty();
    }
  }

  /**
   * The usual way to write that time: UTC, three digits of a second, six where three do not
   * suffice.
   */
  public static String write(long micros) {
    Instant instant = instant(micros);
    return (micros % 1000 == 0 ? MILLIS : MICROS).format(instant);
  }

  public static long micros(Instant instant) {
    return Math.addExact(
        Math.multiplyExact(instant.getEpochSecond(), 1_000_000L), instant.getNano() / 1000);
  }

  public static Instant instant(long micros) {
    return Instant.EPOCH.plus(micros, ChronoUnit.MICROS);
  }
}
