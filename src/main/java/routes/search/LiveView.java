package routes.search;

import java.util.List;
import java.util.Map;

/**
 * What is archived, and what is received and not archived yet.
 *
 * @param archive as it was at one commit
 * @param indexed its files with an index, and which of their rows are no living posts, by what the
 *     tail says as well
 * @param tail posts that are in none of its files, newest first by {@code sort_at}
 */
record LiveView(ArchiveView archive, Map<PostFile, HiddenRows> indexed, List<TailPost> tail)
    implements AutoCloseable {

  /** The archive alone. */
  static LiveView of(ArchiveView archive) {
    return new LiveView(archive, archive.indexed(), List.of());
  }

  void hold() {
    archive.hold();
  }

  @Override
  public void close() {
    archive.close();
  }
}
