package routes.archive;

import static org.assertj.core.api.Assertions.assertThat;
import static routes.fixtures.Frames.NOON_US;
import static routes.fixtures.Frames.bytes;
import static routes.fixtures.Frames.post;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import routes.fixtures.ArchiveFixture;
import routes.fixtures.RedisFixture;
import routes.jetstream.Block;

class CompletenessTest {

  private static final Instant NOON = Times.instant(NOON_US);

  @RegisterExtension static final RedisFixture REDIS = new RedisFixture();

  private final ArchiveFixture fixture = new ArchiveFixture(REDIS.stream());

  @AfterEach
  void close() {
    fixture.close();
  }

  private Completeness completeness(Duration afterNoon) {
    return new Completeness(
        fixture.archive(),
        fixture.duckDb(),
        Duration.ofHours(36),
        Clock.fixed(NOON.plus(afterNoon), ZoneOffset.UTC));
  }

  /** A block with a post every ten seconds, received when the last of them happened. */
  private void receive(String connection, int fromSecond, int toSecond) {
    receive(connection, fromSecond, toSecond, toSecond);
  }

  private void receive(String connection, int fromSecond, int toSecond, int receivedSecond) {
    List<byte[]> frames = new ArrayList<>();
    for (int second = fromSecond; second <= toSecond; second += 10) {
      frames.add(post(second * 1000L, "at " + second));
    }
    fixture.stream()
        .append(
            new Block(
                "ws://test",
                connection,
                true,
                NOON_US + fromSecond * 1_000_000L,
                NOON_US + toSecond * 1_000_000L,
                NOON.plusSeconds(receivedSecond),
                frames));
  }

  @Test
  void anEmptyArchiveCoversNothing() {
    Completeness.Report report =
        completeness(Duration.ZERO).report(Optional.empty(), Optional.empty());
    assertThat(report.complete()).isFalse();
    assertThat(report.covered()).isZero();
    assertThat(report.begin()).isNull();
    assertThat(report.until()).isNull();
    assertThat(report.gaps()).isEmpty();
  }

  @Test
  void tellsGapsAndTheShareThatIsCovered() throws Exception {
    receive("a", 0, 600);
    receive("b", 1800, 2400);
    fixture.drain().batch();
    Completeness.Report report =
        completeness(Duration.ofHours(2)).report(Optional.empty(), Optional.empty());
    assertThat(report.begin()).isEqualTo(NOON);
    assertThat(report.until()).isEqualTo(NOON.plusSeconds(2400));
    assertThat(report.covered()).isEqualTo(0.5);
    assertThat(report.complete()).isFalse();
    assertThat(report.events()).isEqualTo(122);
    assertThat(report.gaps())
        .containsExactly(
            new Completeness.Gap(
                NOON.plusSeconds(600), NOON.plusSeconds(1800), 1200, "disconnected", true));
    assertThat(completeness(Duration.ofHours(2)).fillable()).hasSize(1);
    assertThat(completeness(Duration.ofHours(60)).fillable()).isEmpty();
    assertThat(
            completeness(Duration.ofHours(60))
                .report(Optional.empty(), Optional.empty())
                .gaps()
                .get(0)
                .fillable())
        .isFalse();
  }

  @Test
  void answersForTheTimeAskedFor() throws Exception {
    receive("a", 0, 600);
    receive("b", 1800, 2400);
    fixture.drain().batch();
    Completeness completeness = completeness(Duration.ofHours(2));
    Completeness.Summary inside =
        completeness.summary(Optional.of(NOON.plusSeconds(10)), Optional.of(NOON.plusSeconds(500)));
    assertThat(inside.complete()).isTrue();
    assertThat(inside.covered()).isEqualTo(1);
    assertThat(inside.gaps()).isZero();
    Completeness.Summary across =
        completeness.summary(
            Optional.of(NOON.plusSeconds(500)), Optional.of(NOON.plusSeconds(700)));
    assertThat(across.complete()).isFalse();
    assertThat(across.covered()).isEqualTo(0.5);
    assertThat(across.gaps()).isEqualTo(1);
    Completeness.Summary before =
        completeness.summary(Optional.of(NOON.minusSeconds(100)), Optional.of(NOON));
    assertThat(before.covered()).isZero();
    assertThat(before.complete()).isFalse();
  }

  @Test
  void whatIsNotArchivedYetIsNotCovered() throws Exception {
    receive("a", 0, 600);
    fixture.drain().batch();
    Completeness completeness = completeness(Duration.ofSeconds(1200));
    assertThat(completeness.summary(Optional.of(NOON), Optional.empty()).complete()).isTrue();
    Completeness.Summary untilTomorrow =
        completeness.summary(Optional.of(NOON), Optional.of(NOON.plusSeconds(90_000)));
    assertThat(untilTomorrow.to()).isEqualTo(NOON.plusSeconds(1200));
    assertThat(untilTomorrow.covered()).isEqualTo(0.5);
  }

  @Test
  void aGapThatIsReadAgainIsFilled() throws Exception {
    receive("a", 0, 600);
    receive("b", 1800, 2400);
    fixture.drain().batch();
    Completeness completeness = completeness(Duration.ofHours(2));
    assertThat(completeness.fillable()).hasSize(1);
    Optional<ArchivePosition> position = fixture.archive().position();
    receive("fill:c", 540, 1900, 4000);
    BatchReport report = fixture.drain().batch();
    assertThat(report.duplicates()).isEqualTo(7 + 11);
    Completeness.Report after = completeness.report(Optional.empty(), Optional.empty());
    assertThat(after.complete()).isTrue();
    assertThat(after.gaps()).isEmpty();
    assertThat(after.filled())
        .containsExactly(new Completeness.Filled(NOON.plusSeconds(600), NOON.plusSeconds(1800)));
    assertThat(fixture.archive().position().orElseThrow().timeUs())
        .as("how far reading has come is another matter")
        .isEqualTo(position.orElseThrow().timeUs());
    assertThat(fixture.archive().position().orElseThrow().host())
        .isEqualTo(position.orElseThrow().host());
  }

  @Test
  void oneEventOfAnotherTimeCoversNothing() throws Exception {
    receive("a", 0, 600);
    fixture.drain().batch();
    fixture.receive(
        post(700_000, "on"),
        bytes(
            new String(post(1, "odd"))
                .replace("\"time_us\":1783175888001000", "\"time_us\":2000000000000000")),
        bytes(new String(post(2, "old")).replace("\"time_us\":1783175888002000", "\"time_us\":5")));
    fixture.drain().batch();
    Completeness.Report report =
        completeness(Duration.ofHours(2)).report(Optional.empty(), Optional.empty());
    assertThat(report.until()).isBefore(NOON.plusSeconds(1000));
    assertThat(report.begin()).isEqualTo(NOON);
    assertThat(fixture.rows(TableName.POSTS)).isEqualTo(64);
  }

  @Test
  void aStopIsTheReasonOfAGap() throws Exception {
    receive("a", 0, 600);
    fixture.stream()
        .append(Block.stopped("ws://test", NOON_US + 600_000_000L, NOON.plusSeconds(600)));
    receive("b", 1800, 2400);
    fixture.drain().batch();
    assertThat(completeness(Duration.ofHours(2)).report(Optional.empty(), Optional.empty()).gaps())
        .singleElement()
        .extracting(Completeness.Gap::reason)
        .isEqualTo("stopped");
  }

  @Test
  void theLedgerIsExactAfterACrashBetweenTwoCommits() throws Exception {
    receive("a", 0, 100);
    fixture.drain().batch();
    receive("a", 50, 200);
    var start = fixture.archive().position();
    try (Batch cutOff =
        new Batch(
            fixture.archive(),
            new SeenEvents(fixture.archive(), fixture.duckDb()),
            java.util.Map.of(
                TableName.POSTS,
                start,
                TableName.DEAD_LETTERS,
                fixture.archive().position(TableName.DEAD_LETTERS)),
            start,
            new EventRows(),
            new Workers("test"))) {
      for (var block : fixture.stream().readAfter(start.orElseThrow().streamId(), 10)) {
        cutOff.add(List.of(block), java.util.Map.of());
      }
      cutOff.handOver();
      fixture
          .archive()
          .append(
              TableName.POSTS,
              cutOff.finish().get(TableName.POSTS),
              fixture.archive().position(TableName.POSTS),
              cutOff.position());
    }
    BatchReport report = fixture.drain().batch();
    assertThat(report.stored()).isEqualTo(10);
    assertThat(report.duplicates()).isEqualTo(6);
    assertThat(fixture.ask(TableName.LEDGER, "SELECT sum(stored)::BIGINT FROM TABLE"))
        .isEqualTo(21L);
    assertThat(fixture.ask(TableName.LEDGER, "SELECT sum(duplicates)::BIGINT FROM TABLE"))
        .isEqualTo(6L);
  }
}
