package routes.archive;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static routes.fixtures.Frames.post;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.apache.avro.generic.GenericRecord;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import routes.fixtures.ArchiveFixture;
import routes.fixtures.RedisFixture;

class RowReaderTest {

  private static final List<String> COLUMNS = List.of("text", "rkey", "langs");
  private static final int ROWS = 9_000;

  @RegisterExtension static final RedisFixture REDIS = new RedisFixture();

  private final ArchiveFixture fixture = new ArchiveFixture(REDIS.stream());

  @AfterEach
  void close() {
    fixture.close();
  }

  private ArchiveFile store() throws Exception {
    List<byte[]> frames = new ArrayList<>();
    for (int i = 0; i < ROWS; i++) {
      frames.add(post(i, "post " + i));
    }
    fixture.receive(frames);
    fixture.drain().batch();
    return fixture.archive().snapshot(TableName.POSTS).files().get(0);
  }

  @Test
  void readsTheRowsAskedForAndNoOthers() throws Exception {
    RowReader reader = new RowReader(TableName.POSTS, store());
    assertThat(reader.canSeek()).isTrue();
    assertThat(texts(reader, 0, 1, 3_999, 4_000, 4_001, 8_999))
        .containsExactly("post 0", "post 1", "post 3999", "post 4000", "post 4001", "post 8999");
    assertThat(texts(reader, 5, 8_999)).containsExactly("post 5", "post 8999");
    assertThat(texts(reader, 4_000)).containsExactly("post 4000");
    assertThat(texts(reader)).isEmpty();
    int[] all = new int[ROWS];
    for (int i = 0; i < ROWS; i++) {
      all[i] = i;
    }
    assertThat(texts(reader, all)).hasSize(ROWS).contains("post 1234");
    int[] allButOne = java.util.Arrays.copyOfRange(all, 1, ROWS);
    assertThat(texts(reader, allButOne))
        .startsWith("post 1")
        .endsWith("post 8999")
        .hasSize(ROWS - 1);
  }

  @Test
  void manyThreadsReadAtOnce() throws Exception {
    RowReader reader = new RowReader(TableName.POSTS, store());
    try (ExecutorService threads = Executors.newFixedThreadPool(8)) {
      List<Future<List<String>>> all = new ArrayList<>();
      for (int i = 0; i < 2_000; i++) {
        int row = i;
        all.add(threads.submit(() -> texts(reader, row)));
      }
      for (int i = 0; i < all.size(); i++) {
        assertThat(all.get(i).get()).containsExactly("post " + i);
      }
    }
  }

  @Test
  void readsOnlyTheColumnsAskedFor() throws Exception {
    GenericRecord row = new RowReader(TableName.POSTS, store()).read(new int[] {7}, COLUMNS).get(0);
    assertThat(row.getSchema().getFields()).hasSize(3);
    assertThat(row.get("text")).hasToString("post 7");
  }

  @Test
  void knowsAFileWhoseRowsCannotBeFoundByNumber() throws Exception {
    ArchiveFile file = store();
    Path small = fixture.folder().resolve("groups.parquet");
    try (var connection = fixture.duckDb().connect();
        var statement = connection.createStatement()) {
      statement.execute(
          "COPY (SELECT * FROM "
              + DuckDb.from(List.of(file))
              + ") TO "
              + DuckDb.literal(small.toString())
              + " (FORMAT parquet, ROW_GROUP_SIZE 2048)");
    }
    RowReader reader =
        new RowReader(
            TableName.POSTS,
            new ArchiveFile(small, file.date(), ROWS, Files.size(small), file.range()));
    assertThat(reader.canSeek()).as("DuckDB writes no index of pages").isFalse();
  }

  @Test
  void saysThatARowIsNotThere() throws Exception {
    RowReader reader = new RowReader(TableName.POSTS, store());
    assertThatThrownBy(() -> reader.read(new int[] {1, ROWS}, COLUMNS))
        .isInstanceOf(DamagedFile.class)
        .hasMessageContaining("no row 9000");
  }

  @Test
  void saysThatAFileIsDamaged() throws Exception {
    ArchiveFile file = store();
    RowReader reader = new RowReader(TableName.POSTS, file);
    byte[] bytes = Files.readAllBytes(file.path());
    java.util.Arrays.fill(bytes, 4, bytes.length / 2, (byte) 7);
    Files.write(file.path(), bytes);
    assertThatThrownBy(() -> reader.read(new int[] {1}, COLUMNS)).isInstanceOf(DamagedFile.class);
    Files.write(file.path(), new byte[100]);
    assertThatThrownBy(() -> new RowReader(TableName.POSTS, file))
        .isInstanceOf(DamagedFile.class)
        .hasMessageContaining(file.path().getFileName().toString());
  }

  /** Every choice of rows: where pages begin and end must make no difference. */
  @Test
  void readsAnyChoiceOfRows() throws Exception {
    RowReader reader = new RowReader(TableName.POSTS, store());
    java.util.Random random = new java.util.Random(7);
    for (int choice = 0; choice < 200; choice++) {
      int[] rows =
          random
              .ints(1 + random.nextInt(choice < 190 ? 6 : 2_000), 0, ROWS)
              .distinct()
              .sorted()
              .toArray();
      assertThat(texts(reader, rows))
          .containsExactlyElementsOf(
              java.util.Arrays.stream(rows).mapToObj(row -> "post " + row).toList());
    }
  }

  private static List<String> texts(RowReader reader, int... rows) {
    return reader.read(rows, COLUMNS).stream().map(row -> row.get("text").toString()).toList();
  }
}
