package routes.archive;

import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Collectors;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericRecord;

/**
 * All rows of some files of a table, in the order of a compacted file and without the content that
 * is to go. DuckDB sorts them a stretch of time at once: what it holds of them does not grow with
 * their number.
 */
final class CompactionRows implements AutoCloseable {

  /** Rows that are sorted at once, about: those of a minute are not parted. */
  private static final long ROWS = 200_000;

  private static final long MINUTE_US = Duration.ofMinutes(1).toNanos() / 1000;

  /** Columns that may be empty and stay when the content goes: which record it was, and when. */
  private static final Set<String> STAYING =
      Set.of("collection", "rkey", "operation", "rev", "created_at");

  private final TableName table;
  private final Packing packing;
  private final Connection connection;
  private final Statement statement;
  private final KeptRows going;
  private final String select;
  private final Path sorted;
  private final Deque<String> stretches;
  private TableReader reader;

  private CompactionRows(
      TableName table,
      Connection connection,
      Statement statement,
      KeptRows going,
      String select,
      Deque<String> stretches,
      Path sorted) {
    this.table = requireNonNull(table, "table");
    this.packing = Packing.of(table);
    this.connection = connection;
    this.statement = statement;
    this.going = going;
    this.select = select;
    this.stretches = stretches;
    this.sorted = sorted;
  }

  /**
   * Finds out how the time is divided.
   *
   * @param files of this table, at least one
   * @param going the rows whose content goes: {@link ContentToGo#selects}; null for a table of
   *     which none does
   * @param folder for temporary files
   */
  static CompactionRows open(
      DuckDb duckDb, TableName table, List<ArchiveFile> files, KeptRows going, Path folder)
      throws IOException, SQLException {
    return open(duckDb, table, files, going, folder, ROWS);
  }

  /**
   * @param atOnce rows that are sorted at once, about
   */
  static CompactionRows open(
      DuckDb duckDb,
      TableName table,
      List<ArchiveFile> files,
      KeptRows going,
      Path folder,
      long atOnce)
      throws IOException, SQLException {
    Path sorted = Files.createDirectories(folder).resolve("sorted-" + UUID.randomUUID() + ".tmp");
    Connection connection = duckDb.connect();
    Statement statement = null;
    try {
      statement = connection.createStatement();
      String from = DuckDb.fromAny(files);
      String rows = Packing.packable(table, files);
      String select = "SELECT * FROM " + rows + " event";
      if (going != null) {
        String content =
            content(table, files, statement).stream()
                .map(column -> "CASE WHEN goes THEN NULL ELSE " + column + " END AS " + column)
                .collect(Collectors.joining(", "));
        select =
            "SELECT * EXCLUDE (goes) REPLACE ("
                + content
                + ") FROM (SELECT event.*, going.did IS NOT NULL AND operation <> 'delete' AS goes FROM "
                + rows
                + " event LEFT JOIN going ON going.did = event.did AND going.rkey = event.rkey"
                + " AND going.collection = event.collection AND going.rev = event.rev) event";
      }
      return new CompactionRows(
          table,
          connection,
          statement,
          going,
          select,
          stretches(table, from, atOnce, statement),
          sorted);
    } catch (SQLException | RuntimeException e) {
      close(statement, connection);
      throw e;
    }
  }

  /** The column that the rows of a table are in order of. */
  static String time(TableName table) {
    return table == TableName.POSTS ? "sort_at" : "time_us";
  }

  private static String order(TableName table) {
    return switch (table) {
      case POSTS -> "sort_at DESC, did, rkey, rev";
      case DEAD_LETTERS, LEDGER -> "time_us";
      default -> "time_us, did, collection, rkey";
    };
  }

  /** Conditions that part the rows by time, in the order of the file. */
  private static Deque<String> stretches(
      TableName table, String from, long atOnce, Statement statement) throws SQLException {
    List<Long> starts = new ArrayList<>();
    String time = time(table);
    try (ResultSet minutes =
        statement.executeQuery(
            "SELECT epoch_us("
                + time
                + ") // "
                + MINUTE_US
                + " AS minute, count(*) FROM "
                + from
                + " GROUP BY minute ORDER BY minute")) {
      long rows = 0;
      while (minutes.next()) {
        if (rows >= atOnce) {
          starts.add(minutes.getLong(1) * MINUTE_US);
          rows = 0;
        }
        rows += minutes.getLong(2);
      }
    }
    Deque<String> stretches = new ArrayDeque<>();
    for (int i = 0; i <= starts.size(); i++) {
      List<String> bounds = new ArrayList<>();
      if (i > 0) {
        bounds.add(time + " >= make_timestamptz(" + starts.get(i - 1) + ")");
      }
      if (i < starts.size()) {
        bounds.add(time + " < make_timestamptz(" + starts.get(i) + ")");
      }
      String stretch = bounds.isEmpty() ? "true" : String.join(" AND ", bounds);
      if (table == TableName.POSTS) {
        stretches.addFirst(stretch);
      } else {
        stretches.addLast(stretch);
      }
    }
    return stretches;
  }

  /** The columns that hold what a record says: of those that the files have. */
  private static List<String> content(TableName name, List<ArchiveFile> files, Statement statement)
      throws SQLException {
    List<String> columns = new ArrayList<>();
    try (ResultSet result =
        statement.executeQuery("DESCRIBE SELECT * FROM " + DuckDb.fromAny(files))) {
      while (result.next()) {
        columns.add(result.getString("column_name"));
      }
    }
    return name.schema().getFields().stream()
        .filter(field -> field.schema().getType() == Schema.Type.UNION)
        .map(Schema.Field::name)
        .filter(column -> !STAYING.contains(column) && columns.contains(column))
        .toList();
  }

  /** The next row; null behind the last. */
  GenericRecord next() throws IOException {
    while (true) {
      GenericRecord row = reader == null ? null : reader.next();
      if (row != null) {
        if (packing != null) {
          packing.pack(row);
        }
        return row;
      }
      closeReader();
      if (stretches.isEmpty()) {
        return null;
      }
      try {
        String stretch = stretches.poll();
        statement.execute(
            "COPY ("
                + (going == null
                    ? ""
                    : "WITH going AS (SELECT DISTINCT did, collection, rkey, rev FROM "
                        + going.from()
                        + " WHERE "
                        + stretch
                        + ") ")
                + select
                + " WHERE "
                + stretch
                + " ORDER BY "
                + order(table)
                + ") TO "
                + DuckDb.literal(sorted.toString())
                + " (FORMAT parquet, COMPRESSION lz4_raw)");
      } catch (SQLException e) {
        throw new IOException("rows cannot be sorted: " + e.getMessage(), e);
      }
      reader = new TableReader(table, sorted);
    }
  }

  private void closeReader() throws IOException {
    if (reader != null) {
      reader.close();
      reader = null;
    }
  }

  private static void close(Statement statement, Connection connection) throws SQLException {
    try (connection;
        statement) {}
  }

  @Override
  public void close() throws IOException, SQLException {
    try {
      closeReader();
    } finally {
      Files.deleteIfExists(sorted);
      close(statement, connection);
    }
  }
}
