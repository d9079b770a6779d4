package routes.search;

import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import org.apache.lucene.search.DocIdSetIterator;
import routes.archive.ArchiveFile;
import routes.archive.DuckDb;
import routes.archive.GoneAccounts;
import routes.archive.Times;

/**
 * The posts of files without an index that a query finds: DuckDB reads the files from end to end.
 * What it answers is what any other way has to answer.
 */
final class PostScan implements HitSource {

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
   * @param after the post behind which to begin; empty for the newest
   * @param limit posts at most; negative for all
   */
  static PostScan posts(
      DuckDb duckDb,
      ArchiveView view,
      PostFilter filter,
      SortAtRange range,
      Deleted deleted,
      Optional<PostCursor> after,
      long limit,
      Deadline deadline) {
    List<Object> values = new ArrayList<>();
    String sql =
        "SELECT did, rkey, epoch_us(sort_at), text, rev, deleted, reply_parent_uri FROM "
            + found(view, filter, range, deleted, values)
            + after.map(cursor -> behind(cursor, values)).orElse("")
            + " ORDER BY sort_at DESC, did, rkey, rev"
            + (limit < 0 ? "" : " LIMIT " + limit);
    return new PostScan(duckDb, sql, values, deadline);
  }

  /** The same posts in no order, as far as it takes to know what they have: {@link #nextRow}. */
  static PostScan rows(
      DuckDb duckDb,
      ArchiveView view,
      PostFilter filter,
      SortAtRange range,
      Deleted deleted,
      Deadline deadline) {
    List<Object> values = new ArrayList<>();
    String sql =
        "SELECT did, text, langs, links, tags, mentions, reply_parent_uri, quote_uri, media_count FROM "
            + found(view, filter, range, deleted, values);
    return new PostScan(duckDb, sql, values, deadline);
  }

  /** How many posts there are in the view's files without an index. */
  static long count(
      DuckDb duckDb,
      ArchiveView view,
      PostFilter filter,
      SortAtRange range,
      Deleted deleted,
      Deadline deadline) {
    List<Object> values = new ArrayList<>();
    String sql = "SELECT count(*) FROM " + found(view, filter, range, deleted, values);
    try (PostScan scan = new PostScan(duckDb, sql, values, deadline)) {
      scan.result.next();
      return scan.result.getLong(1);
    } catch (SQLException e) {
      throw new IllegalStateException("the query failed: " + e.getMessage(), e);
    }
  }

  private static String behind(PostCursor cursor, List<Object> values) {
    values.addAll(List.of(cursor.did(), cursor.rkey(), cursor.rev()));
    return " WHERE epoch_us(sort_at) < "
        + cursor.sortAt()
        + " OR epoch_us(sort_at) = "
        + cursor.sortAt()
        + " AND (did, rkey, rev) > (?, ?, ?)";
  }

  private static String found(
      ArchiveView view,
      PostFilter filter,
      SortAtRange range,
      Deleted deleted,
      List<Object> values) {
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
            : " OR post.did IN (" + GoneAccounts.select(view.actors().files()) + ")";
    String takes =
        switch (deleted) {
          case EXCLUDE -> " WHERE NOT deleted";
          case ONLY -> " WHERE deleted";
          case INCLUDE -> "";
        };
    return "(SELECT * FROM (SELECT post.*, coalesce(later.deletion > post.rev, false)"
        + gone
        + " AS deleted FROM (SELECT did, rkey, rev, sort_at, text, langs, links, tags, mentions, reply_parent_uri, quote_uri, media_count FROM "
        + DuckDb.from(files)
        + " WHERE "
        + where
        + ") post LEFT JOIN (SELECT did, rkey, max(rev) FILTER (operation = 'update') AS version,"
        + " max(rev) FILTER (operation = 'delete') AS deletion FROM "
        + DuckDb.from(view.posts().files())
        + " WHERE operation <> 'create' GROUP BY did, rkey) later"
        + " ON later.did = post.did AND later.rkey = post.rkey"
        + " WHERE NOT coalesce(later.version > post.rev, false))"
        + takes
        + ")";
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

  /**
   * The rows of one file that the filter takes, deletions left out, ascending: {@link
   * #nextRowNumber}.
   *
   * @param after the row behind which to begin; -1 for the first
   * @param end the row before which to end
   */
  static PostScan rowNumbers(
      DuckDb duckDb, ArchiveFile file, PostFilter filter, int after, int end, Deadline deadline) {
    PostFilter.Condition condition = filter.condition();
    String sql =
        "SELECT file_row_number FROM "
            + DuckDb.numbered(file)
            + " WHERE file_row_number > "
            + after
            + " AND file_row_number < "
            + end
            + " AND operation <> 'delete' AND "
            + condition.sql()
            + " ORDER BY file_row_number";
    return new PostScan(duckDb, sql, condition.values(), deadline);
  }

  /** The next row of {@link #rowNumbers}; {@link DocIdSetIterator#NO_MORE_DOCS} behind the last. */
  int nextRowNumber() {
    try {
      return result.next() ? result.getInt(1) : DocIdSetIterator.NO_MORE_DOCS;
    } catch (SQLException e) {
      throw failed(e);
    }
  }

  /** The next post of {@link #rows}; null behind the last. */
  PostRow nextRow() {
    try {
      return result.next()
          ? PostRow.ofValues(
              result.getString(1),
              result.getString(2),
              list(3),
              list(4),
              list(5),
              list(6),
              result.getString(7),
              result.getString(8),
              result.getInt(9))
          : null;
    } catch (SQLException e) {
      throw failed(e);
    }
  }

  private List<String> list(int column) throws SQLException {
    Array array = result.getArray(column);
    return array == null
        ? List.of()
        : Arrays.stream((Object[]) array.getArray()).map(Object::toString).toList();
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
              text == null ? "" : text,
              result.getBoolean(6),
              result.getString(7),
              null),
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
