package routes.archive;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.apache.parquet.io.SeekableInputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BufferedInputFileTest {

  /** Three buffers and a bit. */
  private static final int SIZE = 50_000;

  @TempDir Path folder;

  private final byte[] bytes = new byte[SIZE];
  private Path path;

  @BeforeEach
  void write() throws IOException {
    new Random(3).nextBytes(bytes);
    path = Files.write(folder.resolve("file"), bytes);
  }

  /** Whatever is read from wherever, it is what the file has there. */
  @Test
  void readsAsTheFileIs() throws IOException {
    BufferedInputFile file = new BufferedInputFile(path);
    assertThat(file.getLength()).isEqualTo(SIZE);
    Random random = new Random(4);
    try (SeekableInputStream in = file.newStream()) {
      int at = 0;
      for (int i = 0; i < 3000; i++) {
        if (random.nextInt(3) == 0) {
          at = random.nextInt(4) == 0 ? random.nextInt(SIZE) : near(at, random);
          in.seek(at);
        }
        assertThat(in.getPos()).isEqualTo(at);
        int length = Math.min(SIZE - at, random.nextInt(5) == 0 ? random.nextInt(40_000) : 200);
        switch (random.nextInt(4)) {
          case 0 -> {
            int read = in.read();
            assertThat(read).isEqualTo(at == SIZE ? -1 : bytes[at] & 0xff);
            at += at == SIZE ? 0 : 1;
          }
          case 1 -> {
            byte[] into = new byte[length + 2];
            int read = in.read(into, 1, length);
            assertThat(read).isBetween(length == 0 ? 0 : 1, length);
            assertThat(Arrays.copyOfRange(into, 1, 1 + read))
                .isEqualTo(Arrays.copyOfRange(bytes, at, at + read));
            at += read;
          }
          case 2 -> {
            byte[] into = new byte[length];
            in.readFully(into);
            assertThat(into).isEqualTo(Arrays.copyOfRange(bytes, at, at + length));
            at += length;
          }
          default -> {
            ByteBuffer into = ByteBuffer.allocate(length);
            in.readFully(into);
            assertThat(into.array()).isEqualTo(Arrays.copyOfRange(bytes, at, at + length));
            at += length;
          }
        }
      }
    }
  }

  private static int near(int at, Random random) {
    return Math.clamp((long) at + random.nextInt(40_000) - 20_000, 0, SIZE);
  }

  @Test
  void endsWhereTheFileEnds() throws IOException {
    try (SeekableInputStream in = new BufferedInputFile(path).newStream()) {
      in.seek(SIZE);
      assertThat(in.read()).isEqualTo(-1);
      assertThat(in.read(new byte[5], 0, 5)).isEqualTo(-1);
      assertThat(in.read(new byte[5], 0, 0)).isZero();
      in.seek(SIZE - 3);
      assertThatThrownBy(() -> in.readFully(ByteBuffer.allocate(4)))
          .isInstanceOf(EOFException.class);
    }
  }

  /** Bytes that were read before are not read again, and others are. */
  @Test
  void readsFromTheBufferWhatIsThere() throws IOException {
    try (SeekableInputStream in = new BufferedInputFile(path).newStream()) {
      assertThat(in.read()).isEqualTo(bytes[0] & 0xff);
      byte[] other = bytes.clone();
      for (int i = 0; i < other.length; i++) {
        other[i]++;
      }
      Files.write(path, other);
      in.seek(16_383);
      assertThat(in.read()).as("in the buffer").isEqualTo(bytes[16_383] & 0xff);
      in.seek(0);
      assertThat(in.read()).as("its beginning").isEqualTo(bytes[0] & 0xff);
      in.seek(16_384);
      ByteBuffer two = ByteBuffer.allocate(2);
      in.readFully(two);
      assertThat(two.array()).as("behind it").isEqualTo(new byte[] {other[16_384], other[16_385]});
      assertThat(in.getPos()).isEqualTo(16_386);
    }
  }

  @Test
  void closesTheFile() throws IOException {
    SeekableInputStream in = new BufferedInputFile(path).newStream();
    in.close();
    assertThatThrownBy(in::read).isInstanceOf(ClosedChannelException.class);
  }
}
