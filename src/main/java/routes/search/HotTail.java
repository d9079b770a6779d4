package routes.search;

import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import org.apache.avro.generic.GenericRecord;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import routes.archive.ArchiveFile;
import routes.archive.ArchivePosition;
import routes.archive.TableName;
import routes.archive.UnarchivedRows;
import routes.buffer.BlockStream;
import routes.buffer.StoredBlock;
import routes.buffer.StreamId;

/**
 * What is received and not archived yet: read from the buffer, held in memory, and put together
 * with what is archived, so that nothing is missing or there twice when it moves from one to the
 * other. It holds a limited number of events; when a drain has been out for long, those that are
 * beyond it are found when they are archived.
 */
final class HotTail implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(HotTail.class);

  private static final int BLOCKS_AT_ONCE = 32;

  private final BlockStream stream;
  private final ArchiveViews views;
  private final int maxEvents;
  private final Deque<Received> received = new ArrayDeque<>();
  private StreamId read = StreamId.ZERO;
  private boolean reachable = true;
  private LiveView current;

  /** An event that was received: no two are the same one. */
  private static final class Received {

    private final StreamId entry;
    private final PostRow post;
    private final String account;

    /**
     * @param post a version or a deletion of a post; null for an account that is deleted
     * @param account the account that is deleted; null for a post
     */
    Received(StreamId entry, PostRow post, String account) {
      this.entry = entry;
      this.post = post;
      this.account = account;
    }
  }

  /** Posts that came once more: the archive has them. Known for the commit of the posts below. */
  private final Set<Received> known = new HashSet<>();

  private final Set<Received> unchecked = new LinkedHashSet<>();
  private long checkedAt;

  /**
   * @param maxEvents that are held, at most
   */
  HotTail(BlockStream stream, ArchiveViews views, int maxEvents) {
    this.stream = requireNonNull(stream, "stream");
    this.views = requireNonNull(views, "views");
    this.maxEvents = maxEvents;
  }

  /** The newest that is known, to be closed; empty as long as the buffer was never read. */
  Optional<LiveView> newest() {
    synchronized (this) {
      if (current != null && views.isNewest(current.archive())) {
        current.hold();
        return Optional.of(current);
      }
      if (current == null) {
        return Optional.empty();
      }
    }
    refresh();
    synchronized (this) {
      current.hold();
      return Optional.of(current);
    }
  }

  /** Reads what has come since the last time. */
  synchronized void refresh() {
    // The buffer first: what is archived and trimmed meanwhile is in the view then.
    boolean news = read();
    ArchiveView view = views.newest();
    if (!news && current != null && current.archive() == view) {
      view.close();
      return;
    }
    try {
      StreamId archived =
          view.posts().position().map(ArchivePosition::streamId).orElse(StreamId.ZERO);
      StreamId accounts =
          view.actors().position().map(ArchivePosition::streamId).orElse(StreamId.ZERO);
      Predicate<Received> isArchived =
          event -> !event.entry.isAfter(event.post == null ? accounts : archived);
      received.removeIf(isArchived);
      unchecked.removeIf(isArchived);
      LiveView next = put(view);
      LiveView before = current;
      current = next;
      if (before != null) {
        before.close();
      }
    } catch (IOException | RuntimeException e) {
      view.close();
      throw e instanceof RuntimeException failure
          ? failure
          : new IllegalStateException("the newest posts cannot be prepared: " + e, e);
    }
  }

  private boolean read() {
    boolean news = false;
    try {
      List<StoredBlock> blocks = stream.readAfter(read, BLOCKS_AT_ONCE);
      while (!blocks.isEmpty() && received.size() < maxEvents) {
        for (StoredBlock block : blocks) {
          UnarchivedRows.of(block).forEach(row -> receive(block.id(), row));
          read = block.id();
          news = true;
        }
        blocks = stream.readAfter(read, BLOCKS_AT_ONCE);
      }
      reachable = true;
    } catch (RuntimeException e) {
      if (reachable) {
        LOG.warn("The newest posts cannot be read from the buffer: {}", e.toString());
      }
      reachable = false;
    }
    return news;
  }

  private void receive(StreamId entry, UnarchivedRows.Row row) {
    if (row.table() == TableName.POSTS) {
      add(new Received(entry, PostRow.of(row.values()), null));
    } else if (row.table() == TableName.ACTORS && isDeleted(row.values())) {
      add(new Received(entry, null, row.values().get("did").toString()));
    }
  }

  private void add(Received event) {
    received.add(event);
    unchecked.add(event);
  }

  /** An account that comes back is seen when that is archived: posts are rather hidden too long. */
  private static boolean isDeleted(GenericRecord row) {
    return "account".equals(String.valueOf(row.get("kind")))
        && Boolean.FALSE.equals(row.get("active"))
        && "deleted".equals(String.valueOf(row.get("status")));
  }

  private LiveView put(ArchiveView view) throws IOException {
    boolean sameFiles = current != null && current.archive() == view;
    check(view);
    Map<String, String> changes = new HashMap<>();
    Set<String> gone = new HashSet<>(view.gone());
    for (Received event : received) {
      if (event.post == null) {
        gone.add(event.account);
      } else if (event.post.isChange()) {
        changes.merge(
            key(event.post), event.post.rev(), (one, two) -> one.compareTo(two) > 0 ? one : two);
      }
    }
    Map<String, PostRow> posts = new HashMap<>();
    for (Received event : received) {
      PostRow post = event.post;
      if (post != null
          && !post.isDelete()
          && !known.contains(event)
          && !gone.contains(post.did())
          && changes.getOrDefault(key(post), "").compareTo(post.rev()) <= 0) {
        posts.putIfAbsent(key(post) + " " + post.operation() + " " + post.rev(), post);
      }
    }
    List<PostRow> tail = new ArrayList<>(posts.values());
    tail.sort(Comparator.comparingLong(PostRow::sortAt).reversed());
    Map<PostFile, Set<Integer>> ended =
        sameFiles ? ended(view, unchecked, current.ended()) : ended(view, received, Map.of());
    unchecked.clear();
    return new LiveView(view, List.copyOf(tail), ended);
  }

  /** Looks whether posts are archived already: those that are new, all after another commit. */
  private void check(ArchiveView view) throws IOException {
    boolean all = checkedAt != view.posts().id();
    if (all) {
      known.clear();
    }
    for (Received event : all ? received : unchecked) {
      if (event.post != null && isKnown(view, event.post)) {
        known.add(event);
      }
    }
    checkedAt = view.posts().id();
  }

  private static Map<PostFile, Set<Integer>> ended(
      ArchiveView view, Collection<Received> events, Map<PostFile, Set<Integer>> before)
      throws IOException {
    List<PostFile.Version> changes = new ArrayList<>();
    Set<String> gone = new HashSet<>();
    for (Received event : events) {
      if (event.post == null) {
        gone.add(event.account);
      } else if (event.post.isChange()) {
        changes.add(version(event.post));
      }
    }
    Map<PostFile, Set<Integer>> ended = new HashMap<>(before);
    for (PostFile file : view.indexed().keySet()) {
      Set<Integer> rows = file.endedBy(changes);
      rows.addAll(file.rowNumbersOf(gone));
      if (!rows.isEmpty()) {
        rows.addAll(ended.getOrDefault(file, Set.of()));
        ended.put(file, rows);
      }
    }
    return ended;
  }

  /** Whether the archive has this version already, or one that ends it: then it came late. */
  private static boolean isKnown(ArchiveView view, PostRow post) throws IOException {
    for (PostFile file : view.indexed().keySet()) {
      ArchiveFile.Range range = file.file().range();
      if ((range.lastRev() == null || range.lastRev().compareTo(post.rev()) >= 0)
          && file.hasOrEnds(version(post))) {
        return true;
      }
    }
    return false;
  }

  private static PostFile.Version version(PostRow post) {
    return new PostFile.Version(post.did(), post.rkey(), post.rev());
  }

  private static String key(PostRow post) {
    return PostTerms.key(post.did(), post.rkey());
  }

  @Override
  public synchronized void close() {
    if (current != null) {
      current.close();
      current = null;
    }
  }
}
