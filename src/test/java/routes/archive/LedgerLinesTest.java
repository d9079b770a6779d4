package routes.archive;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import java.util.List;
import org.apache.avro.generic.GenericRecord;
import org.junit.jupiter.api.Test;
import routes.jetstream.Block;

class LedgerLinesTest {

  private static final long S = 1_000_000;
  private static final long NOON = 1_783_166_400L * S;
  private static final Instant RECEIVED = Instant.parse("2026-07-04T12:30:00.5Z");

  private final LedgerLines ledger = new LedgerLines();

  private static Block block(String connection, long firstUs, long lastUs) {
    return new Block("ws://h", connection, true, firstUs, lastUs, RECEIVED, List.of());
  }

  private List<GenericRecord> rows() {
    return ledger.rows();
  }

  @Test
  void countsByTheMinuteOfTheEvents() {
    Block block = block("c", NOON, NOON + 70 * S);
    ledger.received(block, NOON + 5 * S).stored();
    ledger.received(block, NOON + 50 * S).stored();
    ledger.received(block, NOON + 65 * S).duplicate();
    ledger.received(block, 0).deadLetter();
    assertThat(rows()).hasSize(2);
    GenericRecord first = rows().get(0);
    assertThat(first.get("time_us")).isEqualTo(NOON);
    assertThat(first.get("events")).isEqualTo(2L);
    assertThat(first.get("stored")).isEqualTo(2L);
    assertThat(first.get("duplicates")).isEqualTo(0L);
    assertThat(first.get("first_time_us")).isEqualTo(NOON + 5 * S);
    assertThat(first.get("last_time_us")).isEqualTo(NOON + 50 * S);
    assertThat(first.get("first_received")).isEqualTo(Times.micros(RECEIVED));
    GenericRecord second = rows().get(1);
    assertThat(second.get("time_us")).isEqualTo(NOON + 60 * S);
    assertThat(second.get("events")).isEqualTo(2L);
    assertThat(second.get("duplicates")).isEqualTo(1L);
    assertThat(second.get("dead_letters")).isEqualTo(1L);
    assertThat(second.get("host")).isEqualTo("ws://h");
    assertThat(second.get("connection")).isEqualTo("c");
    assertThat(second.get("continues")).isEqualTo(true);
  }

  @Test
  void keepsConnectionsApart() {
    ledger.received(block("c", NOON, NOON), NOON);
    ledger.received(block("d", NOON, NOON), NOON);
    assertThat(rows()).extracting(row -> row.get("connection")).containsExactly("c", "d");
  }

  @Test
  void anEventOutOfTimeCountsAndCoversNothing() {
    Block block = block("c", NOON - 7200 * S, NOON + 3 * S);
    ledger.received(block, NOON);
    ledger.received(block, NOON - 7200 * S);
    ledger.received(block, NOON + S);
    List<GenericRecord> rows = rows();
    assertThat(rows).hasSize(2);
    assertThat(rows.get(0).get("first_time_us")).isEqualTo(NOON);
    assertThat(rows.get(0).get("last_time_us")).isEqualTo(NOON + S);
    assertThat(rows.get(1).get("events")).isEqualTo(1L);
    assertThat(rows.get(1).get("first_time_us")).isNull();
    assertThat(rows.get(1).get("last_time_us")).isNull();
  }

  @Test
  void aTimeThatCannotBeTrueCountsWhereTheConnectionIs() {
    Block block = block("c", NOON, NOON + 3 * S);
    ledger.received(block, NOON + S);
    ledger.received(block, 0);
    ledger.received(block, 2_000_000_000L * S);
    ledger.received(block, 5);
    assertThat(rows()).hasSize(1);
    assertThat(rows().get(0).get("events")).isEqualTo(4L);
    assertThat(rows().get(0).get("last_time_us")).isEqualTo(NOON + S);
  }

  @Test
  void twoEventsInARowShowThatTheHostHasMovedOn() {
    Block block = block("c", NOON, NOON + 7200 * S);
    ledger.received(block, NOON);
    ledger.received(block, NOON + 7000 * S);
    ledger.received(block, NOON + 7001 * S);
    ledger.received(block, NOON + 7002 * S);
    GenericRecord moved = rows().get(1);
    assertThat(moved.get("events")).isEqualTo(3L);
    assertThat(moved.get("first_time_us")).isEqualTo(NOON + 7001 * S);
    assertThat(moved.get("last_time_us")).isEqualTo(NOON + 7002 * S);
  }

  @Test
  void junkBeforeAnyTimeIsKnownCountsWhenItCame() {
    ledger.received(block("c", 0, 0), 0).deadLetter();
    assertThat(rows().get(0).get("time_us"))
        .isEqualTo(Times.micros(Instant.parse("2026-07-04T12:30:00Z")));
    ledger.received(block("d", 0, NOON), 0).deadLetter();
    assertThat(rows().get(1).get("time_us")).isEqualTo(NOON);
  }

  @Test
  void takesDownThatReadingWasEndedOnPurpose() {
    ledger.stopped(Block.stopped("ws://h", NOON + 5 * S, RECEIVED));
    GenericRecord row = rows().get(0);
    assertThat(row.get("connection")).isEqualTo("stopped");
    assertThat(row.get("last_time_us")).isEqualTo(NOON + 5 * S);
    assertThat(row.get("first_time_us")).isNull();
    assertThat(row.get("events")).isEqualTo(0L);
  }
}
