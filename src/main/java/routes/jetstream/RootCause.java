package routes.jetstream;

/** What a failure comes down to. */
public final class RootCause {

  private RootCause() {}

  /** The message of the innermost cause; the name of its kind where it has none. */
  public static String message(Throwable failure) {
    Throwable root = failure;
    while (root.getCause() != null && root.getCause() != root) {
      root = root.getCause();
    }
    return root.getMessage() == null ? root.getClass().getSimpleName() : root.getMessage();
  }
}
