package routes.search;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import routes.archive.ArchiveFile;
import routes.archive.DuckDb;
import routes.archive.Times;

/**
 * The posts of files without an index that a query finds: DuckDB reads the files from end to end.
 * What it answers is what any other way has to answer.
 */
final class PostScan implements HitSource {

  /**
   * Behind {@code SELECT did FROM actors}: the accounts whose newest event says that they are gone.
   */
  static final String GONE =
      " WHERE kind = 'account' GROUP BY did"
          + " HAVING arg_max(NOT active AND coalesce(status, '') = 'deleted', coalesce(event_time, time_us))";

  private static final long CANCEL_AGAIN_MILLIS = 20;

  /** One thread for all: it only tells DuckDB to end what takes too long. */
  private static final ScheduledExecutorService DEADLINES =
      Executors.newSingleThreadScheduledExecutor(
          Thread.ofPlatform().daemon().name("query-deadlines").factory());

  private final Connection connection;
  private final PreparedStatement statement;
  private final Deadline deadline;
  private final ResultSet result;

  /**
   * @param view whose files without an index are read
   * @param limit posts at most; negative for all
   */
  static PostScan posts(
      DuckDb duckDb,
      ArchiveView view,
      PostFilter filter,
      SortAtRange range,
      long limit,
      Deadline deadline) {
    List<Object> values = new ArrayList<>();
    String sql =
        "SELECT found.did, found.rkey, epoch_us(found.sort_at), found.text, found.rev FROM "
            + live(view, filter, range, values)
            + " ORDER BY found.sort_at DESC, found.did, found.rkey, found.rev"
            + (limit < 0 ? "" : " LIMIT " + limit);
    return new PostScan(duckDb, sql, values, deadline);
  }

  /** How many posts there are in the view's files without an index. */
  static long count(
      DuckDb duckDb, ArchiveView view, PostFilter filter, SortAtRange range, Deadline deadline) {
    List<Object> values = new ArrayList<>();
    String sql = "SELECT count(*) FROM " + live(view, filter, range, values);
    try (PostScan scan = new PostScan(duckDb, sql, values, deadline)) {
      scan.result.next();
      return scan.result.getLong(1);
    } catch (SQLException e) {
      throw new IllegalStateException("the query failed: " + e.getMessage(), e);
    }
  }

  private static String live(
      ArchiveView view, PostFilter filter, SortAtRange range, List<Object> values) {
    List<ArchiveFile> files =
        view.scanned().stream().filter(file -> range.touches(file.range())).toList();
    PostFilter.Condition condition = filter.condition();
    values.addAll(condition.values());
    String where = "operation <> 'delete' AND " + condition.sql();
    if (range.from() != Long.MIN_VALUE) {
      where += " AND epoch_us(sort_at) >= " + range.from();
    }
    if (range.to() != Long.MAX_VALUE) {
      where += " AND epoch_us(sort_at) < " + range.to();
    }
    String gone =
        view.actors().files().isEmpty()
            ? ""
            : " AND found.did NOT IN (SELECT did FROM "
                + DuckDb.from(view.actors().files())
                + GONE
                + ")";
    return "(SELECT did, rkey, rev, sort_at, text FROM "
        + DuckDb.from(files)
        + " WHERE "
        + where
        + ") found LEFT JOIN (SELECT did, rkey, max(rev) AS rev FROM "
        + DuckDb.from(view.posts().files())
        + " WHERE operation <> 'create' GROUP BY did, rkey) later"
        + " ON later.did = found.did AND later.rkey = found.rkey AND later.rev > found.rev"
        + " WHERE later.rev IS NULL"
        + gone;
  }

  private PostScan(DuckDb duckDb, String sql, List<Object> values, Deadline deadline) {
    this.deadline = deadline;
    Connection opened = null;
    PreparedStatement prepared = null;
    ScheduledFuture<?> scheduled = null;
    try {
      opened = duckDb.connect();
      prepared = opened.prepareStatement(sql);
      for (int i = 0; i < values.size(); i++) {
        prepared.setObject(i + 1, values.get(i));
      }
      PreparedStatement toCancel = prepared;
      // Again and again: a statement that has not begun yet does not feel it.
      scheduled =
          DEADLINES.scheduleWithFixedDelay(
              () -> cancel(toCancel),
              Math.max(1, deadline.millisLeft()),
              CANCEL_AGAIN_MILLIS,
              TimeUnit.MILLISECONDS);
      this.result = prepared.executeQuery();
      scheduled.cancel(false);
      deadline.check();
    } catch (SQLException | RuntimeException e) {
      close(opened, prepared, scheduled);
      throw e instanceof RuntimeException other ? other : failed((SQLException) e);
    }
    this.connection = opened;
    this.statement = prepared;
  }

  private RuntimeException failed(SQLException e) {
    return deadline.isPast()
        ? deadline.timeout(e)
        : new IllegalStateException("the query failed: " + e.getMessage(), e);
  }

  private static void cancel(PreparedStatement statement) {
    try {
      statement.cancel();
    } catch (SQLException e) {
      throw new IllegalStateException("a query could not be ended", e);
    }
  }

  @Override
  public Hit next() {
    try {
      if (!result.next()) {
        return null;
      }
      String did = result.getString(1);
      long sortAt = result.getLong(3);
      String text = result.getString(4);
      return new Hit(
          sortAt,
          new Post(
              "at://" + did + "/app.bsky.feed.post/" + result.getString(2),
              Times.instant(sortAt),
              did,
              null,
              text == null ? "" : text),
          result.getString(5));
    } catch (SQLException e) {
      throw failed(e);
    }
  }

  @Override
  public void close() {
    close(connection, statement, null);
  }

  private static void close(
      Connection connection, PreparedStatement statement, ScheduledFuture<?> ending) {
    if (ending != null) {
      ending.cancel(false);
    }
    try (connection;
        statement) {
      if (statement != null && !statement.isClosed()) {
        statement.cancel();
      }
    } catch (SQLException e) {
      throw new IllegalStateException("a query could not be ended: " + e.getMessage(), e);
    }
  }
}
