package routes.benchmark;

import io.lettuce.core.RedisURI;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.springframework.data.redis.connection.lettuce.LettuceConnectionFactory;
import routes.archive.Archive;
import routes.archive.Drain;
import routes.archive.DuckDb;
import routes.buffer.BlockStream;
import routes.buffer.EmbeddedRedis;
import routes.buffer.StreamId;
import routes.jetstream.Block;
import routes.simulator.World;

/** A day of posts and accounts of a simulated network, in an archive by the way of all events. */
public final class SimulatedDay {

  private static final int BLOCK = 400;
  private static final int BATCH_BLOCKS = 70;
  private static final double SHARE_OF_POSTS = 0.165;

  /** When the day ends. */
  static final Instant END = Instant.parse("2026-07-04T23:59:00Z");

  private static final Instant BEGIN = Instant.parse("2026-07-04T00:00:00Z");

  private SimulatedDay() {}

  /**
   * Archives the events of 2026-07-04, batch by batch. Gives their number.
   *
   * @param folder the data folder
   * @param posts of that day, about
   */
  public static long archive(Path folder, Archive archive, DuckDb duckDb, int posts)
      throws Exception {
    World world = new World(1, posts / SHARE_OF_POSTS / Duration.ofDays(1).toSeconds());
    long number = world.numberAt(BEGIN.toEpochMilli() * 1000);
    long end = world.numberAt(END.toEpochMilli() * 1000);
    EmbeddedRedis redis = EmbeddedRedis.start(folder.resolve("redis"), "2gb");
    LettuceConnectionFactory factory =
        new LettuceConnectionFactory(
            LettuceConnectionFactory.createRedisConfiguration(
                RedisURI.builder()
                    .withHost("127.0.0.1")
                    .withPort(redis.port())
                    .withPassword(redis.password().toCharArray())
                    .build()));
    factory.afterPropertiesSet();
    factory.start();
    try {
      BlockStream stream = new BlockStream(factory, "benchmark", () -> StreamId.ZERO);
      Drain drain =
          new Drain(
              stream, archive, duckDb, new Drain.Limits(250_000, 256 << 20, Duration.ofMinutes(1)));
      long events = 0;
      while (number < end) {
        for (int block = 0; block < BATCH_BLOCKS && number < end; block++) {
          List<byte[]> frames = new ArrayList<>(BLOCK);
          long last = 0;
          for (; frames.size() < BLOCK && number < end; number++) {
            if (world.isOfPostsOrAccounts(number)) {
              frames.add(world.frame(number));
              last = world.timeUs(number);
            }
          }
          stream.append(new Block("ws://simulated", "1", true, last, last, Instant.now(), frames));
          events += frames.size();
        }
        drain.batch();
      }
      return events;
    } finally {
      factory.destroy();
      redis.close();
    }
  }
}
