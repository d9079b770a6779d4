package routes.search;

import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.lucene.search.DocIdSetIterator;
import routes.archive.ArchiveFile;
import routes.archive.DuckDb;
import routes.archive.GoneAccounts;
import routes.archive.Packing;
import routes.archive.TableName;

/**
 * The posts of files without an index that a query finds: DuckDB reads the files from end to end.
 * What it answers is what any other way has to answer.
 */
final class PostScan implements HitSource {

  private static final Set<String> TIMES = Set.of("sort_at", "time_us", "created_at");

  private final List<String> columns;
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
      PostQuery query,
      SortAtRange range,
      Optional<PostCursor> after,
      long limit,
      Deadline deadline) {
    List<Object> values = new ArrayList<>();
    String sql =
        "SELECT "
            + select(query.columns())
            + ", deleted FROM "
            + found(view, query, range, values)
            + after.map(cursor -> behind(cursor, values)).orElse("")
            + " ORDER BY sort_at DESC, did, rkey, rev"
            + (limit < 0 ? "" : " LIMIT " + limit);
    return new PostScan(duckDb, sql, query.columns(), values, deadline);
  }

  /** Some columns of the same posts, in no order: {@link #nextRow}. */
  static PostScan rows(
      DuckDb duckDb,
      ArchiveView view,
      PostQuery query,
      SortAtRange range,
      Collection<String> columns,
      Deadline deadline) {
    List<Object> values = new ArrayList<>();
    List<String> names = List.copyOf(columns);
    String sql = "SELECT " + select(names) + " FROM " + found(view, query, range, values);
    return new PostScan(duckDb, sql, names, values, deadline);
  }

  private static String select(List<String> columns) {
    return columns.stream()
        .map(column -> TIMES.contains(column) ? "epoch_us(" + column + ") AS " + column : column)
        .collect(Collectors.joining(", "));
  }

  /** How many posts there are in the view's files without an index. */
  static long count(
      DuckDb duckDb, ArchiveView view, PostQuery query, SortAtRange range, Deadline deadline) {
    List<Object> values = new ArrayList<>();
    String sql = "SELECT count(*) FROM " + found(view, query, range, values);
    try (PostScan scan = new PostScan(duckDb, sql, List.of(), values, deadline)) {
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
      ArchiveView view, PostQuery query, SortAtRange range, List<Object> values) {
    List<ArchiveFile> files =
        view.scanned().stream().filter(file -> range.touches(file.range())).toList();
    PostFilter.Condition condition = query.filter().condition();
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
        switch (query.deleted()) {
          case EXCLUDE -> " WHERE NOT deleted";
          case ONLY -> " WHERE deleted";
          case INCLUDE -> "";
        };
    return "(SELECT * FROM (SELECT post.*, coalesce(later.deletion > post.rev, false)"
        + gone
        + " AS deleted FROM (SELECT "
        + String.join(", ", PostRow.ALL)
        + " FROM "
        + Packing.readable(TableName.POSTS, files)
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

  /**
   * @param columns of the rows that are read
   */
  private PostScan(
      DuckDb duckDb, String sql, List<String> columns, List<Object> values, Deadline deadline) {
    this.columns = columns;
    this.deadline = deadline;
    Connection opened = null;
    PreparedStatement prepared = null;
    Cancelling cancelling = null;
    try {
      opened = duckDb.connect();
      prepared = opened.prepareStatement(sql);
      for (int i = 0; i < values.size(); i++) {
        prepared.setObject(i + 1, values.get(i));
      }
      cancelling = new Cancelling(deadline);
      cancelling.watch(prepared);
      this.result = prepared.executeQuery();
      cancelling.close();
      deadline.check();
    } catch (SQLException | RuntimeException e) {
      close(opened, prepared, cancelling);
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
            + Packing.numbered(TableName.POSTS, file)
            + " WHERE file_row_number > "
            + after
            + " AND file_row_number < "
            + end
            + " AND operation <> 'delete' AND "
            + condition.sql()
            + " ORDER BY file_row_number";
    return new PostScan(duckDb, sql, List.of(), condition.values(), deadline);
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
      return result.next() ? row() : null;
    } catch (SQLException e) {
      throw failed(e);
    }
  }

  private PostRow row() throws SQLException {
    Map<String, Object> values = new HashMap<>();
    for (int i = 0; i < columns.size(); i++) {
      Object value = result.getObject(i + 1);
      values.put(
          columns.get(i),
          value instanceof Array list ? Arrays.asList((Object[]) list.getArray()) : value);
    }
    return PostRow.of(values::get);
  }

  @Override
  public Hit next() {
    try {
      return result.next() ? new Hit(row(), result.getBoolean("deleted")) : null;
    } catch (SQLException e) {
      throw failed(e);
    }
  }

  @Override
  public void close() {
    close(connection, statement, null);
  }

  private static void close(Connection connection, PreparedStatement statement, Cancelling ending) {
    if (ending != null) {
      ending.close();
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
