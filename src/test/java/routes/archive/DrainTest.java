package routes.archive;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static routes.fixtures.Frames.ALICE;
import static routes.fixtures.Frames.BOB;
import static routes.fixtures.Frames.account;
import static routes.fixtures.Frames.bytes;
import static routes.fixtures.Frames.commit;
import static routes.fixtures.Frames.identity;
import static routes.fixtures.Frames.post;
import static routes.fixtures.Frames.rkey;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.apache.iceberg.Table;
import org.apache.iceberg.data.IcebergGenerics;
import org.apache.iceberg.data.Record;
import org.apache.iceberg.io.CloseableIterable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import routes.buffer.StreamId;
import routes.fixtures.ArchiveFixture;
import routes.fixtures.Frames;
import routes.fixtures.RedisFixture;
import routes.jetstream.Json;
import routes.simulator.World;

class DrainTest {

  @RegisterExtension static final RedisFixture REDIS = new RedisFixture();

  private final ArchiveFixture fixture = new ArchiveFixture(REDIS.stream());

  @AfterEach
  void close() {
    fixture.close();
  }

  @Test
  void putsEachEventIntoItsTable() throws Exception {
    BatchReport report =
        fixture.store(
            post(1, "hello"),
            commit(ALICE, 2, "create", "app.bsky.feed.like", "a", Json.object().put("x", 1)),
            commit(ALICE, 3, "create", "app.bsky.feed.repost", "a", Json.object()),
            commit(
                ALICE,
                4,
                "create",
                "app.bsky.graph.follow",
                "a",
                Json.object().put("subject", BOB)),
            commit(
                ALICE, 5, "create", "app.bsky.graph.block", "a", Json.object().put("subject", BOB)),
            commit(
                ALICE,
                6,
                "update",
                "app.bsky.actor.profile",
                "self",
                Json.object().put("displayName", "Al")),
            commit(ALICE, 7, "create", "com.example.new.thing", "a", Json.object().put("y", 2)),
            commit(ALICE, 8, "delete", "app.bsky.feed.post", rkey(1), null),
            identity(ALICE, 9, "alice.test"),
            account(ALICE, 10, true, null),
            bytes("junk"));
    assertThat(report.stored()).isEqualTo(10);
    assertThat(report.deadLetters()).containsExactly(Map.entry("not-json", 1L));
    assertThat(fixture.rows(TableName.POSTS)).isEqualTo(2);
    assertThat(fixture.rows(TableName.LIKES)).isEqualTo(1);
    assertThat(fixture.rows(TableName.REPOSTS)).isEqualTo(1);
    assertThat(fixture.ask(TableName.FOLLOWS, "SELECT subject FROM TABLE")).isEqualTo(BOB);
    assertThat(fixture.ask(TableName.BLOCKS, "SELECT subject FROM TABLE")).isEqualTo(BOB);
    assertThat(
            fixture.ask(
                TableName.ACTORS, "SELECT string_agg(kind, ',' ORDER BY time_us) FROM TABLE"))
        .isEqualTo("commit,identity,account");
    assertThat(fixture.ask(TableName.RECORDS, "SELECT extra FROM TABLE")).isEqualTo("{\"y\":2}");
    assertThat(fixture.ask(TableName.DEAD_LETTERS, "SELECT decode(bytes) FROM TABLE"))
        .isEqualTo("junk");
    assertThat(fixture.ask(TableName.LEDGER, "SELECT sum(events)::BIGINT FROM TABLE"))
        .isEqualTo(11L);
  }

  @Test
  void laysFilesOutByTheDateTheyWereSeen() throws Exception {
    fixture.store(post(1, "today"), post(24 * 3600 * 1000L, "tomorrow"));
    Path data = fixture.folder().resolve("archive/posts/data");
    try (Stream<Path> dates = Files.list(data)) {
      assertThat(dates.map(date -> date.getFileName().toString()))
          .containsExactlyInAnyOrder("date=2026-07-04", "date=2026-07-05");
    }
    assertThat(fixture.folder().resolve("archive/posts/metadata")).isDirectory();
  }

  @Test
  void storesAnEventOnceHoweverOftenItComes() throws Exception {
    fixture.store(post(1, "a"), post(1, "a"), post(2, "b"));
    BatchReport again = fixture.store(post(2, "b"), post(1, "a"), post(3, "c"));
    assertThat(again.duplicates()).isEqualTo(2);
    assertThat(fixture.rows(TableName.POSTS)).isEqualTo(3);
  }

  @Test
  void knowsOldEventsAfterARestartToo() throws Exception {
    List<byte[]> many = new ArrayList<>();
    for (int i = 0; i < 500; i++) {
      many.add(post(i, "number " + i));
    }
    fixture.receive(many);
    fixture.drain().batch();
    Drain restarted =
        new Drain(fixture.stream(), fixture.archive(), fixture.duckDb(), ArchiveFixture.LIMITS);
    fixture.receive(many.subList(10, 20));
    assertThat(restarted.batch().duplicates()).as("a few, looked up one by one").isEqualTo(10);
    fixture.receive(many);
    assertThat(restarted.batch().duplicates())
        .as("many, looked up by stretches of time")
        .isEqualTo(500);
    assertThat(fixture.rows(TableName.POSTS)).isEqualTo(500);
  }

  @Test
  void knowsAnEventThatAnotherHostSendsAnHourLaterWithAnotherTime() throws Exception {
    fixture.store(post(1, "a"));
    byte[] later =
        bytes(
            new String(post(1, "a"), java.nio.charset.StandardCharsets.UTF_8)
                .replace(
                    "\"time_us\":" + (Frames.NOON_US + 1000),
                    "\"time_us\":" + (Frames.NOON_US + 3_600_000_000L)));
    assertThat(fixture.store(later, later).duplicates()).isEqualTo(2);
    assertThat(fixture.rows(TableName.POSTS)).isEqualTo(1);
  }

  @Test
  void storesWhatIsDeepLargeOrOddAndEverythingAroundIt() throws Exception {
    String deep = "[".repeat(64) + "]".repeat(64);
    byte[] nested =
        commit(
            ALICE,
            1,
            "create",
            "app.bsky.feed.post",
            "deep",
            (com.fasterxml.jackson.databind.node.ObjectNode)
                Json.read("{\"text\":\"deep\",\"x\":" + deep + "}"));
    byte[] large = post(2, "x".repeat(5_000_000));
    byte[] invalid = post(3, "??");
    int at = new String(invalid, java.nio.charset.StandardCharsets.UTF_8).indexOf("??");
    invalid[at] = (byte) 0xc3;
    invalid[at + 1] = (byte) 0x28;
    byte[] half = java.util.Arrays.copyOf(post(4, "half"), 50);
    BatchReport report =
        fixture.store(post(0, "before"), nested, large, invalid, half, post(5, "behind"));
    assertThat(report.stored()).isEqualTo(4);
    assertThat(report.deadLetters()).isEqualTo(Map.of("not-json", 2L));
    assertThat(fixture.ask(TableName.POSTS, "SELECT max(length(text)) FROM TABLE"))
        .isEqualTo(5_000_000L);
    assertThat(fixture.ask(TableName.POSTS, "SELECT extra FROM TABLE WHERE rkey = 'deep'"))
        .asString()
        .contains(deep);
  }

  @Test
  void keepsApartEventsThatDifferInTheirIdentity() throws Exception {
    fixture.store(
        commit(ALICE, 1, "create", "app.bsky.feed.post", "k", Frames.record(1, "x")),
        commit(BOB, 1, "create", "app.bsky.feed.post", "k", Frames.record(1, "x")),
        commit(ALICE, 1, "create", "app.bsky.feed.post", "l", Frames.record(1, "x")),
        commit(ALICE, 1, "update", "app.bsky.feed.post", "k", Frames.record(1, "x")),
        commit(ALICE, 2, "create", "app.bsky.feed.post", "k", Frames.record(1, "x")));
    assertThat(fixture.rows(TableName.POSTS)).isEqualTo(5);
  }

  @Test
  void knowsAnAccountEventByItsTimeAndWhatItSays() throws Exception {
    byte[] takendown = account(ALICE, 1, false, "takendown");
    byte[] renumbered =
        bytes(
            new String(takendown, java.nio.charset.StandardCharsets.UTF_8)
                .replace("\"seq\":1", "\"seq\":99"));
    fixture.store(
        takendown, account(ALICE, 1, false, "suspended"), identity(ALICE, 1, "alice.test"));
    BatchReport again = fixture.store(renumbered, takendown, identity(ALICE, 1, "alice.test"));
    assertThat(again.duplicates()).isEqualTo(3);
    assertThat(fixture.rows(TableName.ACTORS)).isEqualTo(3);
  }

  @Test
  void keepsTheSameJunkOnce() throws Exception {
    fixture.store(bytes("junk"), bytes("junk"), bytes("other"));
    assertThat(fixture.store(bytes("junk")).duplicates()).isEqualTo(1);
    assertThat(fixture.rows(TableName.DEAD_LETTERS)).isEqualTo(2);
  }

  @Test
  void trimsTheStreamOnlyBehindTheCommit() throws Exception {
    fixture.store(post(1, "a"));
    fixture.receive(post(2, "b"));
    fixture.receive(post(3, "c"));
    assertThat(fixture.stream().size()).isEqualTo(3);
    BatchReport report = fixture.drain().batch();
    assertThat(fixture.stream().size())
        .as("the entry that the archive ends with is kept")
        .isEqualTo(1);
    assertThat(fixture.stream().lastId()).isEqualTo(report.position().orElseThrow().streamId());
  }

  @Test
  void doesNothingWhenNothingWaits() throws Exception {
    assertThat(fixture.drain().batch().isEmpty()).isTrue();
    fixture.store(post(1, "a"));
    long snapshot = fixture.archive().snapshot(TableName.LEDGER).id();
    assertThat(fixture.drain().batch().isEmpty()).isTrue();
    assertThat(fixture.archive().snapshot(TableName.LEDGER).id()).isEqualTo(snapshot);
  }

  @Test
  void endsABatchThatIsFullAndSaysThatMoreWaits() throws Exception {
    Drain small =
        new Drain(
            fixture.stream(),
            fixture.archive(),
            fixture.duckDb(),
            new Drain.Limits(2, 1 << 20, Duration.ofSeconds(20)));
    fixture.receive(post(1, "a"), post(2, "b"));
    fixture.receive(post(3, "c"));
    assertThat(small.batch().more()).isTrue();
    assertThat(fixture.rows(TableName.POSTS)).isEqualTo(2);
    assertThat(small.batch().more()).isFalse();
    assertThat(fixture.rows(TableName.POSTS)).isEqualTo(3);
  }

  /** With a limit of each kind, and blocks that arrive while a batch is made. */
  @Test
  void takesWhatItHasRoomForAndNoMore() throws Exception {
    long ofABlock = 2L * post(10, "a").length;
    for (Drain.Limits limits :
        List.of(
            new Drain.Limits(4, 1 << 20, Duration.ofMinutes(1)),
            new Drain.Limits(100, 2 * ofABlock, Duration.ofMinutes(1)))) {
      int[] blocks = {0};
      Drain drain =
          new Drain(
              fixture.stream(),
              fixture.archive(),
              fixture.duckDb(),
              limits,
              (frame, host, at) -> {
                if (blocks[0]++ == 0) {
                  receiveBlocks(3);
                }
                return new EventRows().row(frame, host, at);
              });
      receiveBlocks(1);
      BatchReport report = drain.batch();
      assertThat(report.events()).as("%s", limits).isEqualTo(4);
      assertThat(report.bytes()).isEqualTo(2 * ofABlock);
      assertThat(report.stored()).isEqualTo(4);
      assertThat(report.more()).isTrue();
      assertThat(report.duration()).isBetween(Duration.ofNanos(1), Duration.ofMinutes(1));
      report = drain.batch();
      assertThat(report.events()).isEqualTo(4);
      assertThat(report.more()).as("it is full, and nothing waits").isFalse();
    }
  }

  private int received = 10;

  private void receiveBlocks(int count) {
    for (int i = 0; i < count; i++) {
      fixture.receive(post(received++, "a"), post(received++, "a"));
    }
  }

  @Test
  void endsABatchThatTakesTooLong() throws Exception {
    int[] rows = {0};
    Drain drain =
        new Drain(
            fixture.stream(),
            fixture.archive(),
            fixture.duckDb(),
            new Drain.Limits(100, 1 << 20, Duration.ofNanos(1)),
            (frame, host, at) -> {
              if (rows[0]++ == 0) {
                receiveBlocks(1);
              }
              return new EventRows().row(frame, host, at);
            });
    receiveBlocks(1);
    BatchReport report = drain.batch();
    assertThat(report.events()).isEqualTo(2);
    assertThat(report.more()).isTrue();
    assertThat(drain.batch().events()).isEqualTo(2);
  }

  @Test
  void limitsAreGreaterThanZero() {
    assertThat(new Drain.Limits(1, 1, Duration.ofNanos(1)).events()).isEqualTo(1);
    assertThatThrownBy(() -> new Drain.Limits(0, 1, Duration.ofNanos(1)))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> new Drain.Limits(1, 0, Duration.ofNanos(1)))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> new Drain.Limits(1, 1, Duration.ZERO))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> new Drain.Limits(1, 1, Duration.ofNanos(-1)))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void leavesABatchToWhoeverCommittedItFirst() throws Exception {
    int[] rows = {0};
    Drain slow =
        new Drain(
            fixture.stream(),
            fixture.archive(),
            fixture.duckDb(),
            ArchiveFixture.LIMITS,
            (frame, host, at) -> {
              if (rows[0]++ == 0) {
                batch(fixture.drain());
              }
              return new EventRows().row(frame, host, at);
            });
    fixture.receive(post(1, "a"), post(2, "b"));
    BatchReport report = slow.batch();
    assertThat(report.isEmpty()).isTrue();
    assertThat(report.duration()).isBetween(Duration.ofNanos(1), Duration.ofMinutes(1));
    assertThat(fixture.rows(TableName.POSTS)).isEqualTo(2);
    fixture.receive(post(1, "a"), post(3, "c"));
    report = slow.batch();
    assertThat(report.stored()).isEqualTo(1);
    assertThat(report.duplicates()).isEqualTo(1);
    try (Stream<Path> files = Files.walk(fixture.archive().folder().resolve("posts/data"))) {
      assertThat(files.filter(Files::isRegularFile))
          .as("of the race lost there is none")
          .hasSize(2);
    }
  }

  /** What a drain has committed it knows without a look; what another has, it looks up. */
  @Test
  void knowsWhatItCommittedAndLooksUpWhatAnotherDid() throws Exception {
    List<byte[]> many = new ArrayList<>();
    for (int i = 0; i < 64; i++) {
      many.add(post(i, "a"));
    }
    fixture.receive(many);
    fixture.drain().batch();
    Drain another =
        new Drain(fixture.stream(), fixture.archive(), fixture.duckDb(), ArchiveFixture.LIMITS);
    fixture.receive(post(100, "by another"));
    another.batch();
    List<byte[]> again = new ArrayList<>(many);
    again.add(post(100, "by another"));
    fixture.receive(again);
    assertThat(fixture.drain().batch().duplicates()).isEqualTo(65);
    for (ArchiveFile file : fixture.archive().snapshot(TableName.POSTS).files()) {
      Files.delete(file.path());
    }
    for (int times = 0; times < 2; times++) {
      assertThat(fixture.store(post(1, "a"), post(100, "by another")).duplicates()).isEqualTo(2);
    }
  }

  @Test
  void writesAnyNumberOfDates() throws Exception {
    List<byte[]> frames = new ArrayList<>();
    for (int day = 0; day < 45; day++) {
      frames.add(post(day * 86_400_000L, "a"));
    }
    fixture.receive(frames);
    assertThat(fixture.drain().batch().stored()).isEqualTo(45);
    assertThat(fixture.archive().snapshot(TableName.POSTS).files()).hasSize(45);
    assertThat(fixture.rows(TableName.POSTS)).isEqualTo(45);
  }

  /** A crash between two commits of a batch: some tables are ahead of the ledger. */
  @Test
  void finishesABatchThatWasCutOffBetweenTwoCommits() throws Exception {
    fixture.store(post(1, "a"));
    fixture.receive(
        post(2, "b"), commit(ALICE, 3, "create", "app.bsky.feed.like", "a", Json.object()));
    Optional<ArchivePosition> before = fixture.archive().position(TableName.POSTS);
    StreamId end = fixture.stream().lastId();
    Map<TableName, Optional<ArchivePosition>> positions = new EnumMap<>(TableName.class);
    for (TableName table : TableName.values()) {
      positions.put(table, fixture.archive().position(table));
    }
    try (Batch cutOff =
        new Batch(
            fixture.archive(),
            new SeenEvents(fixture.archive(), fixture.duckDb()),
            positions,
            before,
            new EventRows(),
            new Workers("test"))) {
      for (var block : fixture.stream().readAfter(before.orElseThrow().streamId(), 10)) {
        cutOff.add(List.of(block), Map.of());
      }
      cutOff.handOver();
      fixture
          .archive()
          .append(TableName.POSTS, cutOff.finish().get(TableName.POSTS), before, cutOff.position());
    }
    assertThat(fixture.rows(TableName.POSTS)).isEqualTo(2);
    assertThat(fixture.rows(TableName.LIKES)).isZero();
    fixture.receive(post(4, "c"));

    fixture.drain().batch();

    assertThat(fixture.rows(TableName.POSTS)).isEqualTo(3);
    assertThat(fixture.rows(TableName.LIKES)).isEqualTo(1);
    assertThat(fixture.archive().position().orElseThrow().streamId()).isGreaterThan(end);
  }

  @Test
  void twoDrainsAtOnceStoreEverythingOnce() throws Exception {
    try (Archive other = Archive.open(fixture.folder())) {
      Drain rival = new Drain(fixture.stream(), other, fixture.duckDb(), ArchiveFixture.LIMITS);
      World world = new World(5, 1000);
      Set<String> expected = new HashSet<>();
      for (int round = 0; round < 10; round++) {
        List<byte[]> frames = new ArrayList<>();
        for (long n = round * 40L; n < round * 40L + 50; n++) {
          frames.add(world.frame(n));
          expected.add(
              new String(frames.get(frames.size() - 1), java.nio.charset.StandardCharsets.UTF_8));
        }
        fixture.receive(frames);
        CompletableFuture<BatchReport> one =
            CompletableFuture.supplyAsync(() -> batch(fixture.drain()));
        CompletableFuture<BatchReport> two = CompletableFuture.supplyAsync(() -> batch(rival));
        one.join();
        two.join();
      }
      while (!fixture.drain().batch().isEmpty()) {
        assertThat(fixture.stream().size()).isPositive();
      }
      long rows = 0;
      for (TableName table : TableName.EVENTS) {
        rows += fixture.rows(table);
      }
      assertThat(rows).isEqualTo(expected.size());
      assertThat(fixture.rows(TableName.DEAD_LETTERS)).isZero();
    }
  }

  private static BatchReport batch(Drain drain) {
    try {
      return drain.batch();
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void refusesToCommitOnTopOfWhatItDidNotSee() throws Exception {
    fixture.store(post(1, "a"));
    ArchivePosition to = new ArchivePosition(new StreamId(Long.MAX_VALUE, 0), 1, "h", 0);
    assertThatThrownBy(
            () -> fixture.archive().append(TableName.POSTS, List.of(), Optional.empty(), to))
        .isInstanceOf(LostRace.class);
    assertThat(fixture.archive().position(TableName.POSTS).orElseThrow()).isNotEqualTo(to);
  }

  @Test
  void othersReadTheSameRows() throws Exception {
    World world = new World(9, 1000);
    List<byte[]> frames = new ArrayList<>();
    for (long n = 0; n < 3000; n++) {
      frames.add(world.frame(n));
    }
    fixture.receive(frames);
    fixture.drain().batch();
    long all = 0;
    for (TableName name : TableName.values()) {
      Table table = fixture.archive().table(name);
      table.refresh();
      long rows = 0;
      if (table.currentSnapshot() != null) {
        try (CloseableIterable<Record> records = IcebergGenerics.read(table).build()) {
          for (Record record : records) {
            assertThat(record.getField("time_us")).isNotNull();
            rows++;
          }
        }
      }
      assertThat(rows).as(name.label()).isEqualTo(fixture.rows(name));
      all += name == TableName.LEDGER ? 0 : rows;
    }
    assertThat(all).isEqualTo(3000);
  }

  @Test
  void forgetsOldCommitsAndKeepsThePosition() throws Exception {
    for (int i = 0; i < 4; i++) {
      fixture.store(post(i, "a"));
    }
    Optional<ArchivePosition> position = fixture.archive().position();
    assertThat(fixture.archive().expire(Duration.ofSeconds(-5))).isEqualTo(6);
    assertThat(fixture.archive().position()).isEqualTo(position);
    assertThat(fixture.rows(TableName.POSTS)).isEqualTo(4);
  }
}
