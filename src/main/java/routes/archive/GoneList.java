package routes.archive;

import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.sql.SQLException;
import java.util.List;
import java.util.Optional;

/**
 * The accounts that are gone, as they are when they are first asked for: found out once, and kept
 * until it is closed. To find out costs as much as there are events of accounts. Who is gone, or is
 * back, after that is left to the next time.
 */
final class GoneList implements AutoCloseable {

  private final Archive archive;
  private final DuckDb duckDb;
  private KeptRows accounts;

  GoneList(Archive archive, DuckDb duckDb) {
    this.archive = requireNonNull(archive, "archive");
    this.duckDb = requireNonNull(duckDb, "duckDb");
  }

  /** Each as {@code did}; empty when nothing was heard of any account. */
  Optional<KeptRows> accounts() throws IOException, SQLException {
    if (accounts == null) {
      List<ArchiveFile> actors = archive.snapshot(TableName.ACTORS).files();
      if (actors.isEmpty()) {
        return Optional.empty();
      }
      accounts =
          KeptRows.of(duckDb, archive, TableName.ACTORS, List.of(GoneAccounts.select(actors)));
    }
    return Optional.of(accounts);
  }

  @Override
  public void close() throws IOException {
    if (accounts != null) {
      accounts.close();
    }
  }
}
