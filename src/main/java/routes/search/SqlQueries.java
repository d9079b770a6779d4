package routes.search;

import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Properties;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.avro.Schema;
import routes.archive.Archive;
import routes.archive.ArchiveFile;
import routes.archive.TableName;

/**
 * Answers one SQL query of a stranger, over the tables of the archive. Each has a DuckDB of its
 * own, in memory, that reads the live files of the tables asked for and the tables of scores, and
 * nothing else: no other file, no network, no extension, no setting.
 */
public final class SqlQueries {

  /** Characters of a query, at most. */
  public static final int MAX_LENGTH = 20_000;

  private static final String RECORD_URI =
      "'at://' || did || '/' || collection || '/' || rkey AS uri, *";
  private static final String SCORES = "scores_";

  private final Archive archive;
  private final Path scores;
  private final Limits limits;
  private final Semaphore running;

  /**
   * What a query may take.
   *
   * @param timeout how long it may take, waiting for others included
   * @param memory of its DuckDB, such as {@code 256MB}
   * @param threads of its DuckDB
   * @param maxRows rows of an answer, at most; the rest is cut off
   * @param maxConcurrent queries that may run at once
   */
  public record Limits(
      Duration timeout, String memory, int threads, int maxRows, int maxConcurrent) {

    public Limits {
      requireNonNull(timeout, "timeout");
      requireNonNull(memory, "memory");
    }
  }

  /** The query cannot be answered, for a reason that is its own. */
  public static final class Refused extends RuntimeException {

    private static final long serialVersionUID = 1;

    Refused(String message, Throwable cause) {
      super(message, cause);
    }
  }

  /** How values are written. */
  public enum Form {
    /** As JSON. */
    JSON("CAST(to_json(COLUMNS(*)) AS VARCHAR)"),
    /** As DuckDB writes them. */
    TEXT("CAST(COLUMNS(*) AS VARCHAR)");

    private final String select;

    Form(String select) {
      this.select = select;
    }
  }

  /**
   * A column of an answer.
   *
   * @param type as DuckDB calls it
   */
  public record Column(String name, String type) {}

  /** Takes an answer, row by row. */
  public interface Reader {

    void columns(List<Column> columns) throws IOException;

    /**
     * @param values in the order of the columns; null for none
     */
    void row(List<String> values) throws IOException;

    /**
     * @param cut whether there are more rows
     */
    void end(boolean cut) throws IOException;
  }

  /**
   * @param scores folder of the tables of scores
   */
  public SqlQueries(Archive archive, Path scores, Limits limits) {
    this.archive = requireNonNull(archive, "archive");
    this.scores = requireNonNull(scores, "scores");
    this.limits = requireNonNull(limits, "limits");
    this.running = new Semaphore(limits.maxConcurrent, true);
  }

  /**
   * Answers a query.
   *
   * @throws Refused when it is no single query that only reads, is wrong, or needs too much
   * @throws QueryTimeout when it takes too long
   * @throws TooManyQueries when there is no room
   */
  public void answer(String sql, Form form, Reader reader) throws IOException {
    Deadline deadline = new Deadline(limits.timeout);
    String query = requireOne(sql);
    enter();
    try (Connection connection = open(query);
        Cancelling cancelling = new Cancelling(deadline)) {
      reader.columns(columns(connection, query, cancelling));
      read(connection, query, form, reader, cancelling);
    } catch (SQLException e) {
      throw deadline.isPast() ? deadline.timeout(e) : new Refused(reason(e), e);
    } finally {
      running.release();
    }
  }

  private void enter() {
    try {
      if (!running.tryAcquire(limits.timeout.toMillis(), TimeUnit.MILLISECONDS)) {
        throw new TooManyQueries();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new TooManyQueries();
    }
  }

  /** Without the semicolon behind it, which is no part of it. */
  private static String requireOne(String sql) {
    if (sql.length() > MAX_LENGTH) {
      throw new Refused("it has more than " + MAX_LENGTH + " characters", null);
    }
    String query = sql.strip();
    while (query.endsWith(";")) {
      query = query.substring(0, query.length() - 1).strip();
    }
    if (query.isEmpty() || query.indexOf('\0') >= 0) {
      throw new Refused("it is empty, or has a character 0", null);
    }
    return query;
  }

  private Connection open(String query) throws SQLException {
    Properties properties = new Properties();
    properties.setProperty("jdbc_stream_results", "true");
    properties.setProperty("memory_limit", limits.memory);
    properties.setProperty("threads", Integer.toString(limits.threads));
    properties.setProperty("temp_directory", "");
    properties.setProperty("autoinstall_known_extensions", "false");
    properties.setProperty("autoload_known_extensions", "false");
    properties.setProperty("allow_community_extensions", "false");
    Connection connection = DriverManager.getConnection("jdbc:duckdb:", properties);
    try {
      requireReading(connection, query);
      prepare(connection, query);
      return connection;
    } catch (SQLException | RuntimeException e) {
      connection.close();
      throw e;
    }
  }

  /** DuckDB's own parser tells what it is: it can write as JSON what only reads. */
  private static void requireReading(Connection connection, String query) throws SQLException {
    try (PreparedStatement statement =
        connection.prepareStatement(
            "SELECT json_extract_string(parsed, '$.error_message'),"
                + " json_array_length(parsed, '$.statements')"
                + " FROM (SELECT json_serialize_sql(CAST(? AS VARCHAR)) AS parsed)")) {
      statement.setString(1, query);
      try (ResultSet parsed = statement.executeQuery()) {
        parsed.next();
        String error = parsed.getString(1);
        if (error != null) {
          throw new Refused(error, null);
        }
        if (parsed.getInt(2) != 1) {
          throw new Refused("it is not one statement but " + parsed.getInt(2), null);
        }
      }
    }
  }

  private void prepare(Connection connection, String query) throws SQLException {
    String folded = query.toLowerCase(Locale.ROOT);
    List<String> allowed = new ArrayList<>();
    List<String> views = new ArrayList<>();
    for (TableName table : TableName.values()) {
      if (folded.contains(table.label())) {
        List<String> paths =
            archive.snapshot(table).files().stream()
                .map(ArchiveFile::path)
                .map(Path::toString)
                .toList();
        allowed.addAll(paths);
        views.add(view(table, paths));
      }
    }
    for (Path file : folded.contains(SCORES) ? scoreFiles() : List.<Path>of()) {
      allowed.add(file.toString());
      views.add(
          "CREATE VIEW "
              + SCORES
              + scoreName(file)
              + " AS SELECT * FROM read_parquet("
              + literal(file.toString())
              + ")");
    }
    try (Statement statement = connection.createStatement()) {
      statement.execute("SET TimeZone = 'UTC'");
      statement.execute(
          "SET allowed_paths = ["
              + allowed.stream().map(SqlQueries::literal).collect(Collectors.joining(", "))
              + "]");
      for (String view : views) {
        statement.execute(view);
      }
      statement.execute("SET enable_external_access = false");
      statement.execute("SET lock_configuration = true");
    }
  }

  private static String view(TableName table, List<String> paths) {
    boolean records = table.schema().getField("collection") != null;
    String columns = records ? RECORD_URI : "*";
    String from =
        paths.isEmpty()
            ? "(SELECT "
                + table.schema().getFields().stream()
                    .map(field -> "NULL::" + type(field.schema()) + " AS " + field.name())
                    .collect(Collectors.joining(", "))
                + " WHERE false)"
            : "read_parquet(["
                + paths.stream().map(SqlQueries::literal).collect(Collectors.joining(", "))
                + "], hive_partitioning = false, union_by_name = true)";
    return "CREATE VIEW " + table.label() + " AS SELECT " + columns + " FROM " + from;
  }

  /** As a table without files has it. */
  private static String type(Schema schema) {
    if (schema.getType() == Schema.Type.UNION) {
      return type(schema.getTypes().get(1));
    }
    if (schema.getLogicalType() != null) {
      return "TIMESTAMPTZ";
    }
    return switch (schema.getType()) {
      case LONG -> "BIGINT";
      case INT -> "INTEGER";
      case BOOLEAN -> "BOOLEAN";
      case BYTES -> "BLOB";
      case ARRAY -> "VARCHAR[]";
      default -> "VARCHAR";
    };
  }

  private List<Path> scoreFiles() {
    if (!Files.isDirectory(scores)) {
      return List.of();
    }
    try (Stream<Path> files = Files.list(scores)) {
      return files.filter(file -> file.toString().endsWith(".parquet")).sorted().toList();
    } catch (IOException e) {
      throw new UncheckedIOException("the tables of scores cannot be listed", e);
    }
  }

  private static String scoreName(Path file) {
    return file.getFileName().toString().replaceFirst("\\.parquet$", "");
  }

  static String literal(String text) {
    return "'" + text.replace("'", "''") + "'";
  }

  private static List<Column> columns(Connection connection, String query, Cancelling cancelling)
      throws SQLException {
    List<Column> columns = new ArrayList<>();
    try (Statement statement = connection.createStatement()) {
      cancelling.watch(statement);
      try (ResultSet described =
          statement.executeQuery("DESCRIBE SELECT * FROM (" + query + "\n)")) {
        while (described.next()) {
          columns.add(new Column(described.getString(1), described.getString(2)));
        }
      }
    }
    return columns;
  }

  private void read(
      Connection connection, String query, Form form, Reader reader, Cancelling cancelling)
      throws SQLException, IOException {
    try (Statement statement = connection.createStatement()) {
      cancelling.watch(statement);
      // The line break ends a comment that the query may end with.
      try (ResultSet rows =
          statement.executeQuery("SELECT " + form.select + " FROM (" + query + "\n)")) {
        int width = rows.getMetaData().getColumnCount();
        int count = 0;
        while (count < limits.maxRows && rows.next()) {
          List<String> values = new ArrayList<>(width);
          for (int i = 1; i <= width; i++) {
            values.add(rows.getString(i));
          }
          reader.row(values);
          count++;
        }
        reader.end(count == limits.maxRows && rows.next());
      }
    }
  }

  /** DuckDB's first line: what follows shows the statement around the query. */
  private static String reason(SQLException e) {
    String message = e.getMessage() == null ? e.toString() : e.getMessage();
    return message.split("\n", 2)[0];
  }
}
