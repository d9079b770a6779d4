package routes.search;

import static java.util.Objects.requireNonNull;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.avro.Schema;
import routes.archive.Archive;
import routes.archive.ArchiveFile;
import routes.archive.Packing;
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

  private static final ObjectMapper JSON = new ObjectMapper();

  private final Archive archive;
  private final Path scores;
  private final Path temporary;
  private final Limits limits;
  private final Semaphore running;

  /**
   * What a query may take.
   *
   * @param timeout how long it may take, waiting for others included
   * @param memoryBytes of its DuckDB
   * @param threads of its DuckDB
   * @param maxRows rows of an answer, at most; the rest is cut off
   * @param maxConcurrent queries that may run at once
   */
  public record Limits(
      Duration timeout, long memoryBytes, int threads, int maxRows, int maxConcurrent) {

    public Limits {
      requireNonNull(timeout, "timeout");
    }
  }

  /** The query cannot be answered, for a reason that is its own. */
  public static final class Refused extends RuntimeException {

    private static final long serialVersionUID = 1;

    Refused(String message) {
      super(message);
    }
  }

  /** How values are written. */
  public enum Form {
    /** As JSON. */
    JSON,
    /** As DuckDB writes them. */
    TEXT,
    /** Rows and columns together, as a stream of Arrow IPC. */
    ARROW
  }

  /**
   * A column of an answer.
   *
   * @param type as DuckDB calls it
   */
  public record Column(String name, String type) {}

  /** Takes an answer part by part: the columns and each row, or the bytes of a stream. */
  public interface Reader {

    default void columns(List<Column> columns) throws IOException {
      throw new IllegalStateException("no columns were asked for");
    }

    /**
     * @param values in the order of the columns; null for none
     */
    default void row(List<String> values) throws IOException {
      throw new IllegalStateException("no rows were asked for");
    }

    /** The next bytes, where the form is {@link Form#ARROW}. */
    default void bytes(byte[] part) throws IOException {
      throw new IllegalStateException("no bytes were asked for");
    }

    /**
     * @param cut whether there are more rows
     */
    void end(boolean cut) throws IOException;
  }

  /**
   * @param scores folder of the tables of scores
   * @param temporary folder for what a process needs while it runs
   */
  public SqlQueries(Archive archive, Path scores, Path temporary, Limits limits) {
    this.archive = requireNonNull(archive, "archive");
    this.scores = requireNonNull(scores, "scores");
    this.temporary = requireNonNull(temporary, "temporary");
    this.limits = requireNonNull(limits, "limits");
    this.running = new Semaphore(limits.maxConcurrent, true);
  }

  /**
   * Answers a query.
   *
   * @return whether there are more rows than an answer may have
   * @throws Refused when it is no single query that only reads, is wrong, or needs too much
   * @throws QueryTimeout when it takes too long
   * @throws TooManyQueries when there is no room
   */
  public boolean answer(String sql, Form form, Reader reader) throws IOException {
    Deadline deadline = new Deadline(limits.timeout);
    String query = requireOne(sql);
    enter();
    try (SqlProcess process = SqlProcess.start(temporary, limits.memoryBytes)) {
      process.ask(request(query, form));
      return read(process, deadline, reader);
    } finally {
      running.release();
    }
  }

  /** Its own limits hold as well: it should rather say what it lacks than be ended. */
  private SqlWorker.Request request(String query, Form form) {
    String folded = query.toLowerCase(Locale.ROOT);
    List<String> allowed = new ArrayList<>();
    List<String> views = new ArrayList<>();
    for (TableName table : TableName.values()) {
      if (folded.contains(table.label())) {
        List<ArchiveFile> files = archive.snapshot(table).files();
        files.forEach(file -> allowed.add(file.path().toString()));
        views.add(view(table, files));
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
    return new SqlWorker.Request(
        query, form, allowed, views, limits.memoryBytes + "B", limits.threads, limits.maxRows);
  }

  private static boolean read(SqlProcess process, Deadline deadline, Reader reader)
      throws IOException {
    while (true) {
      String line = process.line(deadline);
      JsonNode said = line == null ? JSON.nullNode() : JSON.readTree(line);
      if (said.has("row")) {
        List<String> values = new ArrayList<>();
        said.get("row").forEach(value -> values.add(value.isNull() ? null : value.textValue()));
        reader.row(values);
      } else if (said.has("bytes")) {
        reader.bytes(said.get("bytes").binaryValue());
      } else if (said.has("columns")) {
        List<Column> columns = new ArrayList<>();
        said.get("columns")
            .forEach(
                column ->
                    columns.add(
                        new Column(
                            column.get("name").textValue(), column.get("type").textValue())));
        reader.columns(columns);
      } else if (said.has("cut")) {
        boolean cut = said.get("cut").booleanValue();
        reader.end(cut);
        return cut;
      } else if (said.has("refused")) {
        throw new Refused(said.get("refused").textValue());
      } else {
        throw new Refused("it took more memory than it may have, and was ended");
      }
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
      throw new Refused("it has more than " + MAX_LENGTH + " characters");
    }
    String query = sql.strip();
    while (query.endsWith(";")) {
      query = query.substring(0, query.length() - 1).strip();
    }
    if (query.isEmpty() || query.indexOf('\0') >= 0) {
      throw new Refused("it is empty, or has a character 0");
    }
    return query;
  }

  private static String view(TableName table, List<ArchiveFile> files) {
    boolean records = table.schema().getField("collection") != null;
    String columns = records ? RECORD_URI : "*";
    String from =
        files.isEmpty()
            ? "(SELECT "
                + table.schema().getFields().stream()
                    .map(field -> "NULL::" + type(field.schema()) + " AS " + field.name())
                    .collect(Collectors.joining(", "))
                + " WHERE false)"
            : Packing.readable(table, files);
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
}
