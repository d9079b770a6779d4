package routes.archive;

import java.time.DateTimeException;
import java.time.Instant;
import java.time.LocalDate;
import java.time.OffsetDateTime;
import java.time.YearMonth;
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

  private static final long YEAR_10000_US =
      Instant.parse("9999-12-31T23:59:59Z").getEpochSecond() * 1_000_000 + 1_000_000;

  private static final long NO_TIME = Long.MIN_VALUE;

  private Times() {}

  /**
   * Reads RFC 3339; anything else, the 61st second included, is no time. Finer than microseconds is
   * cut off.
   */
  public static OptionalLong parse(String text) {
    long usual = parseUsual(text);
    return usual == NO_TIME ? parseAny(text) : OptionalLong.of(usual);
  }

  /** UTC, written with a {@code Z} and up to nine digits of a second, as almost all times are. */
  private static long parseUsual(String text) {
    int end = text.length() - 1;
    if (end < 19
        || end == 20
        || end > 29
        || text.charAt(end) != 'Z'
        || text.charAt(4) != '-'
        || text.charAt(7) != '-'
        || text.charAt(10) != 'T'
        || text.charAt(13) != ':'
        || text.charAt(16) != ':'
        || end > 19 && text.charAt(19) != '.') {
      return NO_TIME;
    }
    int year = number(text, 0, 4);
    int month = number(text, 5, 7);
    int day = number(text, 8, 10);
    int hour = number(text, 11, 13);
    int minute = number(text, 14, 16);
    int second = number(text, 17, 19);
    int digits = Math.max(0, end - 20);
    int fraction = digits == 0 ? 0 : number(text, 20, end);
    if (year < 0
        || month < 1
        || month > 12
        || day < 1
        || day > 28 && day > YearMonth.of(year, month).lengthOfMonth()
        || hour < 0
        || hour > 23
        || minute < 0
        || minute > 59
        || second < 0
        || second > 59
        || fraction < 0) {
      return NO_TIME;
    }
    long micros = fraction;
    for (; digits < 6; digits++) {
      micros *= 10;
    }
    for (; digits > 6; digits--) {
      micros /= 10;
    }
    long days = LocalDate.of(year, month, day).toEpochDay();
    return (((days * 24 + hour) * 60 + minute) * 60 + second) * 1_000_000 + micros;
  }

  /** A number of up to nine digits; -1 where something else stands. */
  private static int number(String text, int from, int to) {
    int number = 0;
    for (int i = from; i < to; i++) {
      int digit = text.charAt(i) - '0';
      if (digit < 0 || digit > 9) {
        return -1;
      }
      number = number * 10 + digit;
    }
    return number;
  }

  private static OptionalLong parseAny(String text) {
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
    if (micros < YEAR_0_US || micros >= YEAR_10000_US) {
      return (micros % 1000 == 0 ? MILLIS : MICROS).format(instant(micros));
    }
    long seconds = Math.floorDiv(micros, 1_000_000L);
    LocalDate date = date(micros);
    int ofDay = Math.floorMod(seconds, 86_400);
    int fraction = (int) Math.floorMod(micros, 1_000_000L);
    boolean millis = fraction % 1000 == 0;
    char[] text =
        (millis ? "0000-00-00T00:00:00.000Z" : "0000-00-00T00:00:00.000000Z").toCharArray();
    digits(text, 4, date.getYear());
    digits(text, 7, date.getMonthValue());
    digits(text, 10, date.getDayOfMonth());
    digits(text, 13, ofDay / 3600);
    digits(text, 16, ofDay / 60 % 60);
    digits(text, 19, ofDay % 60);
    digits(text, text.length - 1, millis ? fraction / 1000 : fraction);
    return new String(text);
  }

  /** Puts a number before that place; what is left of it stays as it is. */
  private static void digits(char[] text, int end, int number) {
    int at = end;
    for (int rest = number; rest > 0; rest /= 10) {
      text[--at] = (char) ('0' + rest % 10);
    }
  }

  public static long micros(Instant instant) {
    return Math.addExact(
        Math.multiplyExact(instant.getEpochSecond(), 1_000_000L), instant.getNano() / 1000);
  }

  /** The date in UTC. */
  static LocalDate date(long micros) {
    return LocalDate.ofEpochDay(Math.floorDiv(micros, 86_400_000_000L));
  }

  public static Instant instant(long micros) {
    return Instant.EPOCH.plus(micros, ChronoUnit.MICROS);
  }
}
