package routes.archive;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static routes.fixtures.Frames.ALICE;
import static routes.fixtures.Frames.BOB;
import static routes.fixtures.Frames.NOON_US;
import static routes.fixtures.Frames.commit;
import static routes.fixtures.Frames.post;
import static routes.fixtures.Frames.rkey;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.Statement;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.apache.avro.generic.GenericRecord;
import org.apache.iceberg.DataFile;
import org.apache.iceberg.DataFiles;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import routes.fixtures.ArchiveFixture;
import routes.fixtures.RedisFixture;
import routes.fixtures.SharedData;
import routes.jetstream.Cid;
import routes.jetstream.Json;
import routes.simulator.World;

class PackingTest {

  private static final String ROOT = "bafyreiguce4jh7kcbmof3pmcvasifqtw24b6isakj5ve5ga2b4z4alpc4i";

  @RegisterExtension static final RedisFixture REDIS = new RedisFixture();

  private final ArchiveFixture fixture = new ArchiveFixture(REDIS.stream());

  @AfterEach
  void close() {
    fixture.close();
  }

  private Compaction compaction() {
    return new Compaction(
        fixture.archive(),
        fixture.duckDb(),
        file -> {},
        new Compaction.Limits(1_000_000_000, 7),
        Pace.FULL,
        Clock.fixed(Instant.parse("2100-01-01T00:00:00Z"), ZoneOffset.UTC));
  }

  private void store(List<byte[]> frames) throws Exception {
    fixture.receive(frames);
    fixture.drain().batch();
  }

  /** All rows as a reader in Java has them. */
  private List<String> read() throws Exception {
    List<String> rows = new ArrayList<>();
    for (TableName table : TableName.EVENTS) {
      for (ArchiveFile file : fixture.archive().snapshot(table).files()) {
        try (TableReader reader = new TableReader(table, file)) {
          for (GenericRecord row = reader.next(); row != null; row = reader.next()) {
            rows.add(table + " " + row);
          }
        }
      }
    }
    rows.sort(String::compareTo);
    return rows;
  }

  /** All rows as SQL has them. */
  private List<String> select() throws Exception {
    List<String> rows = new ArrayList<>();
    for (TableName table : TableName.EVENTS) {
      List<ArchiveFile> files = fixture.archive().snapshot(table).files();
      if (files.isEmpty()) {
        continue;
      }
      try (Connection connection = fixture.duckDb().connect();
          Statement statement = connection.createStatement();
          ResultSet result =
              statement.executeQuery(
                  "SELECT row::VARCHAR FROM " + Packing.readable(table, files) + " row")) {
        while (result.next()) {
          rows.add(table + " " + result.getString(1));
        }
      }
    }
    rows.sort(String::compareTo);
    return rows;
  }

  private long count(TableName table, String condition) throws Exception {
    return (Long) fixture.ask(table, "SELECT count(*) FROM TABLE WHERE " + condition);
  }

  private void comesBackWhole() throws Exception {
    List<String> read = read();
    List<String> selected = select();
    List<TableName> several =
        TableName.EVENTS.stream()
            .filter(table -> fixture.archive().snapshot(table).files().size() > 1)
            .toList();
    assertThat(compaction().run().compactions()).isPositive();
    for (TableName table : several) {
      assertThat(fixture.archive().snapshot(table).files()).allMatch(ArchiveFile::isPacked);
    }
    assertThat(read()).isEqualTo(read);
    assertThat(select()).isEqualTo(selected);
    assertThat(new Verification(fixture.folder(), what -> {}).run("256MB", 2).damages()).isEmpty();
  }

  private List<byte[]> inTwoFilesADate(List<byte[]> frames) throws Exception {
    store(frames.stream().filter(frame -> frames.indexOf(frame) % 2 == 0).toList());
    store(frames.stream().filter(frame -> frames.indexOf(frame) % 2 == 1).toList());
    return frames;
  }

  @Test
  void realEventsComeBackWholeAndTheirCidsAreLeftOut() throws Exception {
    List<byte[]> real = real();
    store(real);
    store(real.stream().map(PackingTest::ofAnotherRevision).toList());
    long cids = 0;
    for (TableName table : TableName.EVENTS) {
      cids += count(table, "cid <> ''");
    }
    comesBackWhole();
    long left = 0;
    for (TableName table : TableName.EVENTS) {
      left += count(table, "cid <> ''");
    }
    assertThat(cids).isGreaterThan(1200);
    // Of the stretch of the stream none; seven of the older posts were changed by who collected
    // them.
    assertThat(left).as("of " + cids + " that do not follow from their record").isEqualTo(2 * 7);
    assertThat(count(TableName.POSTS, "cid <> ''")).isEqualTo(2 * 7);
    assertThat(count(TableName.POSTS, "created_at IS NULL"))
        .isGreaterThan(count(TableName.POSTS, "created_at IS NOT NULL"));
    assertThat(count(TableName.POSTS, "reply_root_cid = ''")).isGreaterThan(100);
  }

  /** Without deletions, which take content with them. */
  private static List<byte[]> real() {
    return SharedData.real().stream()
        .filter(frame -> !new String(frame, UTF_8).contains("\"operation\":\"delete\""))
        .map(PackingTest::atNoon)
        .toList();
  }

  /** All on one date: else each post of the past is a date of its own. */
  private static byte[] atNoon(byte[] frame) {
    return changed(frame, event -> event.put("time_us", NOON_US));
  }

  private static byte[] ofAnotherRevision(byte[] frame) {
    return changed(
        frame,
        event -> {
          if (event.get("commit") instanceof ObjectNode commit) {
            commit.put("rev", rkey(1));
          }
        });
  }

  private static byte[] changed(byte[] frame, Consumer<ObjectNode> change) {
    try {
      ObjectNode event = (ObjectNode) Json.read(frame);
      change.accept(event);
      return event.toString().getBytes(UTF_8);
    } catch (java.io.IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  @Test
  void hostileEventsComeBackWhole() throws Exception {
    // Accounts that go take their content with them.
    inTwoFilesADate(
        SharedData.hostile().stream()
            .filter(frame -> !new String(frame, UTF_8).contains("\"kind\":\"account\""))
            .toList());
    store(List.of(post(1, "a"), post(2, "b")));
    store(List.of(post(3, "c")));
    comesBackWhole();
  }

  @Test
  void aSimulatedNetworkComesBackWhole() throws Exception {
    World world = new World(5, 1000);
    for (int batch = 0; batch < 2; batch++) {
      List<byte[]> frames = new ArrayList<>();
      for (long n = batch * 1_000L; frames.size() < 1_000; n++) {
        JsonNode event = Json.read(world.frame(n));
        if (!event.at("/commit/operation").asText().equals("delete")
            && event.at("/account/active").asBoolean(true)) {
          frames.add(world.frame(n));
        }
      }
      store(frames);
    }
    comesBackWhole();
    assertThat(count(TableName.LIKES, "cid <> ''")).isZero();
    assertThat(count(TableName.LIKES, "created_at IS NOT NULL")).isLessThan(10);
  }

  private static byte[] like(long millis, Map<String, Object> changes, Object cid)
      throws Exception {
    ObjectNode record =
        Json.object()
            .put("$type", "app.bsky.feed.like")
            .put("createdAt", Instant.ofEpochMilli(NOON_US / 1000 + millis - 1).toString());
    record
        .putObject("subject")
        .put("uri", "at://" + BOB + "/app.bsky.feed.post/x")
        .put("cid", ROOT);
    changes.forEach((member, value) -> record.set(member, Json.object().pojoNode(value)));
    ObjectNode read = (ObjectNode) Json.read(record.toString());
    ObjectNode event =
        (ObjectNode)
            Json.read(commit(ALICE, millis, "create", "app.bsky.feed.like", rkey(millis), read));
    ObjectNode inner = (ObjectNode) event.get("commit");
    if (cid == null) {
      inner.remove("cid");
    } else {
      inner.put("cid", cid.equals("right") ? Cid.of(read) : cid.toString());
    }
    return event.toString().getBytes(UTF_8);
  }

  private static byte[] withRightCid(byte[] frame, ObjectNode record) throws Exception {
    String cid = Cid.of(record);
    return changed(frame, event -> ((ObjectNode) event.get("commit")).put("cid", cid));
  }

  @Test
  void whatLooksLeftOutAndIsNotComesBackAsItWas() throws Exception {
    List<byte[]> frames = new ArrayList<>();
    List<Object> cids = new ArrayList<>(List.of("right", "", "=", "==", "=x", ROOT, "é"));
    cids.add(null);
    long millis = 0;
    for (Object cid : cids) {
      for (Map<String, Object> change :
          List.<Map<String, Object>>of(
              Map.of(),
              Map.of("createdAt", "1970-01-01T00:00:00.000Z"),
              Map.of("createdAt", "1969-12-31T23:59:59.999Z"),
              Map.of("createdAt", "1969-12-31"),
              Map.of("createdAt", Instant.ofEpochMilli(NOON_US / 1000 + millis).toString()),
              Map.of("createdAt", "2099-01-01T00:00:00.000Z"),
              Map.of("createdAt", "2026-07-04T12:00:00+09:00"),
              Map.of("createdAt", 5),
              Map.of("$type", "another"),
              Map.of("subject", Map.of("uri", "", "cid", "")),
              Map.of("odd", 1.50),
              Map.of("odd", List.of(Map.of("$link", "broken"))))) {
        frames.add(like(millis++, change, cid));
      }
    }
    for (String root : List.of("", "=", "=x", ROOT, "another")) {
      for (String parent : List.of("", "=", ROOT)) {
        ObjectNode record = routes.fixtures.Frames.record(millis, "a reply");
        ObjectNode reply = record.putObject("reply");
        reply.putObject("root").put("uri", "at://a").put("cid", root);
        reply.putObject("parent").put("uri", "at://b").put("cid", parent);
        frames.add(post(ALICE, millis++, record));
        frames.add(withRightCid(post(BOB, millis++, record), record));
      }
    }
    inTwoFilesADate(frames);
    comesBackWhole();
    assertThat(count(TableName.LIKES, "cid = ''")).as("right ones").isEqualTo(12);
    assertThat(count(TableName.POSTS, "cid = ''")).as("right ones").isEqualTo(15);
    assertThat(count(TableName.POSTS, "reply_root_cid = ''")).isEqualTo(2);
  }

  @Test
  void whatComesLaterIsPackedWithWhatIsPackedAlready() throws Exception {
    store(List.of(like(1, Map.of(), "right"), like(2, Map.of(), "")));
    store(List.of(like(3, Map.of(), "=x")));
    comesBackWhole();
    store(List.of(like(4, Map.of(), "right"), like(5, Map.of(), ""), like(6, Map.of(), "=")));
    assertThat(fixture.archive().snapshot(TableName.LIKES).files()).hasSize(2);
    comesBackWhole();
    assertThat(fixture.archive().snapshot(TableName.LIKES).files()).hasSize(1);
    assertThat(count(TableName.LIKES, "cid = ''")).isEqualTo(2);
  }

  @Test
  void rowsAreReadSinglyWithTheColumnsThatAreWanted() throws Exception {
    store(List.of(post(1, "a")));
    ObjectNode record = routes.fixtures.Frames.record(2, "b");
    store(List.of(withRightCid(post(BOB, 2, record), record)));
    compaction().run();
    ArchiveFile file = fixture.archive().snapshot(TableName.POSTS).files().get(0);
    RowReader reader = new RowReader(TableName.POSTS, file);
    for (List<String> columns :
        List.of(List.of("did", "cid"), List.of("created_at"), List.of("did", "text"))) {
      List<GenericRecord> rows = reader.read(new int[] {0, 1}, columns);
      GenericRecord bobs = rows.get(0);
      if (columns.contains("cid")) {
        assertThat(bobs.get("did")).hasToString(BOB);
        assertThat(bobs.get("cid")).isEqualTo(Cid.of(record));
        assertThat(rows.get(1).get("cid")).hasToString(ROOT);
      }
      if (columns.contains("created_at")) {
        assertThat(bobs.get("created_at")).isEqualTo(NOON_US + 1000);
      }
    }
    assertThat(reader.read(new int[] {0}, List.of("did", "text")).get(0).hasField("extra"))
        .isFalse();
  }

  /** As an earlier version has written it: compacted, and nothing left out. */
  private void compactInTheEarlierFormat() throws Exception {
    compaction().run();
    Map<TableName, List<DataFile>> replaced = new EnumMap<>(TableName.class);
    for (TableName table : TableName.EVENTS) {
      TableSnapshot snapshot = fixture.archive().snapshot(table);
      if (snapshot.files().isEmpty()) {
        continue;
      }
      replaced.put(table, fixture.archive().dataFiles(table, snapshot.id(), snapshot.files()));
      List<DataFile> earlier = new ArrayList<>();
      for (ArchiveFile file : snapshot.files()) {
        DataFile whole;
        try (TableReader reader = new TableReader(table, file);
            TableWriter writer =
                new TableWriter(
                    fixture.archive().table(table), table, file.date(), TableWriter.Kind.BATCH)) {
          for (GenericRecord row = reader.next(); row != null; row = reader.next()) {
            writer.write(row);
          }
          whole = writer.finish();
        }
        Path path = LocalFileIO.path(whole.location());
        Path named =
            Files.move(
                path,
                path.resolveSibling(path.getFileName().toString().replace("batch-", "compacted-")));
        earlier.add(
            DataFiles.builder(fixture.archive().table(table).spec())
                .copy(whole)
                .withPath(named.toString())
                .build());
      }
      fixture.archive().rewrite(table, replaced.get(table), earlier);
    }
  }

  @Test
  void anArchiveOfTheEarlierFormatIsReadAndBroughtToThisOne() throws Exception {
    inTwoFilesADate(real());
    List<String> read = read();
    List<String> selected = select();
    compactInTheEarlierFormat();
    assertThat(fixture.archive().snapshot(TableName.POSTS).files())
        .allMatch(ArchiveFile::isCompacted)
        .noneMatch(ArchiveFile::isPacked);
    assertThat(read()).isEqualTo(read);
    assertThat(select()).isEqualTo(selected);
    store(List.of(post(1, "meanwhile")));
    List<String> readSince = read();
    List<String> selectedSince = select();

    comesBackWhole();

    assertThat(read()).isEqualTo(readSince).hasSize(read.size() + 1);
    assertThat(select()).isEqualTo(selectedSince);
    assertThat(compaction().run().compactions()).as("again").isZero();
  }

  @Test
  void aRowThatCannotBePackedStopsTheCompaction() throws Exception {
    store(List.of(like(1, Map.of(), "right")));
    store(List.of(like(2, Map.of(), "right")));
    var table = fixture.archive().table(TableName.LIKES);
    List<ArchiveFile> files = fixture.archive().snapshot(TableName.LIKES).files();
    GenericRecord row;
    try (TableReader reader = new TableReader(TableName.LIKES, files.get(0))) {
      row = reader.next();
    }
    row.put("created_at", null);
    try (TableWriter writer =
        new TableWriter(table, TableName.LIKES, files.get(0).date(), TableWriter.Kind.BATCH)) {
      writer.write(row);
      fixture
          .archive()
          .rewrite(
              TableName.LIKES,
              fixture
                  .archive()
                  .dataFiles(
                      TableName.LIKES,
                      fixture.archive().snapshot(TableName.LIKES).id(),
                      List.of(files.get(0))),
              List.of(writer.finish()));
    }
    assertThatThrownBy(() -> compaction().run())
        .hasStackTraceContaining("a row without created_at has the sort_at of one with it");
    assertThat(fixture.rows(TableName.LIKES)).isEqualTo(2);
  }
}
