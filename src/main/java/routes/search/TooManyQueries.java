package routes.search;

/** There is no room for a query now: others run, or what it needs is being prepared. */
public final class TooManyQueries extends RuntimeException {

  private static final long serialVersionUID = 1;

  TooManyQueries() {
    this("too many queries run at once");
  }

  TooManyQueries(String message) {
    super(message);
  }
}
