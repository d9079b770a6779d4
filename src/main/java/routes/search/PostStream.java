package routes.search;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import routes.archive.Times;

/**
 * Posts found, one after the other: {@link #next()}, then {@link #post()}. Not safe for several
 * threads; to be closed.
 */
public final class PostStream implements AutoCloseable {

  static final PostStream EMPTY = new PostStream(null, null, null, () -> {});

  private final Connection connection;
  private final Statement statement;
  private final ResultSet result;
  private final Runnable atEnd;
  private boolean closed;

  PostStream(Connection connection, Statement statement, ResultSet result, Runnable atEnd) {
    this.connection = connection;
    this.statement = statement;
    this.result = result;
    this.atEnd = atEnd;
  }

  /** Goes to the next post; false behind the last. */
  public boolean next() {
    try {
      return result != null && result.next();
    } catch (SQLException e) {
      throw new IllegalStateException("the query failed: " + e.getMessage(), e);
    }
  }

  public Post post() {
    try {
      String text = result.getString(5);
      return new Post(
          result.getString(1),
          Times.instant(result.getLong(2)),
          result.getString(3),
          result.getString(4),
          text == null ? "" : text);
    } catch (SQLException e) {
      throw new IllegalStateException("a post could not be read: " + e.getMessage(), e);
    }
  }

  /** How many posts there are in all; known once {@link #next()} was true. */
  long total() {
    try {
      return result.getLong(6);
    } catch (SQLException e) {
      throw new IllegalStateException(
          "the number of posts could not be read: " + e.getMessage(), e);
    }
  }

  @Override
  public void close() {
    if (!closed && result != null) {
      closed = true;
      close(connection, statement);
      atEnd.run();
    }
  }

  static void close(Connection connection, Statement statement) {
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
