package routes.buffer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicReference;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.dao.DataAccessException;
import org.springframework.data.redis.connection.lettuce.LettuceConnectionFactory;
import org.springframework.data.redis.core.StringRedisTemplate;
import routes.fixtures.Frames;
import routes.fixtures.RedisFixture;
import routes.fixtures.RedisServer;
import routes.jetstream.Block;
import routes.jetstream.Position;

class BlockStreamTest {

  @RegisterExtension static final RedisFixture REDIS = new RedisFixture();

  private final String key = "test:" + UUID.randomUUID();
  private final BlockStream stream = new BlockStream(REDIS.factory(), key, () -> StreamId.ZERO);

  @Test
  void givesBackWhatWasAppended() {
    Block block = block(5_000, "one", "two", "");
    StreamId id = stream.append(block);
    StoredBlock stored = stream.readAfter(StreamId.ZERO, 10).get(0);
    assertThat(stored.id()).isEqualTo(id);
    assertSame(stored.block(), block);
  }

  @Test
  void readsOnlyWhatIsAfter() {
    StreamId first = stream.append(block(1, "a"));
    StreamId second = stream.append(block(2, "b"));
    StreamId third = stream.append(block(3, "c"));
    assertThat(stream.readAfter(first, 10))
        .extracting(StoredBlock::id)
        .containsExactly(second, third);
    assertThat(stream.readAfter(first, 1)).extracting(StoredBlock::id).containsExactly(second);
    assertThat(stream.readAfter(third, 10)).isEmpty();
    assertThat(stream.newest(2)).extracting(StoredBlock::id).containsExactly(third, second);
  }

  @Test
  void trimsWhatIsBeforeAndKeepsTheEntryItself() {
    stream.append(block(1, "a"));
    StreamId second = stream.append(block(2, "b"));
    StreamId third = stream.append(block(3, "c"));
    assertThat(stream.trimBefore(second)).isEqualTo(1);
    assertThat(stream.readAfter(StreamId.ZERO, 10))
        .extracting(StoredBlock::id)
        .containsExactly(second, third);
  }

  @Test
  void tellsItsPositionByTheNewestBlock() {
    assertThat(stream.resume()).isEmpty();
    stream.append(block(1_000, "a"));
    stream.append(block(2_000, "b"));
    assertThat(stream.resume()).contains(new Position(2_000, "ws://test"));
  }

  @Test
  void goesOnBehindTheArchiveWhenItWasWiped() {
    StreamId archived = new StreamId(System.currentTimeMillis() + 3_600_000, 4);
    stream.continueAfter(archived, 7_000, "ws://other");
    assertThat(stream.resume()).contains(new Position(7_000, "ws://other"));
    assertThat(stream.append(block(8_000, "a"))).isGreaterThan(archived);
    assertThat(stream.readAfter(archived, 10)).hasSize(1);
  }

  @Test
  void staysAsItIsWhenItReachesFurtherThanTheArchive() {
    StreamId id = stream.append(block(9_000, "a"));
    stream.continueAfter(id, 1_000, "ws://other");
    stream.continueAfter(new StreamId(1, 0), 1_000, "ws://other");
    assertThat(stream.size()).isEqualTo(1);
    assertThat(stream.resume()).contains(new Position(9_000, "ws://test"));
  }

  @Test
  void refusesToGoOnBehindAnEntryThatRedisHasLost() {
    stream.resume();
    stream.append(block(1_000, "a"));
    StreamId lost = stream.append(block(2_000, "b"));
    delete(lost);
    assertThatThrownBy(() -> stream.append(block(3_000, "c")))
        .isInstanceOf(EntryLost.class)
        .hasMessageContaining(lost.toString());
    assertThat(stream.size()).as("nothing hides the hole").isEqualTo(1);
    assertThat(stream.resume()).contains(new Position(1_000, "ws://test"));
    stream.append(block(2_000, "b"));
    assertThat(stream.size()).isEqualTo(2);
  }

  @Test
  void noticesThatRedisWasWipedSinceReadingWasResumed() {
    StreamId only = stream.append(block(1_000, "a"));
    stream.resume();
    delete(only);
    assertThatThrownBy(() -> stream.append(block(2_000, "b"))).isInstanceOf(EntryLost.class);
    assertThat(stream.resume()).isEmpty();
    assertThat(stream.append(block(2_000, "b"))).isNotNull();
  }

  @Test
  void anEntryThatIsArchivedMayBeGoneIfTheStreamReachesFurther() {
    AtomicReference<StreamId> archived = new AtomicReference<>(StreamId.ZERO);
    String key = "test:" + UUID.randomUUID();
    BlockStream one = new BlockStream(REDIS.factory(), key, archived::get);
    BlockStream other = new BlockStream(REDIS.factory(), key, archived::get);
    one.append(block(1_000, "a"));
    StreamId end = other.append(block(2_000, "b"));
    archived.set(end);
    one.trimBefore(end);
    assertThat(one.append(block(3_000, "c"))).isGreaterThan(end);
    assertThat(one.size()).isEqualTo(2);
  }

  @Test
  void anEntryThatARestartedRedisLacksWasLostWhateverWasArchivedSince(@TempDir Path folder) {
    AtomicReference<StreamId> archived = new AtomicReference<>(StreamId.ZERO);
    try (RedisServer server = new RedisServer(folder)) {
      server.start();
      LettuceConnectionFactory factory = server.connect();
      try {
        BlockStream one = new BlockStream(factory, "test", archived::get);
        one.append(block(1_000, "a"));
        StreamId lost = one.append(block(2_000, "b"));
        server.ask(commands -> commands.xdel("test", lost.toString()));
        server.kill();
        server.start();
        await().ignoreExceptions().until(() -> one.size() == 1);
        StreamId later = one.append(filling(500));
        archived.set(later);
        one.trimBefore(later);
        assertThatThrownBy(() -> one.append(block(3_000, "c"))).isInstanceOf(EntryLost.class);
        one.resume();
        one.append(block(2_000, "b"));
        assertThat(one.append(block(3_000, "c"))).isGreaterThan(later);
      } finally {
        factory.destroy();
      }
    }
  }

  @Test
  void anArchivedEntryThatIsGoneFromTheEndWasLostAllTheSame() {
    AtomicReference<StreamId> archived = new AtomicReference<>(StreamId.ZERO);
    String key = "test:" + UUID.randomUUID();
    BlockStream one = new BlockStream(REDIS.factory(), key, archived::get);
    StreamId id = one.append(block(1_000, "a"));
    archived.set(id);
    new StringRedisTemplate(REDIS.factory()).delete(key);
    assertThatThrownBy(() -> one.append(block(2_000, "b"))).isInstanceOf(EntryLost.class);
  }

  @Test
  void aBlockThatFillsAGapSaysNothingOfHowFarReadingHasCome() {
    stream.append(block(5_000, "a"));
    for (int i = 0; i < 25; i++) {
      stream.append(filling(i + 1));
    }
    assertThat(stream.resume()).contains(new Position(5_000, "ws://test"));
    stream.append(block(6_000, "b"));
    assertThat(stream.resume()).contains(new Position(6_000, "ws://test"));
  }

  @Test
  void blocksThatFillGapsAloneAreNoPosition() {
    for (int i = 0; i < 20; i++) {
      stream.append(filling(i + 1));
    }
    assertThat(stream.resume()).isEmpty();
  }

  @Test
  void aStopKeepsThePosition() {
    stream.append(block(5_000, "a"));
    stream.append(Block.stopped("ws://test", 5_000, Instant.ofEpochMilli(7)));
    assertThat(stream.resume()).contains(new Position(5_000, "ws://test"));
    Block stop = stream.newest(1).get(0).block();
    assertThat(stop.isStop()).isTrue();
    assertThat(stop.isFilling()).isFalse();
    assertThat(stop.count()).isZero();
  }

  @Test
  void anEntryWithoutATimeIsNoPosition() {
    stream.append(block(0, "a"));
    assertThat(stream.resume()).isEmpty();
    stream.append(block(1, "b"));
    assertThat(stream.resume()).contains(new Position(1, "ws://test"));
  }

  @Test
  void tellsHowMuchMemoryItTakes() {
    assertThat(stream.memoryBytes()).isZero();
    stream.append(block(1, "a".repeat(10_000)));
    assertThat(stream.memoryBytes()).isPositive();
  }

  private void delete(StreamId id) {
    new StringRedisTemplate(REDIS.factory()).opsForStream().delete(key, id.toString());
  }

  private static Block filling(long lastTimeUs) {
    return new Block(
        "ws://other", "fill:x", true, 1, lastTimeUs, Instant.ofEpochMilli(5), List.of());
  }

  @Test
  void saysWhenRedisIsFull() {
    StringRedisTemplate redis = new StringRedisTemplate(REDIS.factory());
    redis.execute(
        connection -> {
          connection.serverCommands().setConfig("maxmemory", "1");
          return null;
        },
        true);
    try {
      assertThatThrownBy(() -> stream.append(block(1, "a")))
          .isInstanceOf(DataAccessException.class)
          .hasStackTraceContaining("OOM");
    } finally {
      redis.execute(
          connection -> {
            connection.serverCommands().setConfig("maxmemory", "256mb");
            return null;
          },
          true);
    }
    assertThat(stream.append(block(1, "a"))).isNotNull();
  }

  @Test
  void namesAnEntryThatIsDamaged() {
    StreamId id = new StreamId(5, 1);
    Map<byte[], byte[]> fields = BlockCodec.encode(block(1, "some text", "more text"));
    byte[] frames = fields.values().iterator().next();
    frames[frames.length / 2] ^= 0x55;
    assertThatThrownBy(() -> BlockCodec.decode(id, fields))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("5-1")
        .hasMessageContaining("damaged");
  }

  @Property(tries = 200)
  void anyFramesComeBack(@ForAll @Size(max = 20) List<byte[]> frames) {
    Block block = new Block("h", "c", true, 3, 4, Instant.ofEpochMilli(5), frames);
    assertSame(BlockCodec.decode(StreamId.ZERO, BlockCodec.encode(block)), block);
  }

  private static void assertSame(Block actual, Block expected) {
    assertThat(actual).usingRecursiveComparison().ignoringFields("frames").isEqualTo(expected);
    assertThat(actual.frames())
        .usingElementComparator(java.util.Arrays::compare)
        .isEqualTo(expected.frames());
  }

  private static Block block(long lastTimeUs, String... frames) {
    return new Block(
        "ws://test",
        "connection",
        false,
        1,
        lastTimeUs,
        Instant.ofEpochMilli(123),
        java.util.Arrays.stream(frames).map(Frames::bytes).toList());
  }
}
