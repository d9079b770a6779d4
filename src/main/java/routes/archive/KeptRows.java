package routes.archive;

import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.UUID;

/** What an SQL statement gave, in a temporary file beside a table's own until it is closed. */
final class KeptRows implements AutoCloseable {

  private final DuckDb duckDb;
  private final Path file;

  private KeptRows(DuckDb duckDb, Path file) {
    this.duckDb = requireNonNull(duckDb, "duckDb");
    this.file = requireNonNull(file, "file");
  }

  /**
   * @param select an SQL statement
   */
  static KeptRows of(DuckDb duckDb, Archive archive, TableName table, String select)
      throws IOException, SQLException {
    Path folder = archive.folder().resolve(table.label()).resolve("data");
    Path file = Files.createDirectories(folder).resolve("rows-" + UUID.randomUUID() + ".tmp");
    try (Connection connection = duckDb.connect();
        Statement statement = connection.createStatement()) {
      statement.execute(
          "COPY (" + select + ") TO " + DuckDb.literal(file.toString()) + " (FORMAT parquet)");
      return new KeptRows(duckDb, file);
    } catch (SQLException | RuntimeException e) {
      Files.deleteIfExists(file);
      throw e;
    }
  }

  /** As something to select from. */
  String from() {
    return "read_parquet(" + DuckDb.literal(file.toString()) + ")";
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
    Files.deleteIfExists(file);
  }
}
