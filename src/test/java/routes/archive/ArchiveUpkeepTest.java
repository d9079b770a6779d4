package routes.archive;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static routes.fixtures.Frames.ALICE;
import static routes.fixtures.Frames.BOB;
import static routes.fixtures.Frames.account;
import static routes.fixtures.Frames.commit;
import static routes.fixtures.Frames.post;
import static routes.fixtures.Frames.record;
import static routes.fixtures.Frames.rkey;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.sql.SQLException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.iceberg.DataFile;
import org.apache.iceberg.Table;
import org.apache.iceberg.TableProperties;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import routes.fixtures.ArchiveFixture;
import routes.fixtures.Frames;
import routes.fixtures.RedisFixture;
import routes.fixtures.StoredEvents;
import routes.jetstream.Json;
import routes.simulator.World;

/** Compaction, the removal of left-overs, checksums, and the verification of all of it. */
class ArchiveUpkeepTest {

  @RegisterExtension static final RedisFixture REDIS = new RedisFixture();

  private final ArchiveFixture fixture = new ArchiveFixture(REDIS.stream());

  @AfterEach
  void close() {
    fixture.close();
  }

  private Compaction compaction(String now) {
    return compaction(now, file -> {}, 1_000_000_000, Pace.FULL);
  }

  private Compaction compaction(
      String now, Compaction.BeforeCommit beforeCommit, int maxRows, Pace pace) {
    return new Compaction(
        fixture.archive(),
        fixture.duckDb(),
        beforeCommit,
        new Compaction.Limits(maxRows, 7),
        pace,
        Clock.fixed(Instant.parse(now), ZoneOffset.UTC));
  }

  private LeftoverFiles leftovers(Duration grace) {
    return new LeftoverFiles(fixture.archive(), fixture.folder(), grace, Clock.systemUTC());
  }

  private Verification.Report verify() throws Exception {
    return new Verification(fixture.folder(), what -> {}).run("256MB", 2);
  }

  /** In which nothing is deleted, so that nothing changes. */
  private void storeAWorld() throws Exception {
    World world = new World(3, 1000);
    long n = 0;
    for (int batch = 0; batch < 3; batch++) {
      List<byte[]> frames = new ArrayList<>();
      for (; frames.size() < 400; n++) {
        JsonNode event = Json.read(world.frame(n));
        if (!event.at("/commit/operation").asText().equals("delete")
            && event.at("/account/active").asBoolean(true)) {
          frames.add(world.frame(n));
        }
      }
      fixture.receive(frames);
      fixture.drain().batch();
    }
  }

  private Set<Path> files(TableName table) {
    return fixture.archive().snapshot(table).files().stream()
        .map(ArchiveFile::path)
        .collect(Collectors.toSet());
  }

  private Path anyFile(TableName table) {
    return files(table).iterator().next();
  }

  private static void flip(Path file) throws IOException {
    byte[] bytes = Files.readAllBytes(file);
    bytes[bytes.length / 3] ^= 0x10;
    Files.write(file, bytes);
  }

  // Commits

  private int manifests() {
    Table table = fixture.archive().table(TableName.POSTS);
    table.refresh();
    return table.currentSnapshot().allManifests(table.io()).size();
  }

  private void batches(int count) throws Exception {
    for (int batch = 0; batch < count; batch++) {
      fixture.receive(post(1 + files(TableName.POSTS).size(), "a"));
      fixture.drain().batch();
    }
  }

  @Test
  void listsOfFilesArePutTogetherBeforeTheyAreMany() throws Exception {
    for (int commits : List.of(15, 20, 20)) {
      batches(commits);
      assertThat(manifests()).isBetween(1, 16);
    }
    assertThat(files(TableName.POSTS)).hasSize(55);
    assertThat(fixture.rows(TableName.POSTS)).isEqualTo(55);
  }

  @Test
  void aTableOfAnEarlierVersionHasItsListsPutTogetherToo() throws Exception {
    String property = TableProperties.MANIFEST_MIN_MERGE_COUNT;
    fixture.archive().table(TableName.POSTS).updateProperties().remove(property).commit();
    batches(20);
    assertThat(manifests()).as("as it was").isEqualTo(20);
    Archive.open(fixture.folder()).close();
    batches(1);
    assertThat(manifests()).isBetween(1, 16);
    assertThat(fixture.rows(TableName.POSTS)).isEqualTo(21);
  }

  // Compaction

  @Test
  void compactionMakesOneSortedFileOfADateAndLosesNothing() throws Exception {
    storeAWorld();
    List<String> before = contents();
    Optional<ArchivePosition> position = fixture.archive().position();
    Compaction.Compacted done = compaction("2026-07-06T00:00:00Z").run();
    assertThat(done.compactions()).isEqualTo(8);
    assertThat(done.rows()).isEqualTo(fixture.rows(TableName.LEDGER) + 1200);
    assertThat(done.files()).isGreaterThan(8);
    assertThat(done.bytesBefore()).isGreaterThan(done.bytesAfter());
    for (TableName table : TableName.EVENTS) {
      assertThat(files(table)).as(table.label()).hasSize(1);
      assertThat(anyFile(table).getFileName().toString()).startsWith("packed-");
    }
    assertThat(contents()).isEqualTo(before);
    assertThat(fixture.archive().position()).isEqualTo(position);
    assertThat(isSorted(TableName.POSTS, "sort_at <= before", "sort_at")).isTrue();
    assertThat(isSorted(TableName.LIKES, "time_us >= before", "time_us")).isTrue();
    assertThat(verify().damages()).isEmpty();
    try (Stream<Path> all = Files.walk(fixture.archive().folder())) {
      assertThat(all.map(Path::toString)).noneMatch(path -> path.endsWith(".tmp"));
    }
    assertThat(compaction("2026-07-06T00:00:00Z").run().compactions()).as("again").isZero();
  }

  private List<String> contents() throws IOException {
    List<String> all = new ArrayList<>();
    for (TableName table : TableName.EVENTS) {
      for (ArchiveFile file : fixture.archive().snapshot(table).files()) {
        try (TableReader reader = new TableReader(table, file)) {
          for (var row = reader.next(); row != null; row = reader.next()) {
            all.add(table + row.toString());
          }
        }
      }
    }
    all.sort(String::compareTo);
    return all;
  }

  @Test
  void compactionMakesSeveralFilesWhereOneWouldBeTooLarge() throws Exception {
    storeAWorld();
    List<String> before = contents();
    long rows = fixture.rows(TableName.POSTS);
    int most = Math.toIntExact(rows / 2 - 1);
    List<ArchiveFile> prepared = new ArrayList<>();
    compaction("2026-07-06T00:00:00Z", prepared::add, most, Pace.FULL).run();
    List<ArchiveFile> files = fixture.archive().snapshot(TableName.POSTS).files();
    assertThat(files).hasSize(3).containsExactlyInAnyOrderElementsOf(prepared);
    assertThat(files).allMatch(file -> file.rows() <= Math.ceilDiv(rows, 3));
    List<ArchiveFile> newestFirst =
        files.stream()
            .sorted(
                Comparator.comparing((ArchiveFile file) -> file.range().lastSortAt()).reversed())
            .toList();
    for (int i = 1; i < 3; i++) {
      assertThat(newestFirst.get(i).range().lastSortAt())
          .as("no two span the same time")
          .isLessThanOrEqualTo(newestFirst.get(i - 1).range().firstSortAt());
    }
    assertThat(contents()).isEqualTo(before);
    assertThat(verify().damages()).isEmpty();
    assertThat(compaction("2026-07-06T00:00:00Z", prepared::add, most, Pace.FULL).run())
        .as("again")
        .isEqualTo(new Compaction.Compacted(0, 0, 0, 0, 0));
  }

  @Test
  void rowsComeInOrderHoweverFewAreSortedAtOnce() throws Exception {
    List<byte[]> frames = new ArrayList<>();
    for (int i = 0; i < 40; i++) {
      long minute = i * 17 % 23;
      frames.add(post(i % 3 == 0 ? BOB : ALICE, i, record(60_000 * minute - 3_600_000, "p" + i)));
    }
    fixture.receive(frames.subList(0, 25));
    fixture.drain().batch();
    fixture.receive(frames.subList(25, 40));
    fixture.drain().batch();
    String carol = "did:plc:carol";
    fixture.store(
        commit(ALICE, 50, "delete", "app.bsky.feed.post", Frames.rkey(1), null),
        commit(ALICE, 51, "delete", "app.bsky.feed.post", Frames.rkey(1), null),
        commit(BOB, 52, "delete", "app.bsky.feed.post", Frames.rkey(3), null),
        post(carol, 53, record(53, "hers")),
        account(BOB, 54, false, "deleted"),
        account(carol, 55, false, "takendown"),
        account("did:plc:dan", 56, false, "deleted"));
    TableSnapshot posts = fixture.archive().snapshot(TableName.POSTS);
    List<String> all = rows(posts, 1_000);
    assertThat(all).hasSize(44);
    assertThat(all).filteredOn(row -> row.contains("\"text\": null")).hasSize(19);
    for (long atOnce : new long[] {1, 3, 10}) {
      assertThat(rows(posts, atOnce)).as("%d at once", atOnce).isEqualTo(all);
    }
  }

  private List<String> rows(TableSnapshot posts, long atOnce) throws Exception {
    List<String> all = new ArrayList<>();
    Path folder = fixture.folder().resolve("sorted");
    String deletions = ContentToGo.deletions(posts.files());
    try (GoneList gone = new GoneList(fixture.archive(), fixture.duckDb());
        KeptRows going =
            KeptRows.of(
                fixture.duckDb(),
                fixture.archive(),
                TableName.POSTS,
                ContentToGo.selects(
                    TableName.POSTS, posts.files(), deletions, gone.accounts(), atOnce));
        CompactionRows rows =
            CompactionRows.open(
                fixture.duckDb(), TableName.POSTS, posts.files(), going, folder, atOnce)) {
      for (var row = rows.next(); row != null; row = rows.next()) {
        all.add(row.toString());
      }
    }
    try (var left = Files.list(folder)) {
      assertThat(left).as("left over").isEmpty();
    }
    return all;
  }

  @Test
  void compactionWorksWhenTheFirstCommitsAreForgotten() throws Exception {
    storeAWorld();
    fixture.store(post(ALICE, 60_000, record(60_000, "of a later date")));
    assertThat(new Expiry(fixture.archive(), Duration.ZERO).run()).isPositive();
    List<String> before = contents();
    Compaction.Compacted done = compaction("2026-07-06T00:00:00Z").run();
    assertThat(done.compactions()).isPositive();
    for (TableName table : TableName.EVENTS) {
      assertThat(files(table)).as(table.label()).hasSizeLessThanOrEqualTo(2);
    }
    assertThat(contents()).isEqualTo(before);
  }

  @Test
  void whatACompactionMayHaveCommittedItNeverRemoves() throws Exception {
    storeAWorld();
    List<String> before = contents();
    String now = "2026-07-06T00:00:00Z";
    List<ArchiveFile> prepared = new ArrayList<>();
    compaction(
            now,
            file -> {
              prepared.add(file);
              // Another instance is faster.
              try {
                compaction(now).run();
              } catch (SQLException e) {
                throw new IOException(e);
              }
            },
            1_000_000_000,
            Pace.FULL)
        .run();
    assertThat(prepared).hasSize(1);
    assertThat(files(TableName.POSTS)).hasSize(1);
    assertThat(prepared.get(0).path()).as("the commit was tried").exists();
    assertThat(fixture.archive().snapshot(TableName.POSTS).files()).doesNotContain(prepared.get(0));
    assertThat(leftovers(Duration.ZERO).find()).contains(prepared.get(0).path());
    assertThat(contents()).isEqualTo(before);
    assertThat(verify().damages()).isEmpty();
  }

  @Test
  void compactionTellsHowFarItIs() throws Exception {
    storeAWorld();
    List<Compaction.UnderWay> told = new ArrayList<>();
    AtomicReference<Compaction> compaction = new AtomicReference<>();
    compaction.set(
        compaction(
            "2026-07-06T00:00:00Z",
            file -> told.add(compaction.get().underWay().orElseThrow()),
            1_000_000_000,
            Pace.FULL));
    assertThat(compaction.get().underWay()).isEmpty();
    compaction.get().run();
    long rows = fixture.rows(TableName.POSTS);
    assertThat(told)
        .containsExactly(
            new Compaction.UnderWay(
                TableName.POSTS,
                LocalDate.parse("2024-01-01"),
                Compaction.Step.PREPARE,
                rows,
                rows,
                Instant.parse("2026-07-06T00:00:00Z")));
    assertThat(compaction.get().underWay()).isEmpty();
  }

  @Test
  void compactionRemovesWhatDeletedRecordsSaid() throws Exception {
    fixture.store(
        post(1, "stays"),
        post(2, "deleted later"),
        post(BOB, 3, record(3, "its author is gone")),
        commit(ALICE, 4, "create", "app.bsky.feed.like", rkey(4), like()),
        commit(ALICE, 5, "create", "org.example.thing", rkey(5), like()),
        commit(BOB, 5, "create", "org.example.thing", rkey(5), like()));
    fixture.store(
        commit(ALICE, 6, "delete", "app.bsky.feed.post", rkey(2), null),
        commit(ALICE, 7, "create", "app.bsky.feed.post", rkey(2), record(7, "made again")),
        commit(ALICE, 8, "delete", "app.bsky.feed.like", rkey(4), null),
        commit(ALICE, 8, "delete", "org.example.thing", rkey(5), null),
        account(BOB, 9, false, "takendown"));
    compaction("2026-07-05T00:00:00Z").run();
    List<JsonNode> events = StoredEvents.in(fixture.folder()).events();
    assertThat(events).hasSize(11);
    List<String> records =
        events.stream()
            .filter(event -> event.at("/commit/record").isObject())
            .map(
                event ->
                    event.at("/commit/collection").textValue().replaceAll(".*\\.", "")
                        + " "
                        + event.at("/commit/record/text").asText()
                        + event.at("/commit/record/subject").asText()
                        + (event.at("/commit").has("cid") ? "" : "gone"))
            .sorted()
            .toList();
    assertThat(records)
        .containsExactly(
            "like gone",
            "post gone",
            "post gone",
            "post made again",
            "post stays",
            "thing gone",
            "thing gone");
    assertThat(events)
        .filteredOn(event -> event.at("/commit/rkey").asText().equals(rkey(2)))
        .as("what was when stays")
        .hasSize(3)
        .allMatch(event -> event.get("time_us").asLong() > Frames.NOON_US);
    assertThat(verify().damages()).isEmpty();
  }

  private static ObjectNode like() {
    return Json.object()
        .put("createdAt", "2026-07-04T12:00:00.000Z")
        .put("subject", "at://did:plc:x/app.bsky.feed.post/y");
  }

  @Test
  void whatIsDeletedAfterItsDateWasCompactedGoesLater() throws Exception {
    fixture.store(post(1, "stays"), post(2, "deleted later"));
    compaction("2026-07-05T00:00:00Z").run();
    fixture.store(commit(ALICE, 3, "delete", "app.bsky.feed.post", rkey(2), null));
    assertThat(contents()).anyMatch(row -> row.contains("deleted later"));
    Set<Path> files = files(TableName.POSTS);
    fixture.store(commit(ALICE, 4, "delete", "app.bsky.feed.post", rkey(9), null));
    compaction("2026-07-05T00:00:00Z").run();
    assertThat(contents()).noneMatch(row -> row.contains("deleted later"));
    fixture.store(commit(ALICE, 2 * 86_400_000, "delete", "app.bsky.feed.post", rkey(1), null));
    Set<Path> compacted = files(TableName.POSTS);
    assertThat(compacted).doesNotContainAnyElementsOf(files).hasSize(2);
    compaction("2026-07-10T00:00:00Z").run();
    assertThat(files(TableName.POSTS)).as("not due").isEqualTo(compacted);
    assertThat(contents()).anyMatch(row -> row.contains("stays"));
    compaction("2026-07-11T00:00:00Z").run();
    assertThat(contents()).noneMatch(row -> row.contains("stays"));
    Set<Path> purged = files(TableName.POSTS);
    compaction("2026-07-18T00:00:00Z").run();
    assertThat(files(TableName.POSTS)).as("there is nothing left to go").isEqualTo(purged);
    assertThat(verify().damages()).isEmpty();
  }

  /** Deletions as old as that come of dead letters that are tried again, and of gaps. */
  @Test
  void aDeletionThatCameLateIsFoundOnceAllAreLookedAt() throws Exception {
    fixture.store(post(1, "late"), post(2, "in time"));
    fixture.store(post(86_400_000, "another date"), post(86_400_001, "of the other"));
    compaction("2026-07-06T00:00:00Z").run();
    // Sixty days later; the second one says that it is of the seventh of July.
    fixture.store(
        commit(ALICE, 60 * 86_400_000L, "delete", "app.bsky.feed.post", rkey(2), null),
        commit(ALICE, 3 * 86_400_000L, "delete", "app.bsky.feed.post", rkey(1), null));
    compaction("2026-09-05T00:00:00Z").run();
    assertThat(contents())
        .as("63 days: nine times seven, of which the last fourteen are looked at")
        .noneMatch(row -> row.contains("in time"))
        .anyMatch(row -> row.contains("\"late\""));
    compaction("2026-09-19T00:00:00Z").run();
    assertThat(contents()).anyMatch(row -> row.contains("\"late\""));
    compaction("2026-09-26T00:00:00Z").run();
    assertThat(contents())
        .as("84 days: twelve times seven")
        .noneMatch(row -> row.contains("\"late\""))
        .anyMatch(row -> row.contains("another date"))
        .anyMatch(row -> row.contains("of the other"));
    assertThat(verify().damages()).isEmpty();
  }

  @Test
  void datesThatAreDueTogetherEachLoseTheirOwn() throws Exception {
    for (int week = 0; week < 4; week++) {
      long day = week * 7 * 86_400_000L;
      fixture.store(post(day, "stays" + week), post(day + 1, "goes" + week));
      fixture.store(
          commit(BOB, day + 2, "create", "app.bsky.feed.post", rkey(1), record(1, "his")));
    }
    compaction("2026-07-26T00:00:00Z").run();
    assertThat(files(TableName.POSTS)).hasSize(4);
    long now = 22 * 86_400_000L;
    for (int week : new int[] {0, 2}) {
      fixture.store(
          commit(
              ALICE,
              now + week,
              "delete",
              "app.bsky.feed.post",
              rkey(week * 7 * 86_400_000L + 1),
              null));
    }
    Set<Path> before = files(TableName.POSTS);
    // 28, 21, 14 and 7 days.
    compaction("2026-08-01T00:00:00Z").run();
    assertThat(contents())
        .noneMatch(row -> row.contains("goes0") || row.contains("goes2"))
        .filteredOn(row -> row.contains("goes") || row.contains("stays"))
        .hasSize(6);
    Set<Path> after = files(TableName.POSTS);
    after.retainAll(before);
    assertThat(after).as("nothing of theirs was deleted").hasSize(2);
    assertThat(verify().damages()).isEmpty();
    try (Stream<Path> all = Files.walk(fixture.archive().folder())) {
      assertThat(all.map(Path::toString)).noneMatch(path -> path.endsWith(".tmp"));
    }
  }

  // Retention

  private Retention retention(String now, Retention.Limit limit) {
    return new Retention(
        fixture.archive(),
        Map.of(TableName.POSTS, limit),
        Clock.fixed(Instant.parse(now), ZoneOffset.UTC));
  }

  private List<String> dates(TableName table) {
    return fixture.archive().snapshot(table).files().stream()
        .map(file -> file.date().toString())
        .sorted()
        .toList();
  }

  private void storeSixDays() throws Exception {
    for (int day = 0; day < 6; day++) {
      fixture.store(
          post(day * 86_400_000L, "day " + day),
          commit(ALICE, day * 86_400_000L, "create", "app.bsky.feed.like", "a", like()));
    }
    // As in every archive that is older than some hours.
    new Expiry(fixture.archive(), Duration.ZERO).run();
  }

  @Test
  void retentionByDaysRemovesDatesThatAreTooOldAndSaysSoBefore() throws Exception {
    storeSixDays();
    Optional<ArchivePosition> position = fixture.archive().position();
    Retention retention =
        retention("2026-07-09T12:00:00Z", new Retention.Limit(Optional.of(4), Optional.empty()));
    List<Retention.Due> due = retention.plan().due();
    assertThat(due)
        .extracting(each -> each.date().toString())
        .containsExactly("2026-07-04", "2026-07-05");
    assertThat(due.get(0).table()).isEqualTo("posts");
    assertThat(due.get(0).rows()).isEqualTo(1);
    assertThat(due.get(0).files()).isEqualTo(1);
    assertThat(due.get(0).bytes()).isPositive();
    assertThat(fixture.archive().keptFrom(TableName.POSTS)).isEmpty();
    assertThat(retention.run()).isEqualTo(due);
    assertThat(dates(TableName.POSTS))
        .containsExactly("2026-07-06", "2026-07-07", "2026-07-08", "2026-07-09");
    assertThat(dates(TableName.LIKES)).as("another table").hasSize(6);
    assertThat(fixture.archive().keptFrom(TableName.POSTS)).contains(LocalDate.parse("2026-07-06"));
    assertThat(retention.plan().due()).isEmpty();
    assertThat(retention.run()).isEmpty();
    assertThat(fixture.archive().position()).isEqualTo(position);
    assertThat(verify().damages()).isEmpty();
    assertThat(fixture.store(post(10 * 86_400_000L, "later")).stored()).isEqualTo(1);
  }

  @Test
  void retentionByBytesKeepsTheNewestThreeDatesAnyway() throws Exception {
    storeSixDays();
    long all = fixture.archive().snapshot(TableName.POSTS).bytes();
    retention("2026-07-09T12:00:00Z", new Retention.Limit(Optional.empty(), Optional.of(all)))
        .run();
    assertThat(dates(TableName.POSTS)).as("there is room").hasSize(6);
    retention("2026-07-09T12:00:00Z", new Retention.Limit(Optional.empty(), Optional.of(all - 1)))
        .run();
    assertThat(dates(TableName.POSTS)).as("there was not").hasSize(5);
    retention("2026-07-09T12:00:00Z", new Retention.Limit(Optional.empty(), Optional.of(1L))).run();
    assertThat(dates(TableName.POSTS)).containsExactly("2026-07-07", "2026-07-08", "2026-07-09");
  }

  @Test
  void retentionRemovesNoRowOfADrainThatCommitsMeanwhile() throws Exception {
    storeSixDays();
    long before = fixture.archive().snapshot(TableName.POSTS).id();
    List<DataFile> files =
        fixture
            .archive()
            .dataFiles(
                TableName.POSTS,
                before,
                fixture.archive().snapshot(TableName.POSTS).files().stream()
                    .filter(file -> file.date().equals(LocalDate.parse("2026-07-04")))
                    .toList());
    fixture.store(post(1, "of that date, and late"));
    fixture.archive().remove(TableName.POSTS, files, LocalDate.parse("2026-07-05"));
    assertThat(fixture.rows(TableName.POSTS)).isEqualTo(6);
    assertThatThrownBy(
            () -> fixture.archive().remove(TableName.POSTS, files, LocalDate.parse("2026-07-05")))
        .as("they are gone")
        .isInstanceOf(LostRace.class);
  }

  @Test
  void limitsOfRetentionMakeSense() {
    assertThatThrownBy(() -> new Retention.Limit(Optional.of(2), Optional.empty()))
        .isInstanceOf(IllegalArgumentException.class);
    Map<TableName, Retention.Limit> ledger =
        Map.of(TableName.LEDGER, new Retention.Limit(Optional.of(9), Optional.empty()));
    assertThatThrownBy(() -> new Retention(fixture.archive(), ledger, Clock.systemUTC()))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void compactionOfHoursMakesOneFileOfEachThatIsOver() throws Exception {
    storeAWorld();
    List<String> before = contents();
    int files = files(TableName.POSTS).size();
    assertThat(compaction("2024-01-02T00:00:00Z").runHours().compactions())
        .as("of another date")
        .isZero();
    assertThat(compaction("2024-01-01T00:59:59Z").runHours().compactions())
        .as("in that hour")
        .isZero();
    assertThat(files(TableName.POSTS)).hasSize(files);
    assertThat(compaction("2024-01-01T01:00:00Z").runHours().compactions()).isEqualTo(7);
    assertThat(files(TableName.POSTS)).hasSize(1);
    assertThat(contents()).isEqualTo(before);
    assertThat(verify().damages()).isEmpty();
  }

  private boolean isSorted(TableName table, String condition, String column) throws Exception {
    return (Boolean)
        fixture.ask(
            table,
            "SELECT bool_and(%s) FROM (SELECT %s, lag(%s, 1, %s) OVER (ORDER BY file_row_number) AS before"
                    .formatted(condition, column, column, column)
                + " FROM read_parquet("
                + DuckDb.literal(anyFile(table).toString())
                + ", file_row_number = true))");
  }

  @Test
  void compactionLeavesTheDateThatIsNotOver() throws Exception {
    fixture.store(post(1, "a"));
    fixture.store(post(2, "b"));
    assertThat(compaction("2026-07-04T23:59:59Z").run().compactions()).isZero();
    assertThat(compaction("2026-07-05T00:00:00Z").run().compactions()).isEqualTo(2);
  }

  @Test
  void compactionTakesLateEventsInToo() throws Exception {
    fixture.store(post(2, "b"));
    fixture.store(post(3, "c"));
    compaction("2026-07-06T00:00:00Z").run();
    fixture.store(post(1, "late"));
    assertThat(files(TableName.POSTS)).hasSize(2);
    compaction("2026-07-06T00:00:00Z").run();
    assertThat(files(TableName.POSTS)).hasSize(1);
    assertThat(fixture.rows(TableName.POSTS)).isEqualTo(3);
    assertThat(fixture.store(post(1, "late")).duplicates()).isEqualTo(1);
  }

  @Test
  void drainsGoOnAboveACompaction() throws Exception {
    fixture.store(post(1, "a"));
    fixture.store(post(2, "b"));
    compaction("2026-07-06T00:00:00Z").run();
    assertThat(fixture.store(post(2, "b"), post(3, "c")).duplicates()).isEqualTo(1);
    assertThat(fixture.rows(TableName.POSTS)).isEqualTo(3);
  }

  @Test
  void compactionCarriesThePositionOfADrainThatCommittedMeanwhile() throws Exception {
    fixture.store(post(1, "a"));
    fixture.store(post(2, "b"));
    TableSnapshot before = fixture.archive().snapshot(TableName.POSTS);
    var replaced = fixture.archive().dataFiles(TableName.POSTS, before.id(), before.files());
    fixture.store(post(3, "c"));
    Optional<ArchivePosition> position = fixture.archive().position(TableName.POSTS);
    fixture.archive().rewrite(TableName.POSTS, replaced.subList(0, 1), replaced.subList(0, 1));
    assertThat(fixture.archive().position(TableName.POSTS)).isEqualTo(position);
  }

  @Test
  void twoCompactionsOfTheSameFilesDoNotBothWin() throws Exception {
    fixture.store(post(1, "a"));
    fixture.store(post(2, "b"));
    TableSnapshot before = fixture.archive().snapshot(TableName.POSTS);
    var replaced = fixture.archive().dataFiles(TableName.POSTS, before.id(), before.files());
    compaction("2026-07-06T00:00:00Z").run();
    assertThatThrownBy(
            () -> fixture.archive().rewrite(TableName.POSTS, replaced, replaced.subList(0, 1)))
        .isInstanceOf(LostRace.class);
    assertThat(fixture.rows(TableName.POSTS)).isEqualTo(2);
  }

  @Test
  void aDamagedFileIsNamedAndNeverCompacted() throws Exception {
    fixture.store(
        post(1, "a"), commit(ALICE, 5, "create", "app.bsky.feed.like", "x", Json.object()));
    fixture.store(
        post(2, "b"), commit(ALICE, 6, "create", "app.bsky.feed.like", "y", Json.object()));
    Path damaged = anyFile(TableName.POSTS);
    flip(damaged);
    assertThatThrownBy(() -> compaction("2026-07-06T00:00:00Z").run())
        .isInstanceOf(DamagedFile.class)
        .hasMessageContaining(damaged.toString());
    assertThat(files(TableName.POSTS)).hasSize(2).contains(damaged);
    assertThat(files(TableName.LIKES)).as("other tables are compacted").hasSize(1);
  }

  // Left-overs

  @Test
  void removesWhatNoCommitNeedsAndNothingElse() throws Exception {
    storeAWorld();
    compaction("2026-07-06T00:00:00Z").run();
    Path data = anyFile(TableName.POSTS).getParent();
    Path metadata = fixture.folder().resolve("archive/posts/metadata");
    List<Path> left =
        List.of(
            Files.writeString(data.resolve("batch-cut-off.parquet"), "x"),
            Files.writeString(metadata.resolve("cut-off-m0.avro"), "x"),
            Files.writeString(
                Files.createDirectories(fixture.folder().resolve("tmp/old")).resolve("spill.tmp"),
                "x"),
            Files.writeString(
                Files.createDirectories(fixture.folder().resolve("redis"))
                    .resolve("temp-rewriteaof-1.aof"),
                "x"));
    Path kept = Files.writeString(fixture.folder().resolve("redis/redis.log"), "x");
    assertThat(leftovers(Duration.ofHours(1)).remove()).as("too young").isZero();
    assertThat(leftovers(Duration.ZERO).find()).containsAll(left);
    leftovers(Duration.ZERO).remove();
    assertThat(left).noneMatch(Files::exists);
    assertThat(kept).exists();
    assertThat(verify().damages()).isEmpty();
    assertThat(leftovers(Duration.ZERO).remove()).isZero();
  }

  @Test
  void looksForLeftoversWhileFilesComeAndGo() throws Exception {
    Path folder = Files.createDirectories(fixture.folder().resolve("tmp/busy"));
    AtomicBoolean enough = new AtomicBoolean();
    Thread busy =
        Thread.startVirtualThread(
            () -> {
              while (!enough.get()) {
                try {
                  for (int i = 0; i < 50; i++) {
                    Files.createFile(folder.resolve("spill" + i));
                  }
                  for (int i = 0; i < 50; i++) {
                    Files.delete(folder.resolve("spill" + i));
                  }
                } catch (IOException e) {
                  throw new UncheckedIOException(e);
                }
              }
            });
    try {
      for (int i = 0; i < 200; i++) {
        assertThat(leftovers(Duration.ofHours(1)).find()).isEmpty();
      }
    } finally {
      enough.set(true);
      busy.join();
    }
  }

  @Test
  void keepsFilesThatAnOlderCommitNeeds() throws Exception {
    fixture.store(post(1, "a"));
    fixture.store(post(2, "b"));
    Set<Path> before = files(TableName.POSTS);
    compaction("2026-07-06T00:00:00Z").run();
    leftovers(Duration.ZERO).remove();
    assertThat(before).allMatch(Files::exists);
    fixture.archive().expire(Duration.ofSeconds(-5));
    leftovers(Duration.ZERO).remove();
    assertThat(before).noneMatch(Files::exists);
    assertThat(verify().damages()).isEmpty();
  }

  @Test
  void removesNothingThatIsReachedByAnotherWay() throws Exception {
    storeAWorld();
    Path moved = fixture.folder().resolveSibling(fixture.folder().getFileName() + "-moved");
    Files.move(fixture.folder(), moved);
    try {
      Files.createSymbolicLink(fixture.folder(), moved);
      try (Archive again = Archive.open(fixture.folder())) {
        LeftoverFiles files =
            new LeftoverFiles(again, fixture.folder(), Duration.ZERO, Clock.systemUTC());
        assertThat(files.find()).isEmpty();
      }
      Files.delete(fixture.folder());
      try (Archive elsewhere = Archive.open(moved)) {
        LeftoverFiles files = new LeftoverFiles(elsewhere, moved, Duration.ZERO, Clock.systemUTC());
        assertThatThrownBy(files::find).isInstanceOf(RuntimeException.class);
      } catch (RuntimeException e) {
        assertThat(e).as("or it cannot even be opened").hasMessageContaining("archive");
      }
    } finally {
      Files.deleteIfExists(fixture.folder());
      Files.move(moved, fixture.folder());
    }
  }

  @Test
  void theGraceTimeIsOfTheFilesLastChange() throws Exception {
    fixture.store(post(1, "a"));
    Path old = Files.writeString(anyFile(TableName.POSTS).resolveSibling("batch-old.parquet"), "x");
    Files.setLastModifiedTime(old, FileTime.from(Instant.now().minusSeconds(3700)));
    assertThat(leftovers(Duration.ofHours(1)).remove()).isEqualTo(1);
    assertThat(old).doesNotExist();
  }

  // Checksums and verification

  @Test
  void aWholeArchiveIsWhole() throws Exception {
    storeAWorld();
    Verification.Report report = verify();
    assertThat(report.damages()).isEmpty();
    assertThat(report.notes()).isEmpty();
    assertThat(report.isWhole()).isTrue();
    assertThat(report.rows()).isEqualTo(1200 + fixture.rows(TableName.LEDGER));
    assertThat(report.files()).isGreaterThan(20);
    assertThat(report.bytes()).isPositive();
    assertThat(report.commits()).isGreaterThan(20);
    assertThat(report.cids()).isGreaterThan(900);
  }

  @Test
  void findsAFlippedByteInAnyDataFile() throws Exception {
    storeAWorld();
    Path damaged = anyFile(TableName.LIKES);
    flip(damaged);
    assertThat(verify().damages()).singleElement().asString().contains(damaged.toString());
  }

  @Test
  void findsADataFileThatIsCutShortOrMissing() throws Exception {
    storeAWorld();
    Path cut = anyFile(TableName.LIKES);
    byte[] bytes = Files.readAllBytes(cut);
    Files.write(cut, java.util.Arrays.copyOf(bytes, bytes.length - 7));
    Path missing = anyFile(TableName.FOLLOWS);
    Files.delete(missing);
    assertThat(verify().damages())
        .anyMatch(damage -> damage.contains(cut.toString()) && damage.contains("bytes"))
        .anyMatch(damage -> damage.contains(missing.toString()) && damage.contains("missing"));
  }

  @Test
  void findsAFlippedByteInMetadataAndReadsNothingOfIt() throws Exception {
    fixture.store(post(1, "a"));
    Path metadata = fixture.folder().resolve("archive/posts/metadata");
    for (String kind : List.of(".metadata.json", "-m0.avro", "snap-")) {
      Path file;
      try (Stream<Path> files = Files.list(metadata)) {
        file =
            files
                .filter(
                    path -> path.toString().contains(kind) && !path.toString().endsWith(".sha256"))
                .max(java.util.Comparator.comparing(Path::toString))
                .orElseThrow();
      }
      byte[] before = Files.readAllBytes(file);
      flip(file);
      assertThat(verify().damages())
          .as(kind)
          .anyMatch(damage -> damage.contains(file.toString()) && damage.contains("damaged"));
      Files.write(file, java.util.Arrays.copyOf(before, before.length - 3));
      assertThat(verify().isWhole()).as(kind + " cut short").isFalse();
      Files.write(file, before);
    }
    assertThat(verify().isWhole()).isTrue();
  }

  @Test
  void findsADamagedCatalog() throws Exception {
    fixture.store(post(1, "a"));
    Path copy = Files.createTempDirectory("catalog");
    try {
      Files.copy(fixture.folder().resolve("catalog.sqlite"), copy.resolve("catalog.sqlite"));
      Files.write(copy.resolve("catalog.sqlite"), new byte[4096]);
      assertThat(new Verification(copy, what -> {}).run("64MB", 1).isWhole()).isFalse();
    } finally {
      org.springframework.util.FileSystemUtils.deleteRecursively(copy);
    }
  }

  @Test
  void findsEventsThatAreThereTwice() throws Exception {
    fixture.store(post(1, "a"), post(2, "b"));
    TableSnapshot posts = fixture.archive().snapshot(TableName.POSTS);
    Path copy = anyFile(TableName.POSTS).resolveSibling("copy.parquet");
    Files.copy(anyFile(TableName.POSTS), copy);
    var twin =
        org.apache.iceberg.DataFiles.builder(fixture.archive().table(TableName.POSTS).spec())
            .copy(fixture.archive().dataFiles(TableName.POSTS, posts.id(), posts.files()).get(0))
            .withPath(copy.toString())
            .build();
    fixture
        .archive()
        .insert(
            TableName.POSTS,
            List.of(twin),
            fixture.archive().position(TableName.POSTS).orElseThrow(),
            fixture.archive().position().orElseThrow());
    assertThat(verify().damages()).singleElement().asString().contains("2 events of posts");
    assertThat(verify().notes()).anyMatch(note -> note.contains("the ledger tells"));
  }

  @Test
  void findsAPositionThatGoesBack() throws Exception {
    fixture.store(post(1, "a"));
    fixture.store(post(2, "b"));
    ArchivePosition now = fixture.archive().position(TableName.POSTS).orElseThrow();
    fixture
        .archive()
        .append(
            TableName.POSTS,
            List.of(),
            Optional.of(now),
            new ArchivePosition(new routes.buffer.StreamId(1, 0), 1, "h", 0));
    assertThat(verify().damages()).anyMatch(damage -> damage.contains("goes back"));
  }

  @Test
  void saysWhenThereIsNoArchive() throws Exception {
    Path empty = Files.createTempDirectory("empty");
    assertThatThrownBy(() -> new Verification(empty, what -> {}).run("64MB", 1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("there is no archive");
    assertThat(empty.resolve("archive")).doesNotExist();
    Files.delete(empty);
  }

  @Test
  void aTableThatSomethingElseWroteToStopsTheDrain() throws Exception {
    fixture.store(post(1, "a"));
    fixture.archive().table(TableName.LEDGER).newAppend().commit();
    fixture.receive(post(2, "b"));
    assertThatThrownBy(() -> fixture.drain().batch()).hasMessageContaining("something else wrote");
    assertThat(verify().damages()).anyMatch(damage -> damage.contains("has no position"));
  }
}
