package routes.search;

/** As many queries run as may run at once, and none ended in time. */
public final class TooManyQueries extends RuntimeException {

  private static final long serialVersionUID = 1;

  TooManyQueries() {
    super("too many queries run at once");
  }
}
