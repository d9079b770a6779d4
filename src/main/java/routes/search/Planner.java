package routes.search;

import static java.util.Objects.requireNonNull;

import java.time.Instant;
import java.util.List;
import routes.archive.Archive;
import routes.archive.ArchiveFile;
import routes.archive.TableName;
import routes.archive.Times;

/** Chooses what has to be read for a query. */
final class Planner {

  private final Archive archive;

  Planner(Archive archive) {
    this.archive = requireNonNull(archive, "archive");
  }

  /** The plan for a query over the archive as it is now. */
  Plan plan(PostQuery query) {
    // sort_at is never later than time_us, so files that end before the time asked for hold nothing
    // of it, nor a change to it.
    List<ArchiveFile> files =
        archive.snapshot(TableName.POSTS).files().stream()
            .filter(file -> query.from().map(from -> reaches(file, from)).orElse(true))
            .toList();
    List<Source> sources = files.isEmpty() ? List.of() : List.of(new Source.Scan(files));
    return new Plan(sources, files, archive.snapshot(TableName.ACTORS).files());
  }

  private static boolean reaches(ArchiveFile file, Instant from) {
    return file.range().lastTimeUs() == null || file.range().lastTimeUs() >= Times.micros(from);
  }
}
