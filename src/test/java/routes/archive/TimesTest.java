package routes.archive;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeFormatterBuilder;
import java.time.temporal.ChronoField;
import java.util.Locale;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.LongRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TimesTest {

  @ParameterizedTest
  @CsvSource({
    "2026-07-04T14:38:08Z, 1783175888000000",
    "2026-07-04T14:38:08.123Z, 1783175888123000",
    "2026-07-04T14:38:08.1234567Z, 1783175888123456",
    "2026-07-04T23:38:08.5+09:00, 1783175888500000",
    "1970-01-01T00:00:00Z, 0",
    "1969-12-31T23:59:59.999999Z, -1",
    "0000-01-01T00:00:00Z, -62167219200000000",
    "9999-12-31T23:59:59Z, 253402300799000000"
  })
  void readsTimes(String text, long micros) {
    assertThat(Times.parse(text)).hasValue(micros);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "yesterday",
        "2026-07-04",
        "2026-07-04T14:38:08",
        "2026-02-30T00:00:00Z",
        "2026-07-04T14:38:60Z",
        "-0001-12-31T23:59:59Z",
        "+999999999-12-31T23:59:59Z"
      })
  void whatIsNoTimeIsNone(String text) {
    assertThat(Times.parse(text)).isEmpty();
  }

  @Test
  void writesThreeDigitsWhereTheySuffice() {
    assertThat(Times.write(1783175888123000L)).isEqualTo("2026-07-04T14:38:08.123Z");
    assertThat(Times.write(1783175888000000L)).isEqualTo("2026-07-04T14:38:08.000Z");
    assertThat(Times.write(1783175888123456L)).isEqualTo("2026-07-04T14:38:08.123456Z");
  }

  @Test
  void goesBetweenInstantsAndMicroseconds() {
    Instant instant = Instant.parse("2026-07-04T14:38:08.123456789Z");
    assertThat(Times.micros(instant)).isEqualTo(1783175888123456L);
    assertThat(Times.instant(1783175888123456L))
        .isEqualTo(Instant.parse("2026-07-04T14:38:08.123456Z"));
    assertThat(Times.micros(Times.instant(-1))).isEqualTo(-1);
  }

  @Property
  void theUsualFormIsReadAndWrittenAsAnyOther(
      @ForAll @LongRange(min = -62_167_219_200_000_000L, max = 253_402_300_799_999_999L)
          long micros,
      @ForAll @IntRange(max = 999) int nanos,
      @ForAll @IntRange(min = 1, max = 9) int digits) {
    Instant instant = Times.instant(micros).plusNanos(nanos);
    DateTimeFormatter form =
        new DateTimeFormatterBuilder()
            .appendPattern("uuuu-MM-dd'T'HH:mm:ss")
            .appendFraction(ChronoField.NANO_OF_SECOND, digits, digits, true)
            .appendLiteral('Z')
            .toFormatter(Locale.ROOT)
            .withZone(ZoneOffset.UTC);
    String text = form.format(instant);
    assertThat(Times.parse(text)).hasValue(Times.micros(OffsetDateTime.parse(text).toInstant()));
    assertThat(Times.write(micros))
        .matches("\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d[.](\\d{3}|\\d{6})Z");
    assertThat(Times.micros(Instant.parse(Times.write(micros)))).isEqualTo(micros);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "2026-13-04T14:38:08Z",
        "2026-00-04T14:38:08Z",
        "2026-07-00T14:38:08Z",
        "2025-02-29T14:38:08.123Z",
        "2026-07-04T24:38:08.123Z",
        "2026-07-04T14:60:08.123Z",
        "2026-07-04T14:38:08.Z1",
        "2026-07-04T14:38:08,123Z",
        "2026-07-04T14:38:08.12a4Z",
        "2026-07-04T14:38:0\u0668Z",
        "2026-07-04T14:38:08.1234567891Z",
        "2026-07-04 14:38:08.123Z"
      })
  void whatLooksLikeATimeIsNone(String text) {
    assertThat(Times.parse(text)).isEmpty();
  }
}
