package routes.search;

import java.sql.SQLException;
import java.sql.Statement;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;

/** Ends a statement of DuckDB that is not done by its deadline. */
final class Cancelling implements AutoCloseable {

  private static final long AGAIN_MILLIS = 20;

  /** One thread for all: it only tells DuckDB to end what takes too long. */
  private static final ScheduledExecutorService DEADLINES =
      Executors.newSingleThreadScheduledExecutor(
          Thread.ofPlatform().daemon().name("query-deadlines").factory());

  private final ScheduledFuture<?> scheduled;
  private volatile Statement watched;

  Cancelling(Deadline deadline) {
    // Again and again: a statement that has not begun yet does not feel it.
    scheduled =
        DEADLINES.scheduleWithFixedDelay(
            this::cancel, Math.max(1, deadline.millisLeft()), AGAIN_MILLIS, TimeUnit.MILLISECONDS);
  }

  /** From now on it is that one. */
  void watch(Statement statement) {
    watched = statement;
  }

  private void cancel() {
    Statement statement = watched;
    try {
      if (statement != null) {
        statement.cancel();
      }
    } catch (SQLException e) {
      throw new IllegalStateException("a query could not be ended", e);
    }
  }

  @Override
  public void close() {
    scheduled.cancel(false);
  }
}
