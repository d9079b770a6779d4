package routes.search;

import static java.util.Objects.requireNonNull;

import java.time.Duration;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import routes.archive.Archive;
import routes.archive.DuckDb;
import routes.archive.TableName;
import routes.buffer.BlockStream;

/** Answers queries over posts from the archive. */
public final class PostSearch implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(PostSearch.class);

  private final Archive archive;
  private final ArchiveViews views;
  private final HotTail tail;
  private final PostHistories histories;
  private final DuckDb duckDb;
  private final Duration timeout;
  private final Semaphore running;

  /**
   * @param stream the buffer, for what is not archived yet
   * @param maxTail events of it that are held in memory, at most
   * @param timeout how long one query may take, waiting for others included
   * @param maxConcurrent how many may run at once
   */
  public PostSearch(
      Archive archive,
      DuckDb duckDb,
      PostIndexes indexes,
      BlockStream stream,
      int maxTail,
      Duration timeout,
      int maxConcurrent) {
    this.archive = requireNonNull(archive, "archive");
    this.duckDb = requireNonNull(duckDb, "duckDb");
    this.views = new ArchiveViews(archive, duckDb, indexes, timeout);
    this.tail = new HotTail(stream, views, maxTail);
    this.histories = new PostHistories(duckDb, stream);
    this.timeout = requireNonNull(timeout, "timeout");
    this.running = new Semaphore(maxConcurrent, true);
  }

  /**
   * A page of the posts found, newest first.
   *
   * @param offset posts to leave out at the beginning
   * @param limit posts at most
   */
  public PostPage page(PostQuery query, int offset, int limit) {
    return page(query, Optional.empty(), offset, limit);
  }

  /**
   * The page of the posts found that begins behind another one, newest first.
   *
   * @param after where that one ended
   * @param limit posts at most
   */
  public PostPage page(PostQuery query, PostCursor after, int limit) {
    return page(query, Optional.of(after), 0, limit);
  }

  private PostPage mostEngaged(PostQuery query, int offset, int limit) {
    Deadline deadline = enter();
    long start = System.nanoTime();
    try (LiveView view = view(query);
        Matches matches = new Matches(duckDb, view, query, 0, deadline)) {
      List<Post> posts = withHandles(matches.mostEngaged(offset, limit));
      long found = System.nanoTime();
      return page(view, matches, posts, matches.count(), null, start, found);
    } finally {
      running.release();
    }
  }

  private PostPage page(PostQuery query, Optional<PostCursor> after, int offset, int limit) {
    if (query.engaged().mostFirst().isPresent()) {
      return mostEngaged(query, offset, limit);
    }
    Deadline deadline = enter();
    long start = System.nanoTime();
    try (LiveView view = view(query);
        Matches matches =
            new Matches(duckDb, view, query, after, (long) offset + limit, deadline)) {
      int skipped = matches.skip(offset);
      List<Post> posts = withHandles(matches.take(limit));
      long found = System.nanoTime();
      long seen = after.map(PostCursor::seen).orElse((long) skipped) + posts.size();
      boolean counted = after.isEmpty() && matches.isAtEnd();
      Count count = counted ? Count.exactly(seen) : matches.count();
      return page(view, matches, posts, count, matches.next(seen).orElse(null), start, found);
    } finally {
      running.release();
    }
  }

  private static PostPage page(
      LiveView view,
      Matches matches,
      List<Post> posts,
      Count count,
      PostCursor next,
      long start,
      long found) {
    QueryCost cost = matches.cost();
    return new PostPage(
        posts,
        count.posts(),
        count.exact(),
        next,
        view.archive().pin(),
        new PostPage.Explanation(
            view.archive().posts().id(),
            view.archive().posts().files().size(),
            cost.indexes(),
            cost.filesScanned(),
            cost.rowsRead(),
            (found - start) / 1_000_000,
            (System.nanoTime() - found) / 1_000_000));
  }

  /**
   * How many posts there are by time.
   *
   * @throws PostVolume.TooMany when there are too many stretches of that length
   */
  public PostVolume volume(PostQuery query, PostVolume.Interval interval) {
    Deadline deadline = enter();
    try (LiveView view = view(query);
        Matches matches = new Matches(duckDb, view, query, 0, deadline)) {
      return matches.volume(interval);
    } finally {
      running.release();
    }
  }

  /**
   * How many posts there are by time, and of those that have each of the most frequent values.
   *
   * @param limit values at most
   * @throws PostVolume.TooMany when there are too many stretches of that length
   */
  public PostVolume.Split volume(
      PostQuery query, PostVolume.Interval interval, PostTop.Of by, int limit) {
    Deadline deadline = enter();
    try (LiveView view = view(query);
        Matches matches = new Matches(duckDb, view, query, 0, deadline)) {
      List<PostVolume.Series> series = new ArrayList<>();
      for (PostTop.Value value : matches.top(by, limit).values()) {
        PostQuery having = query.and(new PostFilter.CountedAs(by, value.value()));
        try (Matches those = new Matches(duckDb, view, having, 0, deadline)) {
          series.add(new PostVolume.Series(value.value(), those.volume(interval)));
        }
      }
      return new PostVolume.Split(matches.volume(interval), series);
    } finally {
      running.release();
    }
  }

  /**
   * What the posts have most often.
   *
   * @param limit values at most
   */
  public PostTop top(PostQuery query, PostTop.Of of, int limit) {
    Deadline deadline = enter();
    try (LiveView view = view(query);
        Matches matches = new Matches(duckDb, view, query, 0, deadline)) {
      return matches.top(of, limit);
    } finally {
      running.release();
    }
  }

  /**
   * The posts found, newest first, one after the other, without holding them in memory. To be
   * closed by the caller.
   *
   * @param limit posts at most; {@link Integer#MAX_VALUE} for all
   */
  public PostStream stream(PostQuery query, int limit) {
    Deadline deadline = enter();
    LiveView view = null;
    try {
      view = view(query);
      LiveView held = view;
      Matches matches =
          new Matches(duckDb, view, query, limit == Integer.MAX_VALUE ? -1 : limit, deadline);
      return new PostStream(
          matches,
          limit,
          deadline,
          this::withHandles,
          () -> {
            held.close();
            running.release();
          });
    } catch (RuntimeException e) {
      if (view != null) {
        view.close();
      }
      running.release();
      throw e;
    }
  }

  private LiveView view(PostQuery query) {
    if (query.pin().isPresent()) {
      return LiveView.of(views.at(query.pin().get()));
    }
    return tail.newest().orElseGet(() -> LiveView.of(views.newest()));
  }

  /** All that the archive has of a post; empty when there is nothing of it. */
  public Optional<PostHistory> history(String did, String rkey) {
    Deadline deadline = enter();
    try (ArchiveView view = views.newest()) {
      return histories
          .find(view, did, rkey, deadline)
          .map(found -> found.withHandle(handlesOf(List.of(did)).get(did)));
    } finally {
      running.release();
    }
  }

  /** Reads what was received since the last time, so that it is found. */
  public void readTail() {
    tail.refresh();
  }

  private Deadline enter() {
    Deadline deadline = new Deadline(timeout);
    try {
      if (!running.tryAcquire(timeout.toMillis(), TimeUnit.MILLISECONDS)) {
        throw new TooManyQueries();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new TooManyQueries();
    }
    return deadline;
  }

  /** The first date of which posts are kept; empty where none was ever removed. */
  public Optional<LocalDate> keptFrom() {
    return archive.keptFrom(TableName.POSTS);
  }

  /** The DID that a handle belonged to last, by what the archive knows. */
  public Optional<String> didOf(String handle) {
    views.newest().close();
    return views.handles().didOf(handle);
  }

  /** Reads what the next query needs: called at the news of a commit, so that no query waits. */
  public void prepare() {
    try {
      views.newest().close();
      views.readEngagement();
    } catch (TooManyQueries e) {
      LOG.debug("Somebody else prepares the archive for queries", e);
    }
  }

  private List<Post> withHandles(List<Post> posts) {
    Map<String, String> handles = handlesOf(posts.stream().map(Post::did).toList());
    return posts.stream().map(post -> post.withHandle(handles.get(post.did()))).toList();
  }

  /** The last known handles of accounts, as far as the archive has any. */
  public Map<String, String> handlesOf(Collection<String> dids) {
    return views.handles().handlesOf(dids);
  }

  @Override
  public void close() {
    tail.close();
    views.close();
  }
}
