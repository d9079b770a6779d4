package routes.search;

import static java.util.Objects.requireNonNull;

import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import routes.archive.Archive;
import routes.archive.ArchivePosition;
import routes.archive.DuckDb;
import routes.archive.TableName;
import routes.archive.TableSnapshot;
import routes.archive.Times;
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
  private final Semaphore streaming;
  private final Semaphore watching;
  private final Accounts accounts;
  private final String started = UUID.randomUUID().toString();
  private final AtomicLong engagementRead = new AtomicLong();

  /** How much longer than a query the first post of a stream may take. */
  private static final int STREAM_TIMEOUTS = 10;

  /**
   * What may be taken.
   *
   * @param maxTail events not archived yet that are held in memory, at most
   * @param timeout how long one query may take, waiting for others included
   * @param maxConcurrent queries that may run at once
   * @param maxStreams {@link #stream streams} that may be open at once
   * @param maxWatches {@link #watch watches} that may be open at once
   */
  public record Limits(
      int maxTail, Duration timeout, int maxConcurrent, int maxStreams, int maxWatches) {

    public Limits {
      requireNonNull(timeout, "timeout");
    }
  }

  /**
   * @param stream the buffer, for what is not archived yet
   */
  public PostSearch(
      Archive archive, DuckDb duckDb, PostIndexes indexes, BlockStream stream, Limits limits) {
    this.archive = requireNonNull(archive, "archive");
    this.duckDb = requireNonNull(duckDb, "duckDb");
    this.views = new ArchiveViews(archive, duckDb, indexes, limits.timeout);
    this.tail = new HotTail(stream, views, limits.maxTail);
    this.histories = new PostHistories(duckDb, stream);
    this.timeout = limits.timeout;
    this.running = new Semaphore(limits.maxConcurrent, true);
    this.streaming = new Semaphore(limits.maxStreams);
    this.watching = new Semaphore(limits.maxWatches);
    this.accounts = new Accounts(duckDb);
  }

  /**
   * Whether queries are answered without waiting until the archive is open for them. If not, it is
   * opened behind whoever asks: of an archive that was never asked, that takes a while.
   */
  public boolean isPrepared() {
    return views.isPrepared();
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
      List<Post> posts = withHandles(matches.mostEngaged(offset, limit), Long.MAX_VALUE);
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
      List<Post> posts = withHandles(matches.take(limit), timeOf(query, view));
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
   * closed by the caller. It takes no room from queries: who reads it may be slow.
   *
   * @param sample only so many of them, by chance; empty for all
   * @param offset posts to leave out at the beginning
   * @param limit posts at most; {@link Integer#MAX_VALUE} for all
   */
  public PostStream stream(PostQuery query, Optional<PostSample> sample, int offset, int limit) {
    if (!streaming.tryAcquire()) {
      throw new TooManyQueries("as many exports are under way as may be at once");
    }
    Deadline deadline = new Deadline(timeout.multipliedBy(STREAM_TIMEOUTS));
    LiveView view = null;
    PostStream stream;
    try {
      view = view(query);
      LiveView held = view;
      long at = timeOf(query, view);
      long most = limit == Integer.MAX_VALUE ? -1 : (long) offset + limit;
      Matches matches = chosen(view, query, sample, most, deadline);
      stream =
          new PostStream(
              matches,
              limit,
              deadline,
              posts -> withHandles(posts, at),
              () -> {
                held.close();
                streaming.release();
              });
    } catch (RuntimeException e) {
      if (view != null) {
        view.close();
      }
      streaming.release();
      throw e;
    }
    try {
      stream.skip(offset);
      return stream;
    } catch (RuntimeException e) {
      stream.close();
      throw e;
    }
  }

  private Matches chosen(
      LiveView view, PostQuery query, Optional<PostSample> sample, long limit, Deadline deadline) {
    if (sample.isEmpty()) {
      return new Matches(duckDb, view, query, limit, deadline);
    }
    SampleChoice choice;
    try (Matches all = new Matches(duckDb, view, query, -1, deadline)) {
      choice = all.sample(sample.get());
    }
    Matches matches = new Matches(duckDb, view, query, -1, deadline);
    matches.choose(choice);
    return matches;
  }

  /** How many posts a {@link #stream} without an offset has: counted, and never an estimate. */
  public long size(PostQuery query, Optional<PostSample> sample) {
    Deadline deadline = enter();
    try (LiveView view = view(query)) {
      long size = size(view, query, deadline);
      return sample.map(asked -> Math.min(size, asked.size())).orElse(size);
    } finally {
      running.release();
    }
  }

  private long size(LiveView view, PostQuery query, Deadline deadline) {
    try (Matches counted = new Matches(duckDb, view, query, 0, deadline)) {
      Count count = counted.count();
      if (count.exact()) {
        return count.posts();
      }
    }
    try (Matches each = new Matches(duckDb, view, query, -1, deadline)) {
      return each.skip(Integer.MAX_VALUE);
    }
  }

  /** How many posts there are; an estimate where they would have to be looked at. */
  public Count count(PostQuery query) {
    Deadline deadline = enter();
    try (LiveView view = view(query);
        Matches matches = new Matches(duckDb, view, query, 0, deadline)) {
      return matches.count();
    } finally {
      running.release();
    }
  }

  /**
   * What tells how complete the answer is: a ledger that knows nothing which a query that follows
   * is not answered from.
   *
   * @param query empty when nothing is searched for
   */
  public TableSnapshot ledger(Optional<PostQuery> query) {
    try (LiveView view = query.map(this::view).orElseGet(() -> LiveView.of(views.newest()))) {
      return view.archive().ledger();
    }
  }

  /** The newest commits. */
  public Pin newest() {
    try (ArchiveView view = views.newest()) {
      return view.pin();
    }
  }

  /**
   * Of what answers are made from: another one after each commit, whenever something was received,
   * and in each process.
   */
  public String version() {
    return started
        + " "
        + tail.version()
        + " "
        + archive.snapshot(TableName.POSTS).id()
        + " "
        + archive.snapshot(TableName.ACTORS).id()
        + " "
        + archive.snapshot(TableName.LEDGER).id()
        + " "
        + engagementRead.get();
  }

  /** Up to when handles are looked at: as long as a commit is asked, those of later are not. */
  private static long timeOf(PostQuery query, LiveView view) {
    return query
        .pin()
        .flatMap(pin -> view.archive().actors().position())
        .map(ArchivePosition::timeUs)
        .orElse(Long.MAX_VALUE);
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

  /** What the archive knows of an account; empty when there is nothing of it. */
  public Optional<Account> account(String did) {
    Deadline deadline = enter();
    PostQuery theirs =
        new PostQuery(new PostFilter.Author(did), Optional.empty(), Optional.empty());
    try (LiveView view = view(theirs);
        Matches matches = new Matches(duckDb, view, theirs, 0, deadline)) {
      return accounts.find(
          view.archive().actors(), views.handles(), did, matches.count().posts(), deadline);
    } finally {
      running.release();
    }
  }

  /** Posts that the query finds, as they are received from now on. To be closed by the caller. */
  public PostWatch watch(PostQuery query) {
    if (!watching.tryAcquire()) {
      throw new TooManyQueries("as many streams are open as may be at once");
    }
    AtomicBoolean open = new AtomicBoolean(true);
    return tail.watch(
        query,
        post -> post.withHandle(handlesOf(List.of(post.did())).get(post.did())),
        () -> {
          if (open.getAndSet(false)) {
            watching.release();
          }
        });
  }

  /** Ends all {@link #watch watches}, so that nobody waits for posts that do not come. */
  public void endWatches() {
    tail.endWatches();
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

  /**
   * The DID that had a handle at a time, by what the archive knows.
   *
   * @param at a moment; empty for now
   */
  public Optional<String> didOf(String handle, Optional<Instant> at) {
    views.newest().close();
    return views.handles().didOf(handle, at.map(Times::micros).orElse(Long.MAX_VALUE));
  }

  /** Reads what the next query needs: called at the news of a commit, so that no query waits. */
  public void prepare() {
    try {
      views.newest().close();
      views.readEngagement();
      engagementRead.incrementAndGet();
    } catch (TooManyQueries e) {
      LOG.debug("Somebody else prepares the archive for queries", e);
    }
  }

  /**
   * @param at microseconds since 1970
   */
  private List<Post> withHandles(List<Post> posts, long at) {
    Map<String, String> handles =
        views.handles().handlesOf(posts.stream().map(Post::did).toList(), at);
    return posts.stream().map(post -> post.withHandle(handles.get(post.did()))).toList();
  }

  /** The last known handles of accounts, as far as the archive has any. */
  public Map<String, String> handlesOf(Collection<String> dids) {
    return views.handles().handlesOf(dids, Long.MAX_VALUE);
  }

  @Override
  public void close() {
    tail.close();
    views.close();
  }
}
