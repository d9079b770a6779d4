package routes.api;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.function.LongConsumer;
import routes.search.PostStream;

/** Posts in some format, made while they are read. To be closed, and closes its source. */
final class Export extends InputStream {

  private static final int BYTES_AT_ONCE = 64 << 10;

  private final PostStream posts;
  private final LongConsumer atEnd;
  private final Ready ready = new Ready();
  private final PostWriter writer;
  private long rows;
  private int at;
  private boolean ended;
  private boolean closed;

  /** What is made and not read yet. */
  private static final class Ready extends ByteArrayOutputStream {

    private int take(int from, byte[] bytes, int offset, int length) {
      int taken = Math.min(length, count - from);
      System.arraycopy(buf, from, bytes, offset, taken);
      return taken;
    }
  }

  /**
   * @param posts null for none
   * @param atEnd is told how many posts it had, when it is closed
   */
  Export(PostWriter.Opening format, PostStream posts, LongConsumer atEnd) throws IOException {
    this.posts = posts;
    this.atEnd = atEnd;
    this.writer = format.open(ready);
  }

  @Override
  public int read() throws IOException {
    byte[] one = new byte[1];
    return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
  }

  @Override
  public int read(byte[] bytes, int offset, int length) throws IOException {
    if (length == 0) {
      return 0;
    }
    if (at == ready.size()) {
      ready.reset();
      at = 0;
      make();
    }
    int taken = ready.take(at, bytes, offset, length);
    at += taken;
    return taken == 0 ? -1 : taken;
  }

  private void make() throws IOException {
    while (ready.size() < BYTES_AT_ONCE && !ended) {
      if (posts != null && posts.next()) {
        writer.write(posts.post());
        rows++;
      } else {
        ended = true;
        writer.close();
      }
    }
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      ended = true;
      if (posts != null) {
        posts.close();
      }
      atEnd.accept(rows);
    }
  }
}
