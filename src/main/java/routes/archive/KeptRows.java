package routes.archive;

import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.stream.Collectors;

/**
 * What SQL statements gave, in any order, in temporary files beside a table's own until it is
 * closed.
 */
final class KeptRows implements AutoCloseable {

  private final DuckDb duckDb;
  private final List<Path> files = new ArrayList<>();

  private KeptRows(DuckDb duckDb) {
    this.duckDb = requireNonNull(duckDb, "duckDb");
  }

  /**
   * @param selects SQL statements that give the same columns, at least one; one after the other, so
   *     that no more memory is needed than for one of them
   */
  static KeptRows of(DuckDb duckDb, Archive archive, TableName table, List<String> selects)
      throws IOException, SQLException {
    Path folder = Files.createDirectories(archive.folder().resolve(table.label()).resolve("data"));
    KeptRows kept = new KeptRows(duckDb);
    try (Connection connection = duckDb.connect();
        Statement statement = connection.createStatement()) {
      for (String select : selects) {
        Path file = folder.resolve("rows-" + UUID.randomUUID() + ".tmp");
        kept.files.add(file);
        statement.execute(
            "COPY ("
                + select
                + ") TO "
                + DuckDb.literal(file.toString())
                + " (FORMAT parquet, PRESERVE_ORDER false)");
      }
      return kept;
    } catch (SQLException | RuntimeException e) {
      kept.close();
      throw e;
    }
  }

  /** As something to select from. */
  String from() {
    return files.stream()
        .map(file -> DuckDb.literal(file.toString()))
        .collect(Collectors.joining(", ", "read_parquet([", "])"));
  }

  long count() throws SQLException {
    try (Connection connection = duckDb.connect();
        Statement statement = connection.createStatement();
        ResultSet result = statement.executeQuery("SELECT count(*) FROM " + from())) {
      result.next();
      return result.getLong(1);
    }
  }

  /**
   * Whether there is any such row.
   *
   * @param condition in SQL
   */
  boolean hasAny(String condition) throws SQLException {
    try (Connection connection = duckDb.connect();
        Statement statement = connection.createStatement();
        ResultSet result =
            statement.executeQuery(
                "SELECT 1 FROM " + from() + " WHERE " + condition + " LIMIT 1")) {
      return result.next();
    }
  }

  @Override
  public void close() throws IOException {
    for (Path file : files) {
      Files.deleteIfExists(file);
    }
  }
}
