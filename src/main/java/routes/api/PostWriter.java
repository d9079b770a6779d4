package routes.api;

import java.io.Closeable;
import java.io.IOException;
import java.io.OutputStream;
import routes.search.Post;

/**
 * Writes posts, one after the other, in some format. To be closed: what is open then is finished.
 */
interface PostWriter extends Closeable {

  void write(Post post) throws IOException;

  /** Makes a writer to a stream, which stays open. */
  interface Opening {
    PostWriter open(OutputStream out) throws IOException;
  }
}
