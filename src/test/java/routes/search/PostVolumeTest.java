package routes.search;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import routes.archive.Times;
import routes.search.PostVolume.Bucket;
import routes.search.PostVolume.Interval;

class PostVolumeTest {

  @ParameterizedTest
  @CsvSource({
    "MINUTE, 2026-07-04T14:38:08.999Z, 2026-07-04T14:38:00Z",
    "HOUR, 2026-07-04T14:38:08.999Z, 2026-07-04T14:00:00Z",
    "DAY, 2026-07-04T14:38:08.999Z, 2026-07-04T00:00:00Z",
    "MONTH, 2026-07-04T14:38:08.999Z, 2026-07-01T00:00:00Z",
    "MONTH, 2024-02-29T23:59:59.999Z, 2024-02-01T00:00:00Z",
    "DAY, 1969-12-31T23:00:00Z, 1969-12-31T00:00:00Z",
    "HOUR, 1970-01-01T00:00:00Z, 1970-01-01T00:00:00Z",
  })
  void aTimeBelongsToTheStretchThatBeganLast(Interval interval, Instant time, Instant start) {
    assertThat(interval.startOf(Times.micros(time))).isEqualTo(Times.micros(start));
  }

  @Test
  void countsInWhateverOrder() {
    PostVolume.Builder builder = new PostVolume.Builder(Interval.MONTH);
    for (String time :
        new String[] {"2026-07-04", "2026-06-30", "2026-07-01", "2026-06-01", "2026-07-31"}) {
      builder.add(Times.micros(Instant.parse(time + "T12:00:00Z")));
    }
    PostVolume volume = builder.build();
    assertThat(volume.buckets())
        .containsExactly(
            new Bucket(Instant.parse("2026-06-01T00:00:00Z"), 2),
            new Bucket(Instant.parse("2026-07-01T00:00:00Z"), 3));
    assertThat(volume.total()).isEqualTo(5);
    assertThat(volume.exact()).isTrue();
  }

  @Test
  void aShareOfACountIsAnEstimate() {
    PostVolume.Builder builder = new PostVolume.Builder(Interval.DAY);
    PostVolume.Builder part = builder.another();
    for (int i = 0; i < 10; i++) {
      part.add(i);
    }
    builder.add(1);
    builder.add(part, 0.5);
    assertThat(builder.build())
        .isEqualTo(new PostVolume(java.util.List.of(new Bucket(Instant.EPOCH, 6)), 6, false));
  }

  @Test
  void refusesMoreStretchesThanAnAnswerMayHave() {
    PostVolume.Builder builder = new PostVolume.Builder(Interval.MINUTE);
    for (int minute = 0; minute < 10_080; minute++) {
      builder.add(minute * 60_000_000L);
    }
    assertThatThrownBy(() -> builder.add(10_080 * 60_000_000L))
        .isInstanceOf(PostVolume.TooMany.class)
        .hasMessageContaining("10080");
  }
}
