package routes.archive;

import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/**
 * The accounts that are gone, as they are when they are first asked for: found out once, and kept
 * in a temporary file until it is closed. To find out costs as much as there are events of
 * accounts. Who is gone, or is back, after that is left to the next time.
 */
final class GoneList implements AutoCloseable {

  private final Archive archive;
  private final DuckDb duckDb;
  private Path file;

  GoneList(Archive archive, DuckDb duckDb) {
    this.archive = requireNonNull(archive, "archive");
    this.duckDb = requireNonNull(duckDb, "duckDb");
  }

  /** An SQL statement that gives them as {@code did}; empty when nothing was heard of any. */
  Optional<String> select() throws IOException, SQLException {
    if (file == null) {
      List<ArchiveFile> actors = archive.snapshot(TableName.ACTORS).files();
      if (actors.isEmpty()) {
        return Optional.empty();
      }
      Path folder = archive.folder().resolve(TableName.ACTORS.label()).resolve("data");
      Path made = Files.createDirectories(folder).resolve("gone-" + UUID.randomUUID() + ".tmp");
      try (Connection connection = duckDb.connect();
          Statement statement = connection.createStatement()) {
        statement.execute(
            "COPY ("
                + GoneAccounts.select(actors)
                + ") TO "
                + DuckDb.literal(made.toString())
                + " (FORMAT parquet)");
      } catch (SQLException e) {
        Files.deleteIfExists(made);
        throw e;
      }
      file = made;
    }
    return Optional.of("SELECT did FROM read_parquet(" + DuckDb.literal(file.toString()) + ")");
  }

  @Override
  public void close() throws IOException {
    if (file != null) {
      Files.deleteIfExists(file);
    }
  }
}
