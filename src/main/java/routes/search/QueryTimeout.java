package routes.search;

import java.time.Duration;

/** A query took longer than it may. */
public final class QueryTimeout extends RuntimeException {

  private static final long serialVersionUID = 1;

  QueryTimeout(Duration limit, Throwable cause) {
    super("the query took longer than " + limit.toSeconds() + " s and was ended", cause);
  }
}
