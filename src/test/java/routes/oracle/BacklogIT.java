package routes.oracle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.data.redis.connection.lettuce.LettuceConnectionFactory;
import routes.buffer.BlockStream;
import routes.buffer.StreamId;
import routes.fixtures.ExplorerProcess;
import routes.fixtures.ExtractedJar;
import routes.fixtures.Processes;
import routes.fixtures.RedisServer;
import routes.fixtures.StoppableClock;
import routes.jetstream.Block;
import routes.simulator.JetstreamServer;
import routes.simulator.Misbehaviour;
import routes.simulator.World;

/**
 * A day without a drain, and a day without ingest: how much memory the backlog takes, and how long
 * until it is archived. Small here; the whole day at the mission's rate with {@code -Pbacklog}.
 */
class BacklogIT {

  private static final long EVENTS = Long.getLong("backlog-events", 20_000);
  private static final Duration DAY = Duration.ofDays(1);

  /** What half a second of the mission's rate comes to. */
  private static final int FRAMES_IN_A_BLOCK = 47;

  /** Two gigabytes for 8.1 million events. */
  private static final double REDIS_BYTES_AN_EVENT = 2.0 * (1L << 30) / 8_100_000;

  private static final long RESIDENT_LIMIT = 1500L << 20;

  @TempDir Path folder;

  private long peak;

  @Test
  void aDayOfDrainOutage() throws Exception {
    World world = new World(5, EVENTS / (double) DAY.toSeconds());
    Instant end = Instant.now();
    try (RedisServer redis = new RedisServer(folder.resolve("redis"))) {
      redis.start();
      long first = world.numberAt(end.minus(DAY).toEpochMilli() * 1000);
      fill(redis, world, first);
      long used = Long.parseLong(info(redis, "used_memory:"));
      Instant start = Instant.now();
      try (ExplorerProcess explorer =
          new ExplorerProcess(
                  folder,
                  program(),
                  "--explorer.roles=drain,query",
                  "--explorer.redis.url=" + redis.url(),
                  "--explorer.drain.schedule=* * * * * ?")
              .awaitReady()) {
        Instant ready = Instant.now();
        awaitRows(explorer, EVENTS);
        Duration took = Duration.between(ready, Instant.now());
        System.out.printf(
            "drain outage: events=%d redis_bytes=%d (%.0f an event) seconds=%.1f events_per_second=%.0f"
                + " resident_peak_mb=%d start_seconds=%.1f%n",
            EVENTS,
            used,
            used / (double) EVENTS,
            took.toMillis() / 1000.0,
            EVENTS * 1000.0 / took.toMillis(),
            peak >> 20,
            Duration.between(start, ready).toMillis() / 1000.0);
        assertThat(used / (double) EVENTS).isLessThan(REDIS_BYTES_AN_EVENT);
        assertThat(peak).isLessThan(RESIDENT_LIMIT);
        await()
            .atMost(Duration.ofSeconds(30))
            .until(() -> explorer.json("/api/v1/status").get("buffer").get("blocks").asLong() == 0);
      }
    }
  }

  @Test
  void aDayOfIngestOutage() throws Exception {
    World world = new World(6, EVENTS / (double) DAY.toSeconds());
    StoppableClock clock = new StoppableClock(Duration.ZERO);
    clock.stop();
    TreeSet<Instant> newest = new TreeSet<>();
    try (JetstreamServer server = new JetstreamServer(world, Misbehaviour.NONE, clock, 0);
        ExplorerProcess explorer =
            new ExplorerProcess(
                    folder,
                    program(),
                    "--explorer.jetstream.hosts=" + server.url(),
                    "--explorer.jetstream.start=" + clock.instant().minus(DAY),
                    "--explorer.redis.max-memory=256mb",
                    "--explorer.drain.max-events=" + Math.min(250_000, EVENTS / 6),
                    "--explorer.drain.schedule=* * * * * ?")
                .awaitReady()) {
      Instant start = Instant.now();
      await()
          .pollInterval(Duration.ofMillis(500))
          .atMost(Duration.ofHours(1))
          .until(
              () -> {
                sample(explorer);
                JsonNode status = explorer.json("/api/v1/status");
                newest.add(Archived.position(status));
                return Archived.rows(status) >= EVENTS - 1;
              });
      Duration took = Duration.between(start, Instant.now());
      System.out.printf(
          "ingest outage: events=%d seconds=%.1f events_per_second=%.0f resident_peak_mb=%d steps=%d%n",
          EVENTS,
          took.toMillis() / 1000.0,
          EVENTS * 1000.0 / took.toMillis(),
          peak >> 20,
          newest.size());
      assertThat(newest).as("searchable data gets newer all the while").hasSizeGreaterThan(2);
      assertThat(peak).isLessThan(RESIDENT_LIMIT);
    }
  }

  /** As an operator runs it, for here it matters how fast it is. */
  private static List<String> program() throws Exception {
    List<String> program = new ArrayList<>(List.of("-XX:TieredStopAtLevel=4", "-Xmx512m"));
    program.addAll(ExtractedJar.program());
    return program;
  }

  private void fill(RedisServer redis, World world, long first) {
    LettuceConnectionFactory factory = redis.connect();
    try {
      BlockStream stream = new BlockStream(factory, "explorer:blocks", () -> StreamId.ZERO);
      for (long n = first; n < first + EVENTS; n += FRAMES_IN_A_BLOCK) {
        List<byte[]> frames = new ArrayList<>();
        long last = Math.min(first + EVENTS, n + FRAMES_IN_A_BLOCK);
        for (long i = n; i < last; i++) {
          frames.add(world.frame(i));
        }
        stream.append(
            new Block(
                "ws://test",
                "backlog",
                n > first,
                world.timeUs(n),
                world.timeUs(last - 1) + world.spreadUs(),
                Instant.now(),
                frames));
      }
    } finally {
      factory.destroy();
    }
  }

  private static String info(RedisServer redis, String name) {
    return redis
        .ask(commands -> commands.info("memory"))
        .lines()
        .filter(line -> line.startsWith(name))
        .map(line -> line.substring(name.length()).strip())
        .findFirst()
        .orElseThrow();
  }

  private void awaitRows(ExplorerProcess explorer, long rows) {
    await()
        .pollInterval(Duration.ofMillis(500))
        .atMost(Duration.ofHours(1))
        .until(
            () -> {
              sample(explorer);
              return Archived.rows(explorer.json("/api/v1/status")) >= rows;
            });
  }

  /** Resident memory, where the system tells it. */
  private void sample(ExplorerProcess explorer) {
    peak = Math.max(peak, Processes.resident(explorer.pid()));
  }
}
