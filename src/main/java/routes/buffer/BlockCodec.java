package routes.buffer;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.github.luben.zstd.Zstd;
import com.github.luben.zstd.ZstdCompressCtx;
import com.github.luben.zstd.ZstdException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import routes.jetstream.Block;

/**
 * A block as the fields of a stream entry.
 *
 * <table>
 *   <caption>Fields; all are text but {@code frames}</caption>
 *   <tr><td>frames</td><td>zstd over all frames, each after its length (4 bytes, big endian)</td></tr>
 *   <tr><td>count, bytes</td><td>number of frames; bytes of {@code frames} before compression</td></tr>
 *   <tr><td>first, last</td><td>{@link Block#firstTimeUs()} and {@link Block#lastTimeUs()}, microseconds</td></tr>
 *   <tr><td>host, connection</td><td>where it came from</td></tr>
 *   <tr><td>continues</td><td>1 when it follows directly on the block before</td></tr>
 *   <tr><td>received</td><td>milliseconds since 1970</td></tr>
 * </table>
 */
final class BlockCodec {

  static final String LAST = "last";
  static final String HOST = "host";

  private static final int ZSTD_LEVEL = 3;

  private BlockCodec() {}

  static Map<byte[], byte[]> encode(Block block) {
    int size = Math.toIntExact(block.bytes() + 4L * block.count());
    ByteBuffer plain = ByteBuffer.allocate(size);
    for (byte[] frame : block.frames()) {
      plain.putInt(frame.length).put(frame);
    }
    Map<byte[], byte[]> fields = new LinkedHashMap<>();
    fields.put(bytes("frames"), compress(plain.array()));
    fields.put(bytes("count"), number(block.count()));
    fields.put(bytes("bytes"), number(size));
    fields.put(bytes("first"), number(block.firstTimeUs()));
    fields.put(bytes(LAST), number(block.lastTimeUs()));
    fields.put(bytes(HOST), bytes(block.host()));
    fields.put(bytes("connection"), bytes(block.connection()));
    fields.put(bytes("continues"), number(block.continues() ? 1 : 0));
    fields.put(bytes("received"), number(block.receivedAt().toEpochMilli()));
    return fields;
  }

  /**
   * @throws IllegalStateException when the entry is damaged; says which and how
   */
  static Block decode(StreamId id, Map<byte[], byte[]> entry) {
    Fields fields = new Fields(id, entry);
    int count = Math.toIntExact(fields.number("count"));
    int size = Math.toIntExact(fields.number("bytes"));
    List<byte[]> frames = new ArrayList<>(count);
    try {
      ByteBuffer plain = ByteBuffer.wrap(Zstd.decompress(fields.value("frames"), size));
      while (plain.hasRemaining()) {
        int length = plain.getInt();
        if (length < 0 || length > plain.remaining()) {
          throw new BufferUnderflowException();
        }
        byte[] frame = new byte[length];
        plain.get(frame);
        frames.add(frame);
      }
    } catch (ZstdException | BufferUnderflowException e) {
      throw new IllegalStateException(
          "entry " + id + " of the stream is damaged: its frames cannot be unpacked", e);
    }
    if (frames.size() != count) {
      throw new IllegalStateException(
          "entry " + id + " of the stream is damaged: " + frames.size() + " frames, not " + count);
    }
    return new Block(
        fields.text(HOST),
        fields.text("connection"),
        fields.number("continues") == 1,
        fields.number("first"),
        fields.number(LAST),
        Instant.ofEpochMilli(fields.number("received")),
        frames);
  }

  /** With a checksum, so that damage is found and never archived. */
  private static byte[] compress(byte[] plain) {
    try (ZstdCompressCtx zstd = new ZstdCompressCtx()) {
      return zstd.setLevel(ZSTD_LEVEL).setChecksum(true).compress(plain);
    }
  }

  private static byte[] bytes(String text) {
    return text.getBytes(UTF_8);
  }

  private static byte[] number(long number) {
    return bytes(Long.toString(number));
  }

  private static final class Fields {

    private final StreamId id;
    private final Map<String, byte[]> values = new LinkedHashMap<>();

    Fields(StreamId id, Map<byte[], byte[]> entry) {
      this.id = id;
      entry.forEach((name, value) -> values.put(new String(name, UTF_8), value));
    }

    byte[] value(String name) {
      byte[] value = values.get(name);
      if (value == null) {
        throw new IllegalStateException(
            "entry " + id + " of the stream is damaged: it has no field " + name);
      }
      return value;
    }

    String text(String name) {
      return new String(value(name), UTF_8);
    }

    long number(String name) {
      try {
        return Long.parseLong(text(name));
      } catch (NumberFormatException e) {
        throw new IllegalStateException(
            "entry " + id + " of the stream is damaged: its field " + name + " is no number", e);
      }
    }
  }
}
