package routes.archive;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import routes.buffer.StreamId;

class BatchReportTest {

  @Test
  void isOneLine() {
    BatchReport report =
        new BatchReport(
            2,
            10,
            345,
            Map.of(TableName.POSTS, 4L, TableName.LIKES, 2L),
            1,
            Map.of("not-json", 2L, "poison", 1L),
            Duration.ofMillis(1500),
            Optional.of(new ArchivePosition(new StreamId(7, 1), 5, "h", 0)),
            true);
    assertThat(report)
        .hasToString(
            "batch events=10 stored=6 duplicates=1 dead_letters=3 blocks=2 bytes=345 seconds=1.5"
                + " position=7-1 more=true");
    assertThat(report.isEmpty()).isFalse();
  }

  @Test
  void saysThatThereWasNothing() {
    BatchReport nothing = BatchReport.nothing(Optional.empty(), Duration.ZERO);
    assertThat(nothing.isEmpty()).isTrue();
    assertThat(nothing.toString()).contains("position=none more=false");
  }
}
