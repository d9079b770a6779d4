package routes.oracle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.lettuce.core.KillArgs;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import routes.fixtures.ExplorerProcess;
import routes.fixtures.ExtractedJar;
import routes.fixtures.RedisServer;
import routes.fixtures.StoppableClock;
import routes.simulator.JetstreamServer;
import routes.simulator.Misbehaviour;
import routes.simulator.World;

/** Everything that can be wrong with Redis: the application waits, says so, and catches up. */
class RedisFaultsIT {

  /** Seconds; ten minutes with {@code -Psoak}. */
  private static final int OUTAGE = Integer.getInteger("redis-outage", 4);

  @TempDir Path folder;

  @Test
  void waitsSaysSoAndCatchesUp() throws Exception {
    StoppableClock clock = new StoppableClock(Duration.ZERO);
    World world = new World(77, 200);
    Instant start = clock.instant().minusSeconds(5);
    try (JetstreamServer server = new JetstreamServer(world, Misbehaviour.NONE, clock, 0);
        RedisServer redis = new RedisServer(folder.resolve("redis"))) {
      try (ExplorerProcess explorer =
          new ExplorerProcess(
              folder,
              ExtractedJar.program(),
              "--explorer.redis.url=" + redis.url(),
              "--explorer.jetstream.hosts=" + server.url(),
              "--explorer.jetstream.start=" + start,
              "--explorer.drain.schedule=* * * * * ?")) {
        // Not there when the application starts.
        explorer.awaitReady();
        awaitTrouble(explorer, "");
        assertThat(explorer.get("/search?text=x").statusCode()).isEqualTo(200);
        redis.start();
        Archived.awaitFlow(explorer);

        // Full.
        redis.ask(commands -> commands.configSet("maxmemory", "1"));
        awaitTrouble(explorer, "OOM");
        redis.ask(commands -> commands.configSet("maxmemory", "0"));
        Archived.awaitFlow(explorer);

        // Read-only.
        redis.ask(commands -> commands.replicaof("127.0.0.1", 1));
        awaitTrouble(explorer, "READONLY");
        redis.ask(commands -> commands.replicaofNoOne());
        Archived.awaitFlow(explorer);

        // Slow.
        redis.ask(commands -> commands.clientPause(2000));
        Archived.awaitFlow(explorer);

        // Another password.
        redis.ask(commands -> commands.configSet("requirepass", "another"));
        redis.ask(
            "another", commands -> commands.clientKill(KillArgs.Builder.typeNormal().skipme()));
        awaitTrouble(explorer, "");
        redis.ask("another", commands -> commands.configSet("requirepass", "right"));
        Archived.awaitFlow(explorer);

        // Restarted at once, then gone for long.
        redis.kill();
        redis.start();
        Archived.awaitFlow(explorer);
        redis.kill();
        Instant gone = Instant.now();
        awaitTrouble(explorer, "");
        await()
            .atMost(Duration.ofSeconds(OUTAGE + 10))
            .until(() -> Duration.between(gone, Instant.now()).toSeconds() >= OUTAGE);
        redis.start();
        Archived.awaitFlow(explorer);

        // Wiped while it runs.
        redis.ask(commands -> commands.flushall());
        Archived.awaitFlow(explorer);
        clock.stop();
        Archived.awaitAll(explorer, world, clock.instant(), Duration.ofSeconds(90));
      }
    }
    Oracle.Verdict verdict =
        new Oracle(List.of(world), new JetstreamServer[0])
            .compare(folder.resolve("data"), start, clock.instant());
    assertThat(verdict.isClean()).as("%s", verdict).isTrue();
    assertThat(verdict.due()).isGreaterThan(2000);
  }

  /** Ingest does not go on, and status, health and metrics say why. */
  private static void awaitTrouble(ExplorerProcess explorer, String word) {
    await()
        .atMost(Duration.ofSeconds(60))
        .until(
            () -> {
              String health = explorer.get("/observe/health").body();
              return health.contains("\"jetstream\":{\"status\":\"WAITING\"")
                  && health.contains(word);
            });
    assertThat(explorer.get("/observe/metrics").body()).contains("explorer_ingest_connected");
    assertThat(explorer.isAlive()).isTrue();
  }
}
