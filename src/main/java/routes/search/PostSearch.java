package routes.search;

import static java.util.Objects.requireNonNull;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Collectors;
import routes.archive.Archive;
import routes.archive.ArchiveFile;
import routes.archive.DuckDb;
import routes.archive.TableName;
import routes.archive.Times;

/** Answers queries over posts from the archive. */
public final class PostSearch implements AutoCloseable {

  private static final long CANCEL_AGAIN_MILLIS = 20;

  private final Archive archive;
  private final Planner planner;
  private final DuckDb duckDb;
  private final Duration timeout;
  private final Semaphore running;
  private final ScheduledExecutorService deadlines =
      Executors.newSingleThreadScheduledExecutor(
          Thread.ofPlatform().daemon().name("query-deadlines").factory());

  /**
   * @param timeout how long one query may take, waiting for others included
   * @param maxConcurrent how many may run at once
   */
  public PostSearch(Archive archive, DuckDb duckDb, Duration timeout, int maxConcurrent) {
    this.archive = requireNonNull(archive, "archive");
    this.planner = new Planner(archive);
    this.duckDb = requireNonNull(duckDb, "duckDb");
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
    Plan plan = planner.plan(query);
    if (plan.isEmpty()) {
      return new PostPage(List.of(), 0);
    }
    List<Post> posts = new ArrayList<>();
    long total = 0;
    try (PostStream stream = run(query, plan, offset, limit)) {
      while (stream.next()) {
        posts.add(stream.post());
        total = stream.total();
      }
    }
    // Behind the last post there is no row that could tell the number.
    return posts.isEmpty() && offset > 0
        ? new PostPage(posts, page(query, 0, 1).total())
        : new PostPage(posts, total);
  }

  /**
   * The posts found, newest first, one after the other, without holding them in memory. To be
   * closed by the caller.
   *
   * @param limit posts at most; {@link Integer#MAX_VALUE} for all
   */
  public PostStream stream(PostQuery query, int limit) {
    Plan plan = planner.plan(query);
    return plan.isEmpty() ? PostStream.EMPTY : run(query, plan, 0, limit);
  }

  /** The DID that a handle belonged to last, by what the archive knows. */
  public Optional<String> didOf(String handle) {
    List<ArchiveFile> actors = archive.snapshot(TableName.ACTORS).files();
    if (actors.isEmpty()) {
      return Optional.empty();
    }
    String sql =
        "SELECT did FROM "
            + DuckDb.from(actors)
            + " WHERE kind = 'identity' AND lower(handle) = ? ORDER BY coalesce(event_time, time_us) DESC LIMIT 1";
    try (Connection connection = duckDb.connect();
        PreparedStatement statement = connection.prepareStatement(sql)) {
      statement.setString(1, handle.toLowerCase(Locale.ROOT));
      try (ResultSet result = statement.executeQuery()) {
        return result.next() ? Optional.of(result.getString(1)) : Optional.empty();
      }
    } catch (SQLException e) {
      throw new IllegalStateException("the handle could not be looked up: " + e.getMessage(), e);
    }
  }

  /**
   * Reads the lists of files that the next query needs: called at the news of a commit, so that no
   * query has to wait for it.
   */
  public void prepare() {
    archive.snapshot(TableName.POSTS);
    archive.snapshot(TableName.ACTORS);
  }

  private PostStream run(PostQuery query, Plan plan, int offset, int limit) {
    long start = System.nanoTime();
    try {
      if (!running.tryAcquire(timeout.toMillis(), TimeUnit.MILLISECONDS)) {
        throw new TooManyQueries();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new TooManyQueries();
    }
    Connection connection = null;
    PreparedStatement statement = null;
    AtomicBoolean late = new AtomicBoolean();
    ScheduledFuture<?> deadline = null;
    try {
      List<Object> values = new ArrayList<>();
      connection = duckDb.connect();
      statement = connection.prepareStatement(sql(query, plan, offset, limit, values));
      for (int i = 0; i < values.size(); i++) {
        statement.setObject(i + 1, values.get(i));
      }
      PreparedStatement toCancel = statement;
      long left =
          Math.max(
              1, timeout.toMillis() - TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start));
      // Again and again: a statement that has not begun yet does not feel it.
      deadline =
          deadlines.scheduleWithFixedDelay(
              () -> cancel(toCancel, late), left, CANCEL_AGAIN_MILLIS, TimeUnit.MILLISECONDS);
      ResultSet result = statement.executeQuery();
      deadline.cancel(false);
      if (System.nanoTime() - start >= timeout.toNanos()) {
        late.set(true);
        throw new SQLException("the answer came too late");
      }
      return new PostStream(connection, statement, result, running::release);
    } catch (SQLException e) {
      if (deadline != null) {
        deadline.cancel(false);
      }
      PostStream.close(connection, statement);
      running.release();
      throw late.get()
          ? new QueryTimeout(timeout, e)
          : new IllegalStateException("the query failed: " + e.getMessage(), e);
    }
  }

  private static void cancel(PreparedStatement statement, AtomicBoolean late) {
    late.set(true);
    try {
      statement.cancel();
    } catch (SQLException e) {
      throw new IllegalStateException("a query could not be ended", e);
    }
  }

  private static String sql(
      PostQuery query, Plan plan, int offset, int limit, List<Object> values) {
    List<String> conditions = new ArrayList<>(List.of("operation <> 'delete'"));
    query.from().ifPresent(from -> conditions.add("epoch_us(sort_at) >= " + Times.micros(from)));
    query.to().ifPresent(to -> conditions.add("epoch_us(sort_at) < " + Times.micros(to)));
    query
        .did()
        .ifPresent(
            did -> {
              conditions.add("did = ?");
              values.add(did);
            });
    query
        .text()
        .map(TextMatch::condition)
        .ifPresent(
            condition -> {
              conditions.add(condition.sql());
              values.addAll(condition.values());
            });
    String found =
        plan.sources().stream()
            .map(
                source ->
                    "SELECT did, rkey, rev, sort_at, text FROM "
                        + source.relation()
                        + " WHERE "
                        + String.join(" AND ", conditions))
            .collect(Collectors.joining(" UNION ALL "));
    String later =
        "SELECT did, rkey, max(rev) AS rev FROM "
            + DuckDb.from(plan.changes())
            + " WHERE operation <> 'create' GROUP BY did, rkey";
    boolean actors = !plan.actors().isEmpty();
    return "WITH found AS ("
        + found
        + "), later AS ("
        + later
        + ")"
        + (actors ? ", " + actors(plan) : "")
        + " SELECT 'at://' || found.did || '/app.bsky.feed.post/' || found.rkey, epoch_us(found.sort_at), found.did, "
        + (actors ? "handles.handle" : "NULL")
        + ", found.text, count(*) OVER ()"
        + " FROM found LEFT JOIN later ON later.did = found.did AND later.rkey = found.rkey AND later.rev > found.rev"
        + (actors
            ? " LEFT JOIN handles ON handles.did = found.did LEFT JOIN gone ON gone.did = found.did"
            : "")
        + " WHERE later.rev IS NULL"
        + (actors ? " AND gone.did IS NULL" : "")
        + " ORDER BY found.sort_at DESC, found.did, found.rkey LIMIT "
        + limit
        + " OFFSET "
        + offset;
  }

  private static String actors(Plan plan) {
    String from = " FROM " + DuckDb.from(plan.actors());
    String when = "coalesce(event_time, time_us)";
    return "handles AS (SELECT did, arg_max(handle, "
        + when
        + ") AS handle"
        + from
        + " WHERE kind = 'identity' AND handle IS NOT NULL AND handle <> 'handle.invalid' GROUP BY did), gone AS (SELECT did"
        + from
        + " WHERE kind = 'account' GROUP BY did HAVING arg_max(NOT active AND coalesce(status, '') = 'deleted', "
        + when
        + "))";
  }

  @Override
  public void close() {
    deadlines.shutdownNow();
  }
}
