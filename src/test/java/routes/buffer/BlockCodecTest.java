package routes.buffer;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.github.luben.zstd.Zstd;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import routes.fixtures.Frames;
import routes.jetstream.Block;

class BlockCodecTest {

  private static final StreamId ID = new StreamId(5, 1);

  private static Map<String, byte[]> entry() {
    Block block =
        new Block(
            "ws://h",
            "c",
            true,
            3,
            4,
            Instant.ofEpochMilli(5),
            List.of(Frames.bytes("one"), Frames.bytes("two")));
    Map<String, byte[]> entry = new LinkedHashMap<>();
    BlockCodec.encode(block).forEach((name, value) -> entry.put(new String(name, UTF_8), value));
    return entry;
  }

  private static Block decode(Map<String, byte[]> entry) {
    Map<byte[], byte[]> fields = new LinkedHashMap<>();
    entry.forEach((name, value) -> fields.put(name.getBytes(UTF_8), value));
    return BlockCodec.decode(ID, fields);
  }

  @Test
  void theFieldsAreTextButTheFrames() {
    Map<String, byte[]> entry = entry();
    assertThat(entry)
        .containsOnlyKeys(
            "frames",
            "count",
            "bytes",
            "first",
            "last",
            "host",
            "connection",
            "continues",
            "received");
    assertThat(new String(entry.get("count"), UTF_8)).isEqualTo("2");
    assertThat(new String(entry.get("bytes"), UTF_8)).isEqualTo("14");
    assertThat(new String(entry.get("continues"), UTF_8)).isEqualTo("1");
    assertThat(Zstd.decompress(entry.get("frames"), 14))
        .isEqualTo(new byte[] {0, 0, 0, 3, 'o', 'n', 'e', 0, 0, 0, 3, 't', 'w', 'o'});
    Block block = decode(entry);
    assertThat(block.continues()).isTrue();
    entry.put("continues", "0".getBytes(UTF_8));
    assertThat(decode(entry).continues()).isFalse();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "frames",
        "count",
        "bytes",
        "first",
        "last",
        "host",
        "connection",
        "continues",
        "received"
      })
  void namesAFieldThatIsMissing(String field) {
    Map<String, byte[]> entry = entry();
    entry.remove(field);
    assertThatThrownBy(() -> decode(entry))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("5-1")
        .hasMessageContaining(field);
  }

  @Test
  void namesANumberThatIsNone() {
    Map<String, byte[]> entry = entry();
    entry.put("last", "soon".getBytes(UTF_8));
    assertThatThrownBy(() -> decode(entry)).hasMessageContaining("last is no number");
  }

  @Test
  void noticesThatFramesAreMissing() {
    Map<String, byte[]> entry = entry();
    entry.put("count", "3".getBytes(UTF_8));
    assertThatThrownBy(() -> decode(entry)).hasMessageContaining("2 frames, not 3");
  }

  @ParameterizedTest
  @ValueSource(ints = {9, -1, Integer.MAX_VALUE})
  void noticesLengthsThatCannotBe(int length) {
    Map<String, byte[]> entry = entry();
    byte[] plain = {0, 0, 0, 3, 'o', 'n', 'e', 0, 0, 0, 3, 't', 'w', 'o'};
    plain[7] = (byte) (length >> 24);
    plain[8] = (byte) (length >> 16);
    plain[9] = (byte) (length >> 8);
    plain[10] = (byte) length;
    entry.put("frames", Zstd.compress(plain));
    assertThatThrownBy(() -> decode(entry))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("damaged");
  }
}
