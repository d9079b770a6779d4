package routes.search;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedWriter;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.OutputStreamWriter;
import java.io.Writer;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.stream.Collectors;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.arrow.vector.ipc.ArrowReader;
import org.apache.arrow.vector.ipc.ArrowStreamWriter;
import org.duckdb.DuckDBResultSet;
import routes.archive.Packing;

/**
 * Answers one SQL query and ends: the other side of {@link SqlProcess}. It reads a {@link Request}
 * as JSON, and writes JSON, a line each: the columns and the rows, or pieces of a stream; and
 * whether there are more; or why not.
 */
public final class SqlWorker {

  /** The argument with which the application becomes one. */
  public static final String ARGUMENT = "sql-worker";

  /** Characters of a line that it writes, at most. */
  static final int MAX_LINE = 4_000_000;

  private static final int PIECE_BYTES = 1 << 20;
  private static final int BATCH_ROWS = 2048;

  private static final ObjectMapper JSON = new ObjectMapper();

  private final Request request;
  private final Writer out;

  /**
   * A query.
   *
   * @param form how values are written
   * @param allowed files that may be read
   * @param views statements that make the tables
   * @param memory as DuckDB writes it
   * @param maxRows rows at most
   */
  record Request(
      String query,
      SqlQueries.Form form,
      List<String> allowed,
      List<String> views,
      String memory,
      int threads,
      int maxRows) {}

  /** It is no query that only reads. */
  private static final class NoQuery extends Exception {

    private static final long serialVersionUID = 1;

    NoQuery(String message) {
      super(message);
    }
  }

  private SqlWorker(Request request, Writer out) {
    this.request = request;
    this.out = out;
  }

  /** What starts one, behind {@code java} and its options. */
  static List<String> command() {
    String classPath = System.getProperty("java.class.path");
    boolean packed =
        SqlWorker.class.getResource("SqlWorker.class").toString().startsWith("jar:nested:");
    return packed
        ? List.of("-jar", java.nio.file.Path.of(classPath).toAbsolutePath().toString(), ARGUMENT)
        : List.of("-cp", absolute(classPath), "routes.Explorer", ARGUMENT);
  }

  private static String absolute(String classPath) {
    return Arrays.stream(classPath.split(java.io.File.pathSeparator))
        .map(entry -> java.nio.file.Path.of(entry).toAbsolutePath().toString())
        .collect(Collectors.joining(java.io.File.pathSeparator));
  }

  /** Answers what is asked. */
  public static void run(InputStream in, OutputStream out) throws IOException {
    Request request = JSON.readValue(in.readAllBytes(), Request.class);
    try (Writer writer = new BufferedWriter(new OutputStreamWriter(out, UTF_8), 64 << 10)) {
      SqlWorker worker = new SqlWorker(request, writer);
      try {
        worker.answer();
      } catch (SQLException | NoQuery e) {
        writer.write(JSON.writeValueAsString(Map.of("refused", reason(e))) + "\n");
      }
    }
  }

  private void say(Map<String, ?> what) throws IOException, NoQuery {
    String line = JSON.writeValueAsString(what);
    if (line.length() > MAX_LINE) {
      throw new NoQuery("a row of the answer has more than " + MAX_LINE + " characters");
    }
    out.write(line);
    out.write('\n');
  }

  private void answer() throws SQLException, NoQuery, IOException {
    Properties properties = new Properties();
    properties.setProperty("jdbc_stream_results", "true");
    properties.setProperty("memory_limit", request.memory);
    properties.setProperty("threads", Integer.toString(request.threads));
    properties.setProperty("temp_directory", "");
    properties.setProperty("autoinstall_known_extensions", "false");
    properties.setProperty("autoload_known_extensions", "false");
    properties.setProperty("allow_community_extensions", "false");
    try (Connection connection = DriverManager.getConnection("jdbc:duckdb:", properties)) {
      requireReading(connection);
      Packing.register(connection);
      prepare(connection);
      // The line break ends a comment that the query may end with.
      String from = " FROM (" + request.query + "\n)";
      if (request.form == SqlQueries.Form.ARROW) {
        stream(connection, from);
      } else {
        say(Map.of("columns", columns(connection, from)));
        rows(connection, from);
      }
    }
  }

  /** DuckDB's own parser tells what it is: it can write as JSON what only reads. */
  private void requireReading(Connection connection) throws SQLException, NoQuery {
    try (PreparedStatement statement =
        connection.prepareStatement(
            "SELECT json_extract_string(parsed, '$.error_message'),"
                + " json_array_length(parsed, '$.statements')"
                + " FROM (SELECT json_serialize_sql(CAST(? AS VARCHAR)) AS parsed)")) {
      statement.setString(1, request.query);
      try (ResultSet parsed = statement.executeQuery()) {
        parsed.next();
        if (parsed.getString(1) != null) {
          throw new NoQuery(parsed.getString(1));
        }
        if (parsed.getInt(2) != 1) {
          throw new NoQuery("it is not one statement but " + parsed.getInt(2));
        }
      }
    }
  }

  private void prepare(Connection connection) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute("SET TimeZone = 'UTC'");
      statement.execute(
          "SET allowed_paths = ["
              + request.allowed.stream().map(SqlQueries::literal).collect(Collectors.joining(", "))
              + "]");
      for (String view : request.views) {
        statement.execute(view);
      }
      statement.execute("SET enable_external_access = false");
      statement.execute("SET lock_configuration = true");
    }
  }

  private static List<Map<String, String>> columns(Connection connection, String from)
      throws SQLException {
    List<Map<String, String>> columns = new ArrayList<>();
    try (Statement statement = connection.createStatement();
        ResultSet described = statement.executeQuery("DESCRIBE SELECT *" + from)) {
      while (described.next()) {
        columns.add(Map.of("name", described.getString(1), "type", described.getString(2)));
      }
    }
    return columns;
  }

  private void rows(Connection connection, String from) throws SQLException, NoQuery, IOException {
    String values =
        request.form == SqlQueries.Form.JSON
            ? "CAST(to_json(COLUMNS(*)) AS VARCHAR)"
            : "CAST(COLUMNS(*) AS VARCHAR)";
    try (Statement statement = connection.createStatement();
        ResultSet rows = statement.executeQuery("SELECT " + values + from)) {
      int width = rows.getMetaData().getColumnCount();
      int count = 0;
      while (count < request.maxRows && rows.next()) {
        List<String> row = new ArrayList<>(width);
        for (int i = 1; i <= width; i++) {
          row.add(rows.getString(i));
        }
        say(Map.of("row", row));
        count++;
      }
      say(Map.of("cut", count == request.maxRows && rows.next()));
    }
  }

  private void stream(Connection connection, String from)
      throws SQLException, NoQuery, IOException {
    ByteArrayOutputStream piece = new ByteArrayOutputStream();
    int count = 0;
    // One row more than there may be tells that there are more.
    String limit = " LIMIT " + (request.maxRows + 1L);
    try (BufferAllocator allocator = new RootAllocator();
        Statement statement = connection.createStatement();
        DuckDBResultSet rows =
            statement.executeQuery("SELECT *" + from + limit).unwrap(DuckDBResultSet.class);
        ArrowReader reader = (ArrowReader) rows.arrowExportStream(allocator, BATCH_ROWS)) {
      VectorSchemaRoot root = reader.getVectorSchemaRoot();
      try (ArrowStreamWriter writer = new ArrowStreamWriter(root, null, piece)) {
        while (reader.loadNextBatch()) {
          count += root.getRowCount();
          if (count > request.maxRows) {
            shorten(root, root.getRowCount() - 1);
          }
          writer.writeBatch();
          if (piece.size() >= PIECE_BYTES) {
            sayBytes(piece);
          }
        }
      }
    }
    sayBytes(piece);
    say(Map.of("cut", count > request.maxRows));
  }

  private static void shorten(VectorSchemaRoot root, int rows) {
    root.getFieldVectors().forEach(vector -> vector.setValueCount(rows));
    root.setRowCount(rows);
  }

  private void sayBytes(ByteArrayOutputStream all) throws IOException, NoQuery {
    byte[] bytes = all.toByteArray();
    all.reset();
    for (int at = 0; at < bytes.length; at += PIECE_BYTES) {
      byte[] piece = Arrays.copyOfRange(bytes, at, Math.min(bytes.length, at + PIECE_BYTES));
      say(Map.of("bytes", piece));
    }
  }

  /** DuckDB's first line: what follows shows the statement around the query. */
  private static String reason(Exception e) {
    String message = e.getMessage() == null ? e.toString() : e.getMessage();
    return message.split("\n", 2)[0];
  }
}
