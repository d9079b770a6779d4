package routes.search;

import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What is archived, and what is received and not archived yet.
 *
 * @param archive as it was at one commit
 * @param tail posts that are in none of its files, newest first by {@code sort_at}
 * @param ended rows of its files that something in the tail has ended
 */
record LiveView(ArchiveView archive, List<PostRow> tail, Map<PostFile, Set<Integer>> ended)
    implements AutoCloseable {

  /** The archive alone. */
  static LiveView of(ArchiveView archive) {
    return new LiveView(archive, List.of(), Map.of());
  }

  void hold() {
    archive.hold();
  }

  @Override
  public void close() {
    archive.close();
  }
}
