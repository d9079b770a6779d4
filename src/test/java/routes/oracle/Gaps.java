package routes.oracle;

import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.Optional;
import routes.archive.Archive;
import routes.archive.Completeness;
import routes.archive.DuckDb;

/** Stretches that the ledger of an archive does not cover. */
final class Gaps {

  private Gaps() {}

  static int in(Path dataFolder, Archive archive) throws Exception {
    try (DuckDb duckDb = DuckDb.open(dataFolder.resolve("tmp"), "256MB", 2)) {
      return new Completeness(archive, duckDb, Duration.ofHours(36), Clock.systemUTC())
          .summary(Optional.empty(), Optional.empty())
          .gaps();
    }
  }
}
