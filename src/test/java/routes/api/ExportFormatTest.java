package routes.api;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;
import routes.search.Engagement;
import routes.search.Post;
import routes.search.PostRow;

class ExportFormatTest {

  private static final List<String> TEXTS =
      List.of(
          "plain",
          "",
          "comma, \"quotes\"\r\nand\nlines\r",
          "=HYPERLINK(\"http://evil.test\")",
          "+1",
          "-1",
          "@SUM(A1)",
          "\tx",
          "null",
          "火山 \ud83c\udf0b \u202e\u0301",
          "back\\slash 'quote'");

  @TempDir private Path folder;

  private static Post post(int number, String text) {
    Map<String, Object> columns = new HashMap<>();
    columns.put("did", "did:plc:x");
    columns.put("rkey", "k" + number);
    columns.put("rev", "r" + number);
    columns.put("sort_at", 1_783_175_888_001_234L + number);
    columns.put("time_us", 1_783_175_888_002_000L);
    columns.put("text", text);
    columns.put("langs", number % 2 == 0 ? List.of("en", "d\"e") : List.of());
    columns.put("media_count", number);
    return new Post(
        PostRow.of(columns::get),
        number % 2 == 0 ? "alice.test" : null,
        number % 3 == 0,
        number % 2 == 0 ? new Engagement(1, 2, 3, 4) : null);
  }

  private static byte[] write(ExportFormat format, List<PostColumn> columns, boolean safe)
      throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (PostWriter writer =
        format.writer(new ExportFormat.Layout(columns, safe, Map.of("explorer.pin", "1-2")), out)) {
      for (int i = 0; i < TEXTS.size(); i++) {
        writer.write(post(i, TEXTS.get(i)));
      }
    }
    return out.toByteArray();
  }

  private List<String> read(String sql) throws SQLException {
    List<String> values = new ArrayList<>();
    try (Connection connection = DriverManager.getConnection("jdbc:duckdb:");
        Statement statement = connection.createStatement();
        ResultSet result = statement.executeQuery(sql)) {
      while (result.next()) {
        values.add(result.getString(1));
      }
    }
    return values;
  }

  private Path file(String name, byte[] bytes) throws IOException {
    return Files.write(folder.resolve(name), bytes);
  }

  @Test
  void csvIsReadBackUnchanged() throws Exception {
    Path file = file("posts.csv", write(ExportFormat.CSV, PostColumn.ALL, false));
    String csv =
        "read_csv('" + file + "', all_varchar = true, header = true, allow_quoted_nulls = false)";
    assertThat(read("SELECT text FROM " + csv)).isEqualTo(TEXTS);
    assertThat(read("SELECT handle FROM " + csv).subList(0, 2)).containsExactly("alice.test", null);
    assertThat(read("SELECT langs FROM " + csv).subList(0, 2))
        .containsExactly("[\"en\",\"d\\\"e\"]", "[]");
    assertThat(read("SELECT sort_at FROM " + csv).get(0)).isEqualTo("2026-07-04T14:38:08.001234Z");
    assertThat(read("SELECT likes FROM " + csv).subList(0, 2)).containsExactly("1", null);
    String text = new String(Files.readAllBytes(file), UTF_8);
    assertThat(text).startsWith("\"uri\",\"sort_at\",\"did\",\"handle\",\"text\"");
  }

  @Test
  void csvIsReadBackUnchangedByPython() throws Exception {
    Path file = file("posts.csv", write(ExportFormat.CSV, List.of(PostColumn.TEXT_), false));
    Process python =
        new ProcessBuilder(
                "python3",
                "-c",
                "import csv,json,sys; print(json.dumps([r[0] for r in csv.reader(open(sys.argv[1], newline='', encoding='utf-8'))][1:]))",
                file.toString())
            .redirectErrorStream(true)
            .start();
    JsonNode read = new ObjectMapper().readTree(python.getInputStream().readAllBytes());
    assertThat(python.waitFor()).isZero();
    List<String> texts = new ArrayList<>();
    read.forEach(value -> texts.add(value.textValue()));
    assertThat(texts).isEqualTo(TEXTS);
  }

  @Test
  void noCellStartsAFormulaWhereThatIsNotWanted() throws Exception {
    Path file = file("safe.csv", write(ExportFormat.CSV, List.of(PostColumn.TEXT_), true));
    List<String> read =
        read(
            "SELECT text FROM read_csv('"
                + file
                + "', all_varchar = true, header = true, allow_quoted_nulls = false)");
    assertThat(read).noneMatch(text -> text.matches("(?s)[=+\\-@\\t\\r\\n].*"));
    assertThat(read).contains("'=HYPERLINK(\"http://evil.test\")", "'+1", "plain");
  }

  @Test
  void libreOfficeOpensItAndHasNoFormula() throws Exception {
    Path office = Path.of("/usr/bin/soffice");
    assumeTrue(Files.isExecutable(office), "there is no LibreOffice");
    Path file = file("safe.csv", write(ExportFormat.CSV, List.of(PostColumn.TEXT_), true));
    Process process =
        new ProcessBuilder(
                office.toString(),
                "-env:UserInstallation=" + folder.resolve("office").toUri(),
                "--headless",
                // Commas, double quotes, UTF-8, as it asks for when one opens a file by hand.
                "--infilter=CSV:44,34,76,1",
                "--convert-to",
                "fods",
                "--outdir",
                folder.toString(),
                file.toString())
            .redirectErrorStream(true)
            .redirectOutput(folder.resolve("office.log").toFile())
            .start();
    assertThat(process.waitFor()).isZero();
    Document document =
        DocumentBuilderFactory.newDefaultInstance()
            .newDocumentBuilder()
            .parse(folder.resolve("safe.fods").toFile());
    NodeList cells = document.getElementsByTagName("table:table-cell");
    List<String> texts = new ArrayList<>();
    for (int i = 0; i < cells.getLength(); i++) {
      Element cell = (Element) cells.item(i);
      assertThat(cell.hasAttribute("table:formula")).as(cell.getTextContent()).isFalse();
      if (!cell.getTextContent().isBlank()) {
        texts.add(cell.getTextContent().strip());
      }
    }
    assertThat(texts)
        .contains("text", "plain", "'=HYPERLINK(\"http://evil.test\")", "back\\slash 'quote'");
    assertThat(document.getElementsByTagName("table:table-row").getLength())
        .isGreaterThan(TEXTS.stream().filter(text -> !text.isEmpty()).toList().size());
  }

  @Test
  void ndjsonHasAnObjectALine() throws Exception {
    String[] lines =
        new String(write(ExportFormat.NDJSON, PostColumn.ALL, false), UTF_8).split("\n");
    assertThat(lines).hasSize(TEXTS.size());
    for (int i = 0; i < lines.length; i++) {
      JsonNode post = new ObjectMapper().readTree(lines[i]);
      assertThat(post.get("text").textValue()).isEqualTo(TEXTS.get(i));
      assertThat(post.has("handle")).isEqualTo(i % 2 == 0);
      assertThat(post.get("sort_at").textValue()).startsWith("2026-07-04T14:38:08.001");
      assertThat(post.has("langs")).as("nothing for an empty list").isEqualTo(i % 2 == 0);
    }
  }

  @Test
  void parquetHasTypesAndNotes() throws Exception {
    Path file = file("posts.parquet", write(ExportFormat.PARQUET, PostColumn.ALL, false));
    String parquet = "read_parquet('" + file + "')";
    assertThat(read("SELECT text FROM " + parquet)).isEqualTo(TEXTS);
    assertThat(
            read("SELECT typeof(sort_at) || typeof(langs) || typeof(likes) || typeof(deleted) FROM "
                    + parquet)
                .get(0))
        .isEqualTo("TIMESTAMP WITH TIME ZONEVARCHAR[]INTEGERBOOLEAN");
    assertThat(read("SELECT langs[2] FROM " + parquet).get(0)).isEqualTo("d\"e");
    assertThat(read("SELECT epoch_us(sort_at) FROM " + parquet).get(0))
        .isEqualTo("1783175888001234");
    assertThat(read("SELECT likes FROM " + parquet).subList(0, 2)).containsExactly("1", null);
    assertThat(
            read(
                "SELECT decode(value) FROM parquet_kv_metadata('"
                    + file
                    + "') WHERE decode(key) = 'explorer.pin'"))
        .containsExactly("1-2");
  }
}
