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
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import routes.archive.ArchiveFile;
import routes.archive.ArchivePosition;
import routes.archive.GoneAccounts;
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

  /** Held while the next view is made. Queries have the one before meanwhile, which is whole. */
  private final ReentrantLock making = new ReentrantLock();

  private volatile LiveView current;

  /** How many views there were. */
  private volatile long version;

  private final Set<PostWatch> watches = ConcurrentHashMap.newKeySet();

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

  /** What the archive says of posts received. Looked up for the commit of the posts below. */
  private final Map<Received, PostFile.Saying> said = new HashMap<>();

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

  /**
   * The newest that is known, to be closed; empty as long as the buffer was never read. Behind a
   * commit one query makes the next; others have the one before meanwhile, which holds all that the
   * tail had then.
   */
  Optional<LiveView> newest() {
    if (!isNewest() && making.tryLock()) {
      try {
        if (!isNewest()) {
          make();
        }
      } finally {
        making.unlock();
      }
    }
    synchronized (this) {
      if (current == null) {
        return Optional.empty();
      }
      current.hold();
      return Optional.of(current);
    }
  }

  /** Another one after each commit that is known of, and whenever something was received. */
  long version() {
    return version;
  }

  private boolean isNewest() {
    LiveView known = current;
    return known == null || views.isNewest(known.archive());
  }

  /** From now on, it is told what is received, until it is closed. */
  PostWatch watch(PostQuery query, UnaryOperator<Post> finish, Runnable atEnd) {
    PostWatch watch =
        new PostWatch(
            query,
            finish,
            closed -> {
              watches.remove(closed);
              atEnd.run();
            });
    watches.add(watch);
    return watch;
  }

  /** Ends all watches: who reads them has come to the end. */
  void endWatches() {
    watches.forEach(PostWatch::end);
  }

  /** Reads what has come since the last time. */
  void refresh() {
    making.lock();
    try {
      make();
    } finally {
      making.unlock();
    }
  }

  private void make() {
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
      synchronized (this) {
        LiveView before = current;
        current = next;
        version++;
        if (before != null) {
          before.close();
        }
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
      PostRow post = PostRow.of(row.values());
      add(new Received(entry, post, null));
      if (!post.isDelete()) {
        watches.forEach(watch -> watch.received(post));
      }
    } else if (row.table() == TableName.ACTORS && GoneAccounts.says(row.values())) {
      // One that comes back is seen when that is archived: posts are rather hidden too long.
      add(new Received(entry, null, row.values().get("did").toString()));
    }
  }

  private void add(Received event) {
    received.add(event);
    unchecked.add(event);
  }

  private LiveView put(ArchiveView view) throws IOException {
    boolean sameFiles = current != null && current.archive() == view;
    check(view);
    Map<PostFile, HiddenRows> indexed =
        sameFiles
            ? hidden(view, unchecked, current.indexed())
            : hidden(view, received, view.indexed());
    unchecked.clear();
    return new LiveView(view, indexed, tail(view));
  }

  private List<TailPost> tail(ArchiveView view) {
    Map<String, String> updates = new HashMap<>();
    Map<String, String> deletions = new HashMap<>();
    Set<String> gone = new HashSet<>();
    for (Received event : received) {
      if (event.post == null) {
        gone.add(event.account);
      } else if (event.post.isChange()) {
        (event.post.isDelete() ? deletions : updates)
            .merge(
                key(event.post),
                event.post.rev(),
                (one, two) -> one.compareTo(two) > 0 ? one : two);
      }
    }
    Map<String, TailPost> posts = new HashMap<>();
    for (Received event : received) {
      PostRow post = event.post;
      PostFile.Saying saying = said.getOrDefault(event, PostFile.Saying.NOTHING);
      if (post != null
          && !post.isDelete()
          && saying != PostFile.Saying.KNOWN
          && updates.getOrDefault(key(post), "").compareTo(post.rev()) <= 0) {
        boolean deleted =
            saying == PostFile.Saying.DELETED
                || deletions.getOrDefault(key(post), "").compareTo(post.rev()) > 0
                || gone.contains(post.did())
                || view.gone().contains(post.did());
        posts.putIfAbsent(
            key(post) + " " + post.operation() + " " + post.rev(), new TailPost(post, deleted));
      }
    }
    List<TailPost> tail = new ArrayList<>(posts.values());
    tail.sort(Comparator.comparingLong((TailPost post) -> post.row().sortAt()).reversed());
    return List.copyOf(tail);
  }

  /** Looks whether posts are archived already: those that are new, all after another commit. */
  private void check(ArchiveView view) throws IOException {
    boolean all = checkedAt != view.posts().id();
    if (all) {
      said.clear();
    }
    for (Received event : all ? received : unchecked) {
      if (event.post != null) {
        PostFile.Saying saying = about(view, event.post);
        if (saying != PostFile.Saying.NOTHING) {
          said.put(event, saying);
        }
      }
    }
    checkedAt = view.posts().id();
  }

  private static Map<PostFile, HiddenRows> hidden(
      ArchiveView view, Collection<Received> events, Map<PostFile, HiddenRows> before)
      throws IOException {
    List<PostFile.Version> changes = new ArrayList<>();
    Set<String> gone = new HashSet<>();
    for (Received event : events) {
      if (event.post == null) {
        gone.add(event.account);
      } else if (event.post.isChange()) {
        changes.add(PostFile.Version.of(event.post));
      }
    }
    Map<PostFile, HiddenRows> hidden = new LinkedHashMap<>(before);
    for (PostFile file : view.indexed().keySet()) {
      EndedRows.Found found = file.endedBy(changes);
      found.rows().addAll(file.rowNumbersOf(gone));
      if (!found.rows().isEmpty()) {
        hidden.put(file, before.get(file).with(found));
      }
    }
    return hidden;
  }

  /** What the archive says of a version: if anything, it came late. */
  private static PostFile.Saying about(ArchiveView view, PostRow post) throws IOException {
    PostFile.Saying all = PostFile.Saying.NOTHING;
    for (PostFile file : view.indexed().keySet()) {
      ArchiveFile.Range range = file.file().range();
      if (range.lastRev() == null || range.lastRev().compareTo(post.rev()) >= 0) {
        PostFile.Saying saying = file.about(PostFile.Version.of(post));
        if (saying == PostFile.Saying.KNOWN) {
          return saying;
        }
        all = saying == PostFile.Saying.NOTHING ? all : saying;
      }
    }
    return all;
  }

  private static String key(PostRow post) {
    return PostTerms.key(post.did(), post.rkey());
  }

  @Override
  public void close() {
    making.lock();
    try {
      synchronized (this) {
        if (current != null) {
          current.close();
          current = null;
        }
      }
    } finally {
      making.unlock();
    }
  }
}
