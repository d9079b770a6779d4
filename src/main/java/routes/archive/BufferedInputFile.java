package routes.archive;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.apache.parquet.io.DelegatingSeekableInputStream;
import org.apache.parquet.io.InputFile;
import org.apache.parquet.io.SeekableInputStream;

/**
 * A file as Parquet reads it, some kilobytes at a time. Parquet's own asks the system for every
 * single byte of the descriptions of pages, which takes longer than reading the pages.
 */
final class BufferedInputFile implements InputFile {

  private static final int BUFFER = 16 << 10;

  private final Path path;

  BufferedInputFile(Path path) {
    this.path = path;
  }

  @Override
  public long getLength() throws IOException {
    return java.nio.file.Files.size(path);
  }

  @Override
  public SeekableInputStream newStream() throws IOException {
    Input input = new Input(FileChannel.open(path, StandardOpenOption.READ));
    return new DelegatingSeekableInputStream(input) {
      @Override
      public long getPos() {
        return input.position();
      }

      @Override
      public void seek(long position) {
        input.seek(position);
      }

      /** Whole pages go where they belong, not through the buffer. */
      @Override
      public void readFully(ByteBuffer into) throws IOException {
        input.readFully(into);
      }
    };
  }

  private static final class Input extends java.io.InputStream {

    private final FileChannel channel;
    private final ByteBuffer buffer = ByteBuffer.allocate(BUFFER).limit(0);
    private long behindBuffer;

    Input(FileChannel channel) {
      this.channel = channel;
    }

    long position() {
      return behindBuffer - buffer.remaining();
    }

    void seek(long position) {
      long back = behindBuffer - position;
      if (back >= 0 && back <= buffer.limit()) {
        buffer.position((int) (buffer.limit() - back));
      } else {
        buffer.position(0).limit(0);
        behindBuffer = position;
      }
    }

    private boolean fill() throws IOException {
      if (!buffer.hasRemaining()) {
        buffer.clear();
        int read = channel.read(buffer, behindBuffer);
        buffer.flip();
        if (read <= 0) {
          return false;
        }
        behindBuffer += read;
      }
      return true;
    }

    @Override
    public int read() throws IOException {
      return fill() ? buffer.get() & 0xff : -1;
    }

    @Override
    public int read(byte[] bytes, int offset, int length) throws IOException {
      if (length == 0) {
        return 0;
      }
      if (!fill()) {
        return -1;
      }
      int count = Math.min(length, buffer.remaining());
      buffer.get(bytes, offset, count);
      return count;
    }

    void readFully(ByteBuffer into) throws IOException {
      while (into.hasRemaining() && buffer.hasRemaining()) {
        into.put(buffer.get());
      }
      while (into.hasRemaining()) {
        int read = channel.read(into, behindBuffer);
        if (read < 0) {
          throw new EOFException("the file ends at " + behindBuffer);
        }
        behindBuffer += read;
        buffer.position(0).limit(0);
      }
    }

    @Override
    public void close() throws IOException {
      channel.close();
    }
  }
}
