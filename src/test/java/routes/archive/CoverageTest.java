package routes.archive;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import routes.archive.Coverage.Gap;
import routes.archive.Coverage.Reason;
import routes.archive.Coverage.Row;
import routes.archive.Coverage.Stretch;

class CoverageTest {

  private static final long S = 1_000_000;
  private static final long MINUTE = 60 * S;
  private static final long START = 1_783_175_880L * S;

  private final List<Row> rows = new ArrayList<>();

  /** A connection that brings what happened between two seconds, received as it happens. */
  private void connection(String name, long fromSecond, long toSecond) {
    connection(name, fromSecond, toSecond, fromSecond, toSecond);
  }

  private void connection(String name, long from, long to, long receivedFrom, long receivedTo) {
    for (long at = from; at <= to; at += 30) {
      long end = Math.min(to, at + 29);
      rows.add(
          new Row(
              (START + at * S) / MINUTE * MINUTE,
              name,
              START + at * S,
              START + end * S,
              START + receivedFrom * S,
              START + receivedTo * S,
              30));
    }
  }

  private void stop(long second) {
    rows.add(new Row(START, "stopped", 0, START + second * S, START, START, 0));
  }

  private Coverage coverage() {
    return new Coverage(rows);
  }

  private static Gap gap(long from, long to, Reason reason) {
    return new Gap(START + from * S, START + to * S, reason);
  }

  private static Stretch stretch(long from, long to) {
    return new Stretch(START + from * S, START + to * S);
  }

  @Test
  void coversWhatOneConnectionBroughtWithoutAHole() {
    connection("a", 0, 600);
    assertThat(coverage().covered()).containsExactly(stretch(0, 600));
    assertThat(coverage().gaps()).isEmpty();
  }

  @Test
  void anEmptyLedgerCoversNothing() {
    assertThat(coverage().covered()).isEmpty();
    assertThat(coverage().gaps()).isEmpty();
    assertThat(coverage().coveredUs(0, Long.MAX_VALUE)).isZero();
  }

  @Test
  void aReconnectThatReplaysLeavesNoGap() {
    connection("a", 0, 100);
    connection("b", 90, 300, 400, 450);
    assertThat(coverage().covered()).containsExactly(stretch(0, 300));
    assertThat(coverage().gaps()).isEmpty();
    assertThat(coverage().filled()).isEmpty();
  }

  @Test
  void aReconnectAtTheVeryEventLeavesNoGap() {
    connection("a", 0, 100);
    connection("b", 100, 300);
    assertThat(coverage().gaps()).isEmpty();
  }

  @Test
  void nobodyWasThereForTooLong() {
    connection("a", 0, 100);
    connection("b", 5000, 5100);
    assertThat(coverage().gaps()).containsExactly(gap(100, 5000, Reason.DISCONNECTED));
    assertThat(coverage().covered()).containsExactly(stretch(0, 100), stretch(5000, 5100));
  }

  @Test
  void readingWasEndedOnPurpose() {
    connection("a", 0, 100);
    stop(100);
    connection("b", 5000, 5100);
    assertThat(coverage().gaps()).containsExactly(gap(100, 5000, Reason.STOPPED));
  }

  @Test
  void aStopLongBeforeOrBehindIsNotTheReason() {
    connection("a", 0, 300);
    stop(200);
    stop(5000);
    connection("b", 5000, 5100);
    assertThat(coverage().gaps()).containsExactly(gap(300, 5000, Reason.DISCONNECTED));
  }

  @Test
  void aHostThatSkipsInOneConnectionWasBlind() {
    connection("a", 0, 100);
    connection("a", 400, 500);
    assertThat(coverage().gaps()).containsExactly(gap(100, 400, Reason.HOST_BLIND));
  }

  @Test
  void aMinuteWithoutEventsInOneConnectionIsNoGap() {
    connection("a", 0, 100);
    connection("a", 160, 200);
    assertThat(coverage().gaps()).isEmpty();
    connection("b", 0, 100);
    connection("b", 161, 200);
    assertThat(coverage().covered()).containsExactly(stretch(0, 200));
  }

  @Test
  void aHostThatDoesNotReplayToSomebodyWhoIsBackSoonWasBlind() {
    connection("a", 0, 100);
    connection("b", 400, 500, 110, 200);
    assertThat(coverage().gaps()).containsExactly(gap(100, 400, Reason.HOST_BLIND));
  }

  @Test
  void whatIsReadAgainIsNoGapAnyMore() {
    connection("a", 0, 100);
    connection("b", 5000, 5100);
    connection("fill:c", 60, 5030, 6000, 6100);
    assertThat(coverage().gaps()).isEmpty();
    assertThat(coverage().filled()).containsExactly(stretch(100, 5000));
    assertThat(coverage().covered()).containsExactly(stretch(0, 5100));
  }

  @Test
  void aGapCanBeFilledInPart() {
    connection("a", 0, 100);
    connection("b", 5000, 5100);
    connection("fill:c", 2000, 5030, 6000, 6100);
    assertThat(coverage().gaps()).containsExactly(gap(100, 2000, Reason.DISCONNECTED));
    assertThat(coverage().filled()).containsExactly(stretch(2000, 5000));
  }

  @Test
  void anotherInstanceThatReadOnLeavesNoGap() {
    connection("a", 0, 1000);
    connection("b", 0, 100);
    connection("c", 900, 2000);
    assertThat(coverage().covered()).containsExactly(stretch(0, 2000));
    assertThat(coverage().gaps()).isEmpty();
  }

  @Test
  void measuresHowMuchIsCovered() {
    connection("a", 0, 100);
    connection("b", 200, 300);
    assertThat(coverage().coveredUs(START, START + 300 * S)).isEqualTo(200 * S);
    assertThat(coverage().coveredUs(START + 50 * S, START + 250 * S)).isEqualTo(100 * S);
    assertThat(coverage().coveredUs(START + 110 * S, START + 190 * S)).isZero();
  }

  @Test
  void addsTheEventsOfAMinuteUp() {
    connection("a", 0, 59);
    connection("b", 0, 59);
    assertThat(coverage().minutes()).containsEntry(START, 120L);
  }
}
