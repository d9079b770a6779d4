package routes.buffer;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;

import io.lettuce.core.XTrimArgs;
import io.lettuce.core.api.async.RedisServerAsyncCommands;
import io.lettuce.core.api.async.RedisStreamAsyncCommands;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import org.springframework.dao.QueryTimeoutException;
import org.springframework.data.domain.Range;
import org.springframework.data.redis.RedisSystemException;
import org.springframework.data.redis.connection.Limit;
import org.springframework.data.redis.connection.RedisConnection;
import org.springframework.data.redis.connection.RedisConnectionFactory;
import org.springframework.data.redis.connection.ReturnType;
import org.springframework.data.redis.connection.stream.ByteRecord;
import org.springframework.data.redis.connection.stream.MapRecord;
import org.springframework.data.redis.connection.stream.RecordId;
import org.springframework.data.redis.connection.stream.StreamRecords;
import routes.crash.CrashPoint;
import routes.jetstream.Block;
import routes.jetstream.Position;

/**
 * The Redis stream of blocks: what was received and not yet archived. An entry a block.
 *
 * <p>Every method throws a {@link org.springframework.dao.DataAccessException} when Redis is gone,
 * full, or refuses; nothing is retried here.
 */
public final class BlockStream {

  private static final long ANSWER_SECONDS = 60;
  private static final int PAGE = 20;

  /**
   * Adds an entry, but only behind the one that has to be there: in one step, for Redis can lose
   * its last second between two.
   */
  private static final byte[] APPEND_BEHIND =
      """
      if ARGV[1] ~= '' and #redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1]) == 0 then
        return {}
      end
      return {redis.call('XADD', KEYS[1], '*', unpack(ARGV, 2)), string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')}
      """
          .getBytes(UTF_8);

  private final RedisConnectionFactory redis;
  private final byte[] key;
  private final Supplier<StreamId> archived;
  private volatile Added behind;

  /**
   * An entry.
   *
   * @param server the run of Redis that had it; another one may have lost it
   */
  private record Added(StreamId id, String server) {}

  /**
   * @param key the name of the stream in Redis
   * @param archived how far the stream is archived: entries up to there may be gone from it; {@link
   *     StreamId#ZERO} for nothing
   */
  public BlockStream(RedisConnectionFactory redis, String key, Supplier<StreamId> archived) {
    this.redis = requireNonNull(redis, "redis");
    this.key = key.getBytes(UTF_8);
    this.archived = requireNonNull(archived, "archived");
  }

  /**
   * Adds a block at the end; when this returns, Redis has it.
   *
   * @throws EntryLost when Redis no longer has the block that was appended before this one, or that
   *     {@link #resume} went by. This block is not added then, since it would hide the hole.
   */
  public StreamId append(Block block) {
    CrashPoint.BLOCK_RECEIVED.pass();
    Added added;
    if (block.isFilling()) {
      added = append(block, null).orElseThrow();
    } else {
      Added expected = behind;
      added =
          append(block, expected == null ? null : expected.id)
              .or(() -> wasTrimmed(expected) ? append(block, null) : Optional.empty())
              .orElseThrow(() -> new EntryLost(expected.id));
      behind = added;
    }
    CrashPoint.BLOCK_APPENDED.pass();
    return added.id;
  }

  /**
   * Gone because it is archived, not because Redis lost it: then the stream reaches further. A
   * Redis that was started since may have lost it all the same, with a later entry archived that
   * fills a gap or is another process'.
   */
  private boolean wasTrimmed(Added entry) {
    return !entry.id.isAfter(archived.get())
        && lastId().isAfter(entry.id)
        && entry.server.equals(server());
  }

  private String server() {
    try (RedisConnection connection = redis.getConnection()) {
      return connection.serverCommands().info("server").getProperty("run_id", "");
    }
  }

  private Optional<Added> append(Block block, StreamId expected) {
    List<byte[]> keyAndArguments = new ArrayList<>();
    keyAndArguments.add(key);
    keyAndArguments.add((expected == null ? "" : expected.toString()).getBytes(UTF_8));
    BlockCodec.encode(block)
        .forEach(
            (field, value) -> {
              keyAndArguments.add(field);
              keyAndArguments.add(value);
            });
    try (RedisConnection connection = redis.getConnection()) {
      List<byte[]> answer =
          connection
              .scriptingCommands()
              .eval(APPEND_BEHIND, ReturnType.MULTI, 1, keyAndArguments.toArray(byte[][]::new));
      return answer == null || answer.isEmpty() ? Optional.empty() : Optional.of(added(answer));
    }
  }

  /**
   * Makes sure that the stream does not end before {@code id}: ids given from now on are greater.
   * Adds an entry without frames where the stream was wiped, or lost its end.
   *
   * @param timeUs what the newest entry is to say of how far reading has come, where one has to be
   *     added; 0 when that is not known
   * @param host that gave that time
   */
  public void continueAfter(StreamId id, long timeUs, String host) {
    try (RedisConnection connection = redis.getConnection()) {
      if (!lastId(connection).isAfter(id) && !lastId(connection).equals(id)) {
        Block marker =
            new Block(host, "", false, 0, timeUs, Instant.ofEpochMilli(id.millis()), List.of());
        ByteRecord record = StreamRecords.newRecord().in(key).ofBytes(BlockCodec.encode(marker));
        connection.streamCommands().xAdd(record.withId(RecordId.of(id.toString())));
      }
    }
  }

  /** The blocks after {@code id}, oldest first, at most {@code count}. */
  public List<StoredBlock> readAfter(StreamId id, int count) {
    try (RedisConnection connection = redis.getConnection()) {
      Range<String> after = Range.rightUnbounded(Range.Bound.exclusive(id.toString()));
      return stored(connection.streamCommands().xRange(key, after, Limit.limit().count(count)));
    }
  }

  /** The newest blocks, newest first, at most {@code count}. */
  public List<StoredBlock> newest(int count) {
    return newest(Range.unbounded(), count);
  }

  private List<StoredBlock> newest(Range<String> range, int count) {
    try (RedisConnection connection = redis.getConnection()) {
      return stored(connection.streamCommands().xRevRange(key, range, Limit.limit().count(count)));
    }
  }

  /**
   * Where reading goes on: the position that the newest entry carries, those that fill gaps left
   * aside; empty for an empty stream, or before the first time known. {@link #append} makes sure
   * from now on that Redis still has that entry.
   */
  public Optional<Position> resume() {
    String server = server();
    Optional<StoredBlock> newest = newestRead();
    behind = newest.map(stored -> new Added(stored.id(), server)).orElse(null);
    return newest
        .map(StoredBlock::block)
        .filter(block -> block.lastTimeUs() > 0)
        .map(block -> new Position(block.lastTimeUs(), block.host()));
  }

  private Optional<StoredBlock> newestRead() {
    Range<String> range = Range.unbounded();
    while (true) {
      List<StoredBlock> page = newest(range, PAGE);
      for (StoredBlock stored : page) {
        if (!stored.block().isFilling()) {
          return Optional.of(stored);
        }
      }
      if (page.size() < PAGE) {
        return Optional.empty();
      }
      range = Range.leftUnbounded(Range.Bound.exclusive(page.get(page.size() - 1).id().toString()));
    }
  }

  /** Removes all entries before {@code id}, and keeps that one. Gives their number. */
  public long trimBefore(StreamId id) {
    try (RedisConnection connection = redis.getConnection()) {
      RedisStreamAsyncCommands<byte[], byte[]> commands = commands(connection);
      return answer(commands.xtrim(key, XTrimArgs.Builder.minId(id.toString())));
    }
  }

  /** Number of entries, the one that is kept behind the position included. */
  public long size() {
    try (RedisConnection connection = redis.getConnection()) {
      Long size = connection.streamCommands().xLen(key);
      return size == null ? 0 : size;
    }
  }

  /** The id given last; {@link StreamId#ZERO} for a stream that never had an entry. */
  public StreamId lastId() {
    try (RedisConnection connection = redis.getConnection()) {
      return lastId(connection);
    }
  }

  /** Bytes that the stream takes in Redis' memory, as Redis estimates it. */
  public long memoryBytes() {
    try (RedisConnection connection = redis.getConnection()) {
      RedisServerAsyncCommands<byte[], byte[]> commands = commands(connection);
      Long bytes = answer(commands.memoryUsage(key));
      return bytes == null ? 0 : bytes;
    }
  }

  /** Bytes that Redis may hold, of all that is in it; 0 where it has no such limit. */
  public long maxMemoryBytes() {
    try (RedisConnection connection = redis.getConnection()) {
      Properties memory = connection.serverCommands().info("memory");
      return memory == null ? 0 : Long.parseLong(memory.getProperty("maxmemory", "0"));
    }
  }

  private StreamId lastId(RedisConnection connection) {
    if (!Boolean.TRUE.equals(connection.keyCommands().exists(key))) {
      return StreamId.ZERO;
    }
    return StreamId.parse(connection.streamCommands().xInfo(key).lastGeneratedId());
  }

  private static Added added(List<byte[]> answer) {
    String server = answer.size() > 1 ? new String(answer.get(1), UTF_8) : "";
    return new Added(StreamId.parse(new String(answer.get(0), UTF_8)), server);
  }

  private static List<StoredBlock> stored(List<ByteRecord> records) {
    return records.stream().map(BlockStream::stored).toList();
  }

  private static StoredBlock stored(MapRecord<byte[], byte[], byte[]> record) {
    StreamId id = StreamId.parse(record.getId().getValue());
    Map<byte[], byte[]> fields = record.getValue();
    return new StoredBlock(id, BlockCodec.decode(id, fields));
  }

  /** Commands that Spring Data does not offer: the driver's own, on the same connection. */
  @SuppressWarnings("unchecked")
  private static <T> T commands(RedisConnection connection) {
    return (T) connection.getNativeConnection();
  }

  private static <T> T answer(java.util.concurrent.Future<T> future) {
    try {
      return future.get(ANSWER_SECONDS, TimeUnit.SECONDS);
    } catch (ExecutionException e) {
      throw new RedisSystemException("Redis refused: " + e.getCause().getMessage(), e.getCause());
    } catch (TimeoutException e) {
      throw new QueryTimeoutException("Redis gave no answer for " + ANSWER_SECONDS + " s", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new RedisSystemException("interrupted", e);
    }
  }
}
