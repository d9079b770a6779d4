package routes.search;

import java.io.IOException;

/** Some of the posts that a query finds, newest first by {@code sort_at}. */
interface HitSource extends AutoCloseable {

  /** The next; null behind the last. */
  Hit next() throws IOException;

  @Override
  void close();
}
