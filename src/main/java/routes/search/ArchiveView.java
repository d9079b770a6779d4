package routes.search;

import java.util.List;
import java.util.Map;
import routes.archive.ArchiveFile;
import routes.archive.TableSnapshot;

/**
 * The posts of the archive as they were at one commit, and the accounts as they were at another:
 * what a query is answered from, whatever is committed meanwhile.
 *
 * @param ledger tells how complete the posts are: of an earlier commit, or of the same
 * @param posts the table's files
 * @param actors the files that tell handles, and accounts that are gone
 * @param indexed files with an index, and which of their rows are no living posts
 * @param scanned files without one
 * @param gone the accounts that are deleted, or taken down
 */
record ArchiveView(
    TableSnapshot ledger,
    TableSnapshot posts,
    TableSnapshot actors,
    Map<PostFile, HiddenRows> indexed,
    List<ArchiveFile> scanned,
    Authors gone)
    implements AutoCloseable {

  /** What is needed to be answered from the same again. */
  Pin pin() {
    return new Pin(posts.id(), actors.id());
  }

  /** Keeps the files open until it is closed once more. */
  void hold() {
    indexed.keySet().forEach(PostFile::hold);
  }

  @Override
  public void close() {
    indexed.keySet().forEach(PostFile::close);
  }
}
