package routes.archive;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static routes.fixtures.Frames.bytes;
import static routes.fixtures.Frames.post;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.avro.generic.GenericData;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import routes.fixtures.ArchiveFixture;
import routes.fixtures.RedisFixture;
import routes.jetstream.UnreadableFrame;

/** Dead letters, another try for them, and events that make a batch fail. */
class DeadLettersTest {

  @RegisterExtension static final RedisFixture REDIS = new RedisFixture();

  private static final Batch.Frames TODAY = new EventRows();

  /** A version before, which cannot read texts with the word new. */
  private static final Batch.Frames BEFORE =
      (frame, host, at) -> {
        if (text(frame).contains("new")) {
          throw new IllegalStateException("this version does not know that");
        }
        return TODAY.row(frame, host, at);
      };

  private final ArchiveFixture fixture = new ArchiveFixture(REDIS.stream());

  @AfterEach
  void close() {
    fixture.close();
  }

  private static String text(byte[] frame) {
    return new String(frame, StandardCharsets.UTF_8);
  }

  private Drain drain(Batch.Frames frames) {
    return new Drain(
        fixture.stream(), fixture.archive(), fixture.duckDb(), ArchiveFixture.LIMITS, frames);
  }

  private DeadLetters deadLetters() {
    return new DeadLetters(fixture.archive(), fixture.duckDb());
  }

  @Test
  void showsThemNewestFirst() throws Exception {
    fixture.store(bytes("junk"), bytes("{}"), bytes("[1]"), bytes("x".repeat(3000)));
    DeadLetters.Page all = deadLetters().page(Optional.empty(), 0, 10, 100);
    assertThat(all.total()).isEqualTo(4);
    assertThat(all.letters()).hasSize(4);
    assertThat(all.reasons())
        .isEqualTo(Map.of("missing-field", 1L, "not-json", 2L, "not-an-object", 1L));
    DeadLetters.Page some = deadLetters().page(Optional.of("not-json"), 0, 1, 100);
    assertThat(some.total()).isEqualTo(2);
    assertThat(some.letters()).hasSize(1);
    DeadLetters.Page next = deadLetters().page(Optional.of("not-json"), 1, 10, 100);
    assertThat(next.letters()).hasSize(1);
    assertThat(List.of(some.letters().get(0).size(), next.letters().get(0).size()))
        .containsExactlyInAnyOrder(4L, 3000L);
    assertThat(all.letters())
        .allMatch(letter -> letter.head().length == Math.min(100, letter.size()))
        .allMatch(letter -> letter.detail().length() > 10 && letter.sha256().length() == 64)
        .allMatch(letter -> letter.host().equals("ws://test") && letter.time() != null);
    assertThat(deadLetters().page(Optional.of("no-such"), 0, 10, 10).total()).isZero();
  }

  @Test
  void showsNothingBeforeTheFirst() {
    assertThat(deadLetters().page(Optional.empty(), 0, 10, 10).letters()).isEmpty();
  }

  @Test
  void whatCanBeReadByNowMovesToItsTableOnce() throws Exception {
    fixture.receive(post(1, "old"), post(2, "new thing"), post(3, "new too"), bytes("junk"));
    drain(BEFORE).batch();
    assertThat(fixture.rows(TableName.DEAD_LETTERS)).isEqualTo(3);
    assertThat(
            fixture.ask(
                TableName.DEAD_LETTERS, "SELECT count(*) FROM TABLE WHERE reason = 'poison'"))
        .isEqualTo(2L);
    assertThat(deadLetters().retry()).isEqualTo(new DeadLetters.Retried(3, 2, 0, 1));
    assertThat(fixture.rows(TableName.POSTS)).isEqualTo(3);
    assertThat(fixture.ask(TableName.DEAD_LETTERS, "SELECT decode(bytes) FROM TABLE"))
        .isEqualTo("junk");
    assertThat(deadLetters().retry()).isEqualTo(new DeadLetters.Retried(1, 0, 0, 1));
    assertThat(fixture.rows(TableName.POSTS)).isEqualTo(3);
    assertThat(new Verification(fixture.folder(), what -> {}).run("256MB", 2).damages()).isEmpty();
  }

  @Test
  void anEventThatCameAgainMeanwhileIsNotStoredTwice() throws Exception {
    fixture.receive(post(2, "new thing"));
    drain(BEFORE).batch();
    fixture.store(post(2, "new thing"));
    assertThat(deadLetters().retry()).isEqualTo(new DeadLetters.Retried(1, 0, 1, 0));
    assertThat(fixture.rows(TableName.POSTS)).isEqualTo(1);
    assertThat(fixture.rows(TableName.DEAD_LETTERS)).isZero();
    assertThat(fixture.store(bytes("junk")).deadLetters()).hasSize(1);
    assertThat(fixture.rows(TableName.DEAD_LETTERS)).isEqualTo(1);
  }

  @Test
  void aDrainKnowsWhatCameInByAnotherTry() throws Exception {
    Drain drain = drain(BEFORE);
    fixture.receive(post(1, "old"), post(2, "new thing"));
    drain.batch();
    deadLetters().retry();
    Drain after = drain(TODAY);
    fixture.receive(post(2, "new thing"));
    assertThat(after.batch().duplicates()).isEqualTo(1);
    fixture.receive(post(1, "old"), bytes("later junk"));
    assertThat(drain.batch().duplicates()).isEqualTo(1);
    assertThat(fixture.rows(TableName.POSTS)).isEqualTo(2);
  }

  @Test
  void anInsertRefusesToGoOnTopOfADrainThatItDidNotSee() throws Exception {
    fixture.store(post(1, "a"));
    ArchivePosition before = fixture.archive().position(TableName.POSTS).orElseThrow();
    fixture.store(post(2, "b"));
    assertThatThrownBy(() -> fixture.archive().insert(TableName.POSTS, List.of(), before, before))
        .isInstanceOf(LostRace.class)
        .hasMessageContaining("posts");
    long snapshot = fixture.archive().snapshot(TableName.POSTS).id();
    fixture.store(post(3, "c"));
    assertThatThrownBy(
            () -> fixture.archive().replaceRows(TableName.POSTS, List.of(), List.of(), snapshot))
        .isInstanceOf(LostRace.class);
  }

  @Test
  void aDrainRefusesToGoOnTopOfAnInsertThatItDidNotSee() throws Exception {
    fixture.store(post(1, "a"));
    ArchivePosition before = fixture.archive().position(TableName.POSTS).orElseThrow();
    fixture.archive().insert(TableName.POSTS, List.of(), before, before);
    assertThatThrownBy(
            () -> fixture.archive().append(TableName.POSTS, List.of(), Optional.of(before), before))
        .isInstanceOf(LostRace.class);
    assertThat(fixture.archive().position(TableName.POSTS).orElseThrow().edition())
        .isEqualTo(before.edition() + 1);
  }

  // Poison: an event that makes the processing fail

  @Test
  void anEventThatCannotBeProcessedBecomesADeadLetterAndTheOthersAreStored() throws Exception {
    List<byte[]> frames = new ArrayList<>();
    for (int i = 0; i < 100; i++) {
      frames.add(post(i, i == 37 || i == 80 ? "poison" : "fine"));
    }
    fixture.receive(frames.subList(0, 50));
    fixture.receive(frames.subList(50, 100));
    BatchReport report =
        drain((frame, host, at) -> spoiled(TODAY.row(frame, host, at), frame)).batch();
    assertThat(report.stored()).isEqualTo(98);
    assertThat(report.deadLetters()).isEqualTo(Map.of("poison", 2L));
    assertThat(fixture.rows(TableName.POSTS)).isEqualTo(98);
    assertThat(
            fixture.ask(
                TableName.DEAD_LETTERS,
                "SELECT bool_and(decode(bytes) LIKE '%poison%' AND detail LIKE 'processing it failed%') FROM TABLE"))
        .isEqualTo(true);
    assertThat(fixture.drain().batch().isEmpty()).isTrue();
    assertThat(deadLetters().retry().stored()).isEqualTo(2);
    assertThat(fixture.rows(TableName.POSTS)).isEqualTo(100);
  }

  @Test
  void poisonIsFoundInWhateverBlockItIs() throws Exception {
    for (int block = 0; block < 20; block++) {
      boolean first = block == 0 || block == 9;
      boolean last = block == 17;
      fixture.receive(
          post(3 * block, first ? "poison" : "fine"),
          post(3 * block + 1, "fine"),
          post(3 * block + 2, last ? "poison" : "fine"));
    }
    Drain drain =
        new Drain(
            fixture.stream(),
            fixture.archive(),
            fixture.duckDb(),
            new Drain.Limits(54, 1 << 20, Duration.ofMinutes(1)),
            (frame, host, at) -> spoiled(TODAY.row(frame, host, at), frame));
    BatchReport report = drain.batch();
    assertThat(report.deadLetters()).isEqualTo(Map.of("poison", 3L));
    assertThat(report.stored()).isEqualTo(51);
    assertThat(report.more()).isTrue();
    assertThat(
            fixture.ask(
                TableName.DEAD_LETTERS,
                "SELECT bool_and(decode(bytes) LIKE '%poison%') FROM TABLE"))
        .isEqualTo(true);
    assertThat(fixture.ask(TableName.LEDGER, "SELECT sum(dead_letters)::BIGINT FROM TABLE"))
        .isEqualTo(3L);
    assertThat(drain.batch().stored()).isEqualTo(6);
  }

  /** A row that its file cannot take: found only when it is written. */
  private static Row spoiled(Row row, byte[] frame) {
    if (row.table() == TableName.POSTS && text(frame).contains("poison")) {
      GenericData.Record copy = new GenericData.Record((GenericData.Record) row.values(), true);
      copy.put("sort_at", "no number");
      return new Row(row.table(), copy);
    }
    return row;
  }

  @Test
  void anyThrowableCounts() throws Exception {
    fixture.receive(post(1, "fine"), post(2, "poison"));
    BatchReport report =
        drain(
                (frame, host, at) -> {
                  if (text(frame).contains("poison")) {
                    throw new AssertionError("no mistake of ours was expected here");
                  }
                  return TODAY.row(frame, host, at);
                })
            .batch();
    assertThat(report.stored()).isEqualTo(1);
    assertThat(report.deadLetters()).isEqualTo(Map.of("poison", 1L));
  }

  @Test
  void anErrorOfTheVirtualMachineIsNoPoison() {
    fixture.receive(post(1, "fine"));
    Drain drain =
        drain(
            (frame, host, at) -> {
              throw new OutOfMemoryError("as a test");
            });
    assertThatThrownBy(drain::batch).isInstanceOf(OutOfMemoryError.class);
    assertThat(fixture.archive().position()).isEmpty();
    assertThat(fixture.stream().size()).isEqualTo(1);
  }

  @Test
  void whatFailsOnceIsTriedAgainAndNothingIsADeadLetter() throws Exception {
    fixture.receive(post(1, "fine"), post(2, "fine too"));
    int[] calls = {0};
    Drain drain =
        drain(
            (frame, host, at) -> {
              Row row = TODAY.row(frame, host, at);
              if (calls[0]++ == 0) {
                GenericData.Record copy =
                    new GenericData.Record((GenericData.Record) row.values(), true);
                copy.put("sort_at", "no number");
                return new Row(row.table(), copy);
              }
              return row;
            });
    assertThatThrownBy(drain::batch).isInstanceOf(RuntimeException.class);
    assertThat(drain.batch().stored()).isEqualTo(2);
    assertThat(fixture.rows(TableName.DEAD_LETTERS)).isZero();
  }

  @Test
  void whatFailsOnEverythingIsAnotherProblem() {
    List<byte[]> frames = new ArrayList<>();
    for (int i = 0; i < 500; i++) {
      frames.add(post(i, "poison"));
    }
    fixture.receive(frames);
    Drain drain = drain((frame, host, at) -> spoiled(TODAY.row(frame, host, at), frame));
    assertThatThrownBy(drain::batch).hasMessageContaining("more than 200 events");
    assertThat(fixture.archive().position()).isEmpty();
  }

  @Test
  void aNulCharacterInAnIdentityIsNoPoison() throws Exception {
    byte[] odd =
        bytes(
            text(post(1, "odd"))
                .replaceAll("\"rev\":\"[^\"]*\"", "\"rev\":\"a\\\\u0000b\"")
                .replaceAll("\"rkey\":\"[^\"]*\"", "\"rkey\":\"it's\""));
    assertThat(fixture.store(odd).stored()).isEqualTo(1);
    assertThat(fixture.store(odd).duplicates()).isEqualTo(1);
    assertThat(UnreadableFrame.Reason.values()).isNotEmpty();
  }
}
