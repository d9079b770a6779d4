package routes.jetstream;

import java.nio.file.FileSystemException;

/** What a failure comes down to. */
public final class RootCause {

  private RootCause() {}

  /**
   * The message of the innermost cause; the name of its kind where it has none, or where the
   * message is nothing but the path of a file.
   */
  public static String message(Throwable failure) {
    Throwable root = failure;
    while (root.getCause() != null && root.getCause() != root) {
      root = root.getCause();
    }
    String kind = root.getClass().getSimpleName();
    if (root.getMessage() == null) {
      return kind;
    }
    return root instanceof FileSystemException file && file.getReason() == null
        ? kind + ": " + root.getMessage()
        : root.getMessage();
  }
}
