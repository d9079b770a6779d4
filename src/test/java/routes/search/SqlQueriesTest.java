package routes.search;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static routes.fixtures.Frames.ALICE;
import static routes.fixtures.Frames.post;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.arrow.vector.ipc.ArrowStreamReader;
import org.apache.arrow.vector.types.pojo.Field;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import routes.archive.TableName;
import routes.fixtures.ArchiveFixture;
import routes.fixtures.Frames;
import routes.fixtures.RedisFixture;

class SqlQueriesTest {

  @RegisterExtension static final RedisFixture REDIS = new RedisFixture();

  private final ArchiveFixture fixture = new ArchiveFixture(REDIS.stream());
  private final Random random = new Random();
  private final Path scores = fixture.folder().resolve("scores");
  private final ScoreTables scoreTables = new ScoreTables(scores, 10_000);
  private final SqlQueries queries = queries(Duration.ofSeconds(20));

  private SqlQueries queries(Duration timeout) {
    return new SqlQueries(
        fixture.archive(),
        scores,
        fixture.folder().resolve("tmp"),
        new SqlQueries.Limits(timeout, 64 << 20, 1, 1_000, 2));
  }

  @BeforeEach
  void store() throws Exception {
    fixture.store(post(1, "volcano"), post(2, "glacier"), Frames.identity(ALICE, 3, "alice.test"));
  }

  @AfterEach
  void close() {
    fixture.close();
  }

  /** Holds an answer. */
  private static final class Collected implements SqlQueries.Reader {

    private List<SqlQueries.Column> columns;
    private final List<List<String>> rows = new ArrayList<>();
    private boolean cut;

    @Override
    public void columns(List<SqlQueries.Column> found) {
      columns = found;
    }

    @Override
    public void row(List<String> values) {
      rows.add(values);
    }

    @Override
    public void end(boolean more) {
      cut = more;
    }
  }

  private Collected ask(String sql) throws IOException {
    return ask(queries, sql, SqlQueries.Form.JSON);
  }

  private static Collected ask(SqlQueries asked, String sql, SqlQueries.Form form)
      throws IOException {
    Collected collected = new Collected();
    asked.answer(sql, form, collected);
    return collected;
  }

  @Test
  void answersOverTheTablesOfTheArchive() throws Exception {
    Collected posts = ask("SELECT text, uri FROM posts ORDER BY rev DESC -- the newest first");
    assertThat(posts.columns)
        .containsExactly(
            new SqlQueries.Column("text", "VARCHAR"), new SqlQueries.Column("uri", "VARCHAR"));
    assertThat(posts.rows)
        .containsExactly(
            List.of("\"glacier\"", quoted(uri(2))), List.of("\"volcano\"", quoted(uri(1))));
    assertThat(posts.cut).isFalse();
    assertThat(ask("SELECT handle FROM actors WHERE kind = 'identity'").rows)
        .containsExactly(List.of("\"alice.test\""));
    String every =
        Stream.of(TableName.values())
            .map(table -> "(SELECT count(*) FROM " + table.label() + ")")
            .collect(Collectors.joining(", "));
    assertThat(ask("SELECT " + every).columns)
        .as("those without a file as well")
        .hasSize(TableName.values().length);
  }

  private static String uri(long millis) {
    return "at://" + ALICE + "/app.bsky.feed.post/" + Frames.rkey(millis);
  }

  private static String quoted(String text) {
    return '"' + text + '"';
  }

  @Test
  void writesValuesOfAllKinds() throws Exception {
    String sql =
        "SELECT 1 AS a, 'x\"y' AS b, NULL AS c, [1, 2] AS d, {'k': 'v'} AS e, TIMESTAMP '2026-07-04 12:00:00' AS f,"
            + " 12345678901234567890123456789 AS g, true AS a";
    assertThat(ask(sql).rows.get(0).subList(0, 6))
        .containsExactly(
            "1", "\"x\\\"y\"", null, "[1,2]", "{\"k\":\"v\"}", "\"2026-07-04 12:00:00\"");
    assertThat(ask(queries, sql, SqlQueries.Form.TEXT).rows.get(0).subList(0, 4))
        .containsExactly("1", "x\"y", null, "[1, 2]");
  }

  @Test
  void keepsTheOrderAndCutsOffWhatIsTooMuch() throws Exception {
    Collected many = ask("SELECT i FROM range(5000) t(i) ORDER BY i DESC");
    assertThat(many.rows).hasSize(1_000);
    assertThat(many.rows.get(0)).containsExactly("4999");
    assertThat(many.rows.get(999)).containsExactly("4000");
    assertThat(many.cut).isTrue();
    assertThat(ask("SELECT i FROM range(1000) t(i)").cut).isFalse();
  }

  private byte[] arrow(String sql) throws IOException {
    ByteArrayOutputStream stream = new ByteArrayOutputStream();
    queries.answer(
        sql,
        SqlQueries.Form.ARROW,
        new SqlQueries.Reader() {
          @Override
          public void bytes(byte[] part) throws IOException {
            stream.write(part);
          }

          @Override
          public void end(boolean cut) {
            stream.write(cut ? 1 : 0);
          }
        });
    return stream.toByteArray();
  }

  /** Rows of a stream, each as Arrow writes them. */
  private static List<List<String>> rows(byte[] stream) throws IOException {
    List<List<String>> rows = new ArrayList<>();
    try (BufferAllocator allocator = new RootAllocator();
        ArrowStreamReader reader =
            new ArrowStreamReader(new ByteArrayInputStream(stream), allocator)) {
      VectorSchemaRoot root = reader.getVectorSchemaRoot();
      rows.add(root.getSchema().getFields().stream().map(Field::getName).toList());
      while (reader.loadNextBatch()) {
        for (int i = 0; i < root.getRowCount(); i++) {
          int at = i;
          rows.add(
              root.getFieldVectors().stream()
                  .map(vector -> String.valueOf(vector.getObject(at)))
                  .toList());
        }
      }
    }
    return rows;
  }

  @Test
  void answersAsArrow() throws Exception {
    byte[] posts = arrow("SELECT text, [1, 2] AS list, NULL AS none FROM posts ORDER BY rev");
    assertThat(rows(posts))
        .containsExactly(
            List.of("text", "list", "none"),
            List.of("volcano", "[1,2]", "null"),
            List.of("glacier", "[1,2]", "null"));
    assertThat(posts[posts.length - 1]).isZero();
    assertThat(rows(arrow("SELECT 1 AS a WHERE false"))).containsExactly(List.of("a"));
    byte[] many = arrow("SELECT i, repeat('x', 3000) AS x FROM range(5000) t(i) ORDER BY i DESC");
    assertThat(many.length).as("more than a piece of the stream").isGreaterThan(2 << 20);
    assertThat(many[many.length - 1]).as("it is cut").isEqualTo((byte) 1);
    assertThat(rows(many)).hasSize(1_001);
    assertThat(rows(many).get(1_000).get(0)).isEqualTo("4000");
    assertThatThrownBy(() -> arrow("SELECT nothing")).isInstanceOf(SqlQueries.Refused.class);
  }

  @Test
  void joinsScoresThatWereComputedElsewhere() throws Exception {
    String csv = "uri,score\n" + uri(1) + ",0.9\n" + uri(2) + ",0.1\n";
    ScoreTables.Stored stored = scoreTables.store("toxicity", bytes(csv));
    assertThat(stored.table()).isEqualTo("scores_toxicity");
    assertThat(stored.rows()).isEqualTo(2);
    assertThat(scoreTables.names()).containsExactly("toxicity");
    String join = "SELECT text FROM posts JOIN scores_toxicity USING (uri) WHERE score > 0.5";
    assertThat(ask(join).rows).containsExactly(List.of("\"volcano\""));
    scoreTables.store("toxicity", bytes("uri,score\n" + uri(2) + ",1\n"));
    assertThat(ask(join).rows).containsExactly(List.of("\"glacier\""));
    assertThat(scoreTables.remove("toxicity")).isTrue();
    assertThat(scoreTables.remove("toxicity")).isFalse();
    assertThatThrownBy(() -> ask(join)).isInstanceOf(SqlQueries.Refused.class);
  }

  @Test
  void refusesWhatIsNoTableOfScores() throws Exception {
    for (String name : List.of("", "X", "../x", "a/b", "a b", "x".repeat(42), "a;drop")) {
      assertThatThrownBy(() -> scoreTables.store(name, bytes("uri\nx\n")))
          .as(name)
          .isInstanceOf(ScoreTables.Refused.class);
    }
    assertThatThrownBy(() -> scoreTables.store("a", bytes("id,score\n1,2\n")))
        .hasMessageContaining("no column uri");
    assertThatThrownBy(() -> scoreTables.store("a", bytes("uri,x\n" + "a,1\n".repeat(5_000))))
        .hasMessageContaining("more than 10000 bytes");
    assertThatThrownBy(() -> scoreTables.store("a", bytes("")))
        .isInstanceOf(ScoreTables.Refused.class);
    assertThat(scoreTables.names()).isEmpty();
    try (Stream<Path> left = Files.list(scores)) {
      assertThat(left).as("nothing is left behind").isEmpty();
    }
  }

  private static ByteArrayInputStream bytes(String text) {
    return new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8));
  }

  static Stream<String> attempts() {
    return Stream.of(
        // files
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM read_blob('/etc/passwd')",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM read_csv_auto('/etc/passwd')",
        "SELECT * FROM read_json('/etc/passwd')",
        "SELECT * FROM read_ndjson_objects('/etc/passwd')",
        "SELECT * FROM read_parquet('/etc/passwd')",
        "SELECT * FROM parquet_metadata('/etc/passwd')",
        "SELECT * FROM parquet_schema('/etc/passwd')",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM \"/etc/passwd\"",
        "FROM '/etc/passwd'",
        "SELECT * FROM sniff_csv('/etc/passwd')",
        "SELECT * FROM glob('/etc/*')",
        "SELECT * FROM read_text('CATALOG')",
        "SELECT * FROM read_text('FOLDER/../../../../../../etc/passwd')",
        "SELECT * FROM read_text('file:///etc/passwd')",
        "SELECT * FROM read_text('/proc/self/environ')",
        "SELECT * FROM read_blob('/proc/self/mem')",
        "SELECT * FROM read_text(['/etc/passwd'])",
        "SELECT * FROM read_text('/etc/pass' || 'wd')",
        "SELECT * FROM query('SELECT * FROM read_text(''/etc/passwd'')')",
        "SELECT * FROM query_table('/etc/passwd')",
        "SELECT * FROM arrow_scan(1, 2, 3)",
        "SELECT getenv('PATH')",
        // network
        "SELECT * FROM read_csv('http://127.0.0.1:1/x.csv')",
        "SELECT * FROM read_parquet('https://example.org/x.parquet')",
        "SELECT * FROM read_parquet('s3://bucket/x.parquet')",
        "SELECT * FROM 'http://127.0.0.1:1/x.json'",
        "SELECT * FROM postgres_scan('host=127.0.0.1', 'public', 't')",
        "SELECT * FROM sqlite_scan('CATALOG', 'iceberg_tables')",
        "SELECT * FROM iceberg_scan('FOLDER')",
        "SELECT * FROM delta_scan('FOLDER')",
        // statements that are no questions
        "ATTACH '/tmp/x.db' AS x",
        "ATTACH ':memory:' AS x",
        "ATTACH 'CATALOG' AS x (TYPE sqlite)",
        "DETACH memory",
        "COPY posts TO '/tmp/x.csv'",
        "COPY (SELECT 1) TO '/tmp/x.parquet' (FORMAT parquet)",
        "COPY posts FROM '/etc/passwd'",
        "EXPORT DATABASE '/tmp/x'",
        "IMPORT DATABASE '/tmp/x'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "LOAD '/tmp/x.duckdb_extension'",
        "FORCE INSTALL json FROM 'http://127.0.0.1:1'",
        "PRAGMA database_list",
        "PRAGMA enable_profiling",
        "PRAGMA memory_limit='100GB'",
        "SET memory_limit = '100GB'",
        "SET enable_external_access = true",
        "SET lock_configuration = false",
        "RESET lock_configuration",
        "SET GLOBAL temp_directory = '/tmp'",
        "SET VARIABLE x = 1",
        "CALL pragma_version()",
        "CREATE TABLE x (a INT)",
        "CREATE OR REPLACE VIEW posts AS SELECT 1",
        "CREATE MACRO f() AS 1",
        "CREATE SECRET (TYPE s3)",
        "CREATE TEMP TABLE x AS SELECT 1",
        "INSERT INTO posts SELECT * FROM posts",
        "UPDATE posts SET text = ''",
        "DELETE FROM posts",
        "DROP VIEW posts",
        "ALTER VIEW posts RENAME TO x",
        "BEGIN",
        "CHECKPOINT",
        "VACUUM",
        "PREPARE p AS SELECT 1",
        "EXECUTE p",
        "USE memory",
        "EXPLAIN ANALYZE COPY posts TO '/tmp/x'",
        "LOAD json; SELECT 1",
        // several statements, comments, Unicode
        "SELECT 1; SELECT 2",
        "SELECT 1; COPY posts TO '/tmp/x'",
        "SELECT 1) AS q; COPY (SELECT 1) TO '/tmp/x'; SELECT * FROM (SELECT 1",
        "SELECT 1\n) TO '/tmp/x'; --",
        "SELECT 1 /* ; */ ; SET memory_limit = '1TB' /*",
        "SELECT 1; -- \nATTACH '/tmp/x' AS x",
        "SELECT 1\u037e COPY posts TO '/tmp/x'",
        "SELECT\u00a01;\u00a0LOAD json",
        "\uff33\uff25\uff2c\uff25\uff23\uff34 1",
        "SELECT * FROM read_text(E'\\x2fetc/passwd')",
        "SELECT * FROM read_text(U&'\\002Fetc/passwd')",
        "SELECT * FROM read_text($$/etc/passwd$$)",
        "WITH x AS (DELETE FROM posts) SELECT * FROM x",
        "",
        "   ;;; ",
        "SELECT '\u0000'",
        "not SQL at all",
        "SELECT " + "(".repeat(5_000) + "1" + ")".repeat(5_000),
        "SELECT '" + "x".repeat(SqlQueries.MAX_LENGTH) + "'",
        // memory and time
        "SELECT length(repeat('x', 2000000000))",
        "SELECT repeat('x', 30000000)",
        "SELECT list(i) FROM range(1000000000) t(i)",
        "SELECT string_agg(i::VARCHAR, ',') FROM range(1000000000) t(i)",
        "SELECT length(lpad('', 2000000000, 'x'))",
        "SELECT len(range(2000000000))",
        "SELECT count(DISTINCT md5(i::VARCHAR)) FROM range(1000000000) t(i)",
        "SELECT * FROM range(200000000) a(i) ORDER BY hash(i)",
        "SELECT count(*) FROM range(1000000) a, range(1000000) b, range(1000000) c",
        "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t) SELECT count(*) FROM t",
        "WITH RECURSIVE t(n) AS (SELECT 'x' UNION ALL SELECT n || n FROM t) SELECT max(length(n)) FROM t",
        "SELECT list_reduce(range(100000000), lambda x, y: x + y)",
        "SELECT regexp_matches(repeat('a', 1000000000), '(a*)*b')",
        "SELECT histogram(i) FROM range(1000000000) t(i)");
  }

  /** One in so many, unless {@code -Dattempts=all}: each takes a process or two. */
  private static final int PART = 24;

  static Stream<String> tried() {
    List<String> all = attempts().toList();
    boolean each = "all".equals(System.getProperty("attempts"));
    return IntStream.range(0, all.size()).filter(i -> each || i % PART == 0).mapToObj(all::get);
  }

  /**
   * What cannot be allowed to succeed: nothing is read, nothing written, and the next is answered.
   */
  @ParameterizedTest
  @MethodSource("tried")
  void nobodyBreaksOut(String attempt) throws Exception {
    Path secret = Files.writeString(fixture.folder().resolve("secret.txt"), "a secret");
    String sql =
        attempt
            .replace("FOLDER", fixture.archive().folder().toString())
            .replace("CATALOG", secret.toString());
    assertThatThrownBy(() -> ask(queries(Duration.ofSeconds(3)), sql, SqlQueries.Form.JSON))
        .isInstanceOfAny(SqlQueries.Refused.class, QueryTimeout.class);
    assertThat(Path.of("/tmp/x")).doesNotExist();
    assertThat(Path.of("/tmp/x.csv")).doesNotExist();
    if (random.nextInt(4) == 0) {
      assertThat(ask("SELECT count(*) FROM posts").rows).containsExactly(List.of("2"));
    }
  }

  @Test
  void otherFilesOfTheArchiveCannotBeReadEither() throws Exception {
    Path live = fixture.archive().snapshot(TableName.POSTS).files().get(0).path();
    Path other = Files.copy(live, live.resolveSibling("other.parquet"));
    assertThat(ask("SELECT count(*) FROM read_parquet('" + live + "')").rows)
        .containsExactly(List.of("2"));
    assertThatThrownBy(() -> ask("SELECT * FROM read_parquet('" + other + "')"))
        .isInstanceOf(SqlQueries.Refused.class);
  }

  @Test
  void settingsTellNothingThatMatters() throws Exception {
    String all =
        ask("SELECT name, value FROM duckdb_settings() WHERE name IN ('temp_directory', 'home_directory', 'secret_directory', 'extension_directory')")
            .rows
            .toString();
    assertThat(all).doesNotContain(fixture.folder().toString());
  }
}
