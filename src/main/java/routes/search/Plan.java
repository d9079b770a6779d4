package routes.search;

import java.util.List;
import routes.archive.ArchiveFile;

/**
 * Where the answer to a query comes from.
 *
 * @param sources of posts, newest first
 * @param changes files in which a later deletion or edit of such a post may stand
 * @param actors files that tell handles, and accounts that are gone
 */
record Plan(List<Source> sources, List<ArchiveFile> changes, List<ArchiveFile> actors) {

  Plan {
    sources = List.copyOf(sources);
    changes = List.copyOf(changes);
    actors = List.copyOf(actors);
  }

  /** Nothing in the archive can match. */
  boolean isEmpty() {
    return sources.isEmpty();
  }
}
