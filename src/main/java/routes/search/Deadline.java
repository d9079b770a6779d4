package routes.search;

import java.time.Duration;

/** When a query has to be ended. */
final class Deadline {

  private static final int STEPS = 1024;

  private final Duration limit;
  private final long end;
  private boolean lifted;
  private int steps;

  /**
   * @param limit from now
   */
  Deadline(Duration limit) {
    this.limit = limit;
    this.end = System.nanoTime() + limit.toNanos();
  }

  /** Milliseconds that are left; 0 when none is. */
  long millisLeft() {
    return Math.max(0, (end - System.nanoTime()) / 1_000_000);
  }

  boolean isPast() {
    return !lifted && System.nanoTime() - end >= 0;
  }

  /** From now on there is none: the answer has begun, and takes as long as who asked reads it. */
  void lift() {
    lifted = true;
  }

  /** To be called at every small step. */
  void step() {
    if (++steps % STEPS == 0) {
      check();
    }
  }

  /**
   * @throws QueryTimeout when it is past
   */
  void check() {
    if (isPast()) {
      throw timeout(null);
    }
    if (Thread.currentThread().isInterrupted()) {
      throw new QueryTimeout(limit, new InterruptedException("the query was ended from outside"));
    }
  }

  QueryTimeout timeout(Throwable cause) {
    return new QueryTimeout(limit, cause);
  }
}
