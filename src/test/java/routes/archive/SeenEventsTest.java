package routes.archive;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static routes.fixtures.Frames.ALICE;
import static routes.fixtures.Frames.NOON_US;
import static routes.fixtures.Frames.bytes;
import static routes.fixtures.Frames.commit;
import static routes.fixtures.Frames.identity;
import static routes.fixtures.Frames.post;

import java.io.IOException;
import java.nio.file.Files;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.apache.avro.generic.GenericData;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import routes.fixtures.ArchiveFixture;
import routes.fixtures.RedisFixture;
import routes.jetstream.Json;
import routes.jetstream.Tid;

/**
 * What is known without a look, and which files a look goes into: a file that is not there any more
 * must not be read.
 */
class SeenEventsTest {

  private static final long STRETCH_MILLIS = 600_000;

  /** The beginning of the stretch behind the one of noon, milliseconds after noon. */
  private static final long NEXT_STRETCH = STRETCH_MILLIS - NOON_US / 1000 % STRETCH_MILLIS;

  private static final long DAY = 86_400_000;

  @RegisterExtension static final RedisFixture REDIS = new RedisFixture();

  private final ArchiveFixture fixture = new ArchiveFixture(REDIS.stream());
  private final SeenEvents seen = new SeenEvents(fixture.archive(), fixture.duckDb());

  @AfterEach
  void close() {
    fixture.close();
  }

  private static Row row(byte[] frame) {
    return new EventRows().row(frame, "ws://test", Instant.ofEpochMilli(NOON_US / 1000));
  }

  private static List<Row> posts(long fromMillis, int count) {
    List<Row> rows = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      rows.add(row(post(fromMillis + i, "post")));
    }
    return rows;
  }

  private int unseen(SeenEvents events, Row... rows) throws SQLException {
    return events.unseen(List.of(rows)).size();
  }

  private ArchiveFile newest(TableName table) {
    return fixture.archive().snapshot(table).files().stream()
        .max((one, two) -> one.range().lastTimeUs().compareTo(two.range().lastTimeUs()))
        .orElseThrow();
  }

  private void lose(TableName table) throws IOException {
    for (ArchiveFile file : fixture.archive().snapshot(table).files()) {
      Files.deleteIfExists(file.path());
    }
  }

  @Test
  void keepsTheOrderAndTakesEachOnce() throws Exception {
    fixture.store(post(2, "post"));
    List<Row> rows = posts(0, 5);
    rows.add(row(post(1, "post")));
    assertThat(seen.unseen(rows))
        .containsExactly(rows.get(0), rows.get(1), rows.get(3), rows.get(4));
    assertThat(seen.unseen(rows)).isEmpty();
  }

  @Test
  void aSingleEventIsLookedForOnlyInFilesThatCanHoldIt() throws Exception {
    fixture.store(post(1, "post"));
    fixture.store(post(2 * STRETCH_MILLIS, "another"));
    Files.delete(newest(TableName.POSTS).path());
    assertThat(unseen(seen, row(post(1, "post")))).isZero();
    assertThat(unseen(seen, row(post(2, "new")))).isEqualTo(1);
    assertThatThrownBy(() -> unseen(seen, row(post(2 * STRETCH_MILLIS, "another"))))
        .isInstanceOf(SQLException.class);
  }

  @Test
  void aStretchIsLoadedFromFilesThatCanHoldIt() throws Exception {
    fixture.store(post(NEXT_STRETCH - 1, "the last of a stretch"));
    fixture.store(post(NEXT_STRETCH, "the first of the next"));
    Files.delete(newest(TableName.POSTS).path());
    List<Row> rows = posts(NEXT_STRETCH - 64, 64);
    assertThat(seen.unseen(rows)).isEqualTo(rows.subList(0, 63));
  }

  @Test
  void manyEventsOfAStretchAreKnownWithoutAnotherLook() throws Exception {
    fixture.store(post(1, "post"));
    assertThat(seen.unseen(posts(0, 64))).hasSize(63);
    lose(TableName.POSTS);
    assertThat(unseen(seen, row(post(1, "post")), row(post(64, "new")))).isEqualTo(1);
    assertThat(unseen(seen, row(post(64, "new")))).isZero();
  }

  @Test
  void fewAreNotWorthLoadingTheStretch() throws Exception {
    fixture.store(post(1, "post"));
    assertThat(seen.unseen(posts(0, 63))).hasSize(62);
    lose(TableName.POSTS);
    assertThatThrownBy(() -> unseen(seen, row(post(1, "post")))).isInstanceOf(SQLException.class);
  }

  @Test
  void singleEventsOfAStretchAreKnownWhenItIsLoadedLater() throws Exception {
    fixture.store(post(-1000, "post"));
    assertThat(unseen(seen, row(post(0, "post")))).isEqualTo(1);
    assertThat(seen.unseen(posts(0, 64))).hasSize(63);
  }

  @Test
  void theFirstMinutesOf1970AreAStretchAsWell() throws Exception {
    fixture.store(post(1, "post"));
    List<Row> rows = posts(0, 64);
    for (int i = 0; i < rows.size(); i++) {
      rows.get(i).values().put("rev", Tid.of(i, 1));
    }
    assertThat(seen.unseen(rows)).hasSize(64);
    lose(TableName.POSTS);
    assertThat(seen.unseen(rows)).isEmpty();
  }

  @Test
  void whatHasNoReadableTimeIsLookedUpEachTime() throws Exception {
    List<byte[]> frames = new ArrayList<>();
    for (int i = 0; i < 70; i++) {
      frames.add(
          bytes(
              new String(post(i, "post"), java.nio.charset.StandardCharsets.UTF_8)
                  .replaceAll("\"rev\":\"[^\"]*\"", "\"rev\":\"no tid " + i + "\"")));
    }
    fixture.receive(frames);
    assertThat(fixture.drain().batch().stored()).isEqualTo(70);
    List<Row> rows = frames.stream().map(SeenEventsTest::row).toList();
    assertThat(seen.unseen(rows)).isEmpty();
    lose(TableName.POSTS);
    assertThatThrownBy(() -> seen.unseen(rows)).isInstanceOf(SQLException.class);
  }

  @Test
  void whatWasKeptForABatchIsForgottenBehindIt() throws Exception {
    Row single = row(post(1, "never stored"));
    assertThat(unseen(seen, single)).isEqualTo(1);
    assertThat(unseen(seen, single)).isZero();
    seen.batchEnded();
    assertThat(unseen(seen, single)).isEqualTo(1);
  }

  @Test
  void forgettingForgetsAll() throws Exception {
    List<Row> many = posts(0, 64);
    Row single = row(post(STRETCH_MILLIS, "never stored"));
    seen.unseen(many);
    unseen(seen, single);
    seen.forget();
    assertThat(seen.unseen(many)).hasSize(64);
    assertThat(unseen(seen, single)).isEqualTo(1);
  }

  @Test
  void theStretchThatWasNotNeededLongestGoesWhenThereIsNoRoom() throws Exception {
    fixture.store(post(1, "post"), post(STRETCH_MILLIS + 1, "post"));
    SeenEvents small = new SeenEvents(fixture.archive(), fixture.duckDb(), 64);
    small.unseen(posts(0, 64));
    small.batchEnded();
    small.unseen(posts(STRETCH_MILLIS, 64));
    lose(TableName.POSTS);
    assertThat(unseen(small, row(post(1, "post")))).as("in a batch all are kept").isZero();
    assertThat(unseen(small, row(post(STRETCH_MILLIS + 1, "post")))).isZero();
    small.batchEnded();
    assertThatThrownBy(() -> unseen(small, row(post(1, "post")))).isInstanceOf(SQLException.class);
    assertThat(unseen(small, row(post(STRETCH_MILLIS + 1, "post")))).isZero();
  }

  @Test
  void anAccountEventIsLookedForInFilesOfThreeDays() throws Exception {
    fixture.store(identity(ALICE, 0, "old.test"));
    lose(TableName.ACTORS);
    assertThat(unseen(seen, row(identity(ALICE, 3 * DAY + 1, "new.test")))).isEqualTo(1);
    assertThatThrownBy(() -> unseen(seen, row(identity(ALICE, 3 * DAY, "new.test"))))
        .isInstanceOf(SQLException.class);
    Row seenLater = row(identity(ALICE, 1, "late.test"));
    seenLater.values().put("time_us", NOON_US + 9 * DAY * 1000);
    assertThatThrownBy(() -> unseen(seen, seenLater))
        .as("it happened at that time, whenever it is passed on")
        .isInstanceOf(SQLException.class);
  }

  @Test
  void manyAccountEventsAreLoadedByTheirOwnTime() throws Exception {
    fixture.store(identity(ALICE, 1, "alice.test"));
    List<Row> rows = new ArrayList<>();
    for (int i = 0; i < 64; i++) {
      rows.add(row(identity(ALICE, i, "alice.test")));
    }
    assertThat(seen.unseen(rows)).hasSize(63);
    lose(TableName.ACTORS);
    assertThat(unseen(seen, row(identity(ALICE, 1, "alice.test")))).isZero();
  }

  @Test
  void accountEventsAreLoadedFromFilesOfThreeDays() throws Exception {
    fixture.store(identity(ALICE, 0, "old.test"));
    lose(TableName.ACTORS);
    List<Row> rows = new ArrayList<>();
    for (int i = 1; i <= 64; i++) {
      rows.add(row(identity(ALICE, 3 * DAY + i, "new.test")));
    }
    assertThat(seen.unseen(rows)).hasSize(64);
    seen.forget();
    Row early = row(identity(ALICE, 3 * DAY + 65, "new.test"));
    early.values().put("time_us", NOON_US);
    rows.add(early);
    assertThatThrownBy(() -> seen.unseen(rows)).isInstanceOf(SQLException.class);
  }

  @Test
  void manyProfilesAreLoadedByTheirRevision() throws Exception {
    List<byte[]> profiles = new ArrayList<>();
    for (int i = 0; i < 64; i++) {
      profiles.add(
          commit(ALICE, i, "update", "app.bsky.actor.profile", "self", Json.object().put("a", i)));
    }
    fixture.store(profiles.get(5), identity(ALICE, 1, "alice.test"));
    assertThat(seen.unseen(profiles.stream().map(SeenEventsTest::row).toList())).hasSize(63);
  }

  @Test
  void theLedgerHasNoEvents() {
    Row line = new Row(TableName.LEDGER, new GenericData.Record(TableName.LEDGER.schema()));
    assertThatThrownBy(() -> unseen(seen, line)).isInstanceOf(IllegalArgumentException.class);
  }
}
