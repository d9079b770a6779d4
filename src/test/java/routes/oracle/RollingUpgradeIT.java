package routes.oracle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import routes.fixtures.ExplorerProcess;
import routes.fixtures.ExtractedJar;
import routes.fixtures.RedisServer;
import routes.fixtures.StoppableClock;
import routes.jetstream.Json;
import routes.simulator.JetstreamServer;
import routes.simulator.Misbehaviour;
import routes.simulator.World;

/**
 * A new process beside the old one, with the same data and the same Redis, as a rolling upgrade has
 * it; the old one ends when the new one is ready.
 */
@Order(4)
class RollingUpgradeIT {

  private static final int UPGRADES = 2;

  @TempDir Path folder;

  private ExplorerProcess start(String hosts, String redis, Instant since) throws Exception {
    return new ExplorerProcess(
        folder,
        ExtractedJar.program(),
        "--explorer.jetstream.hosts=" + hosts,
        "--explorer.jetstream.start=" + since,
        "--explorer.redis.url=" + redis,
        "--explorer.drain.schedule=* * * * * ?",
        ExplorerProcess.LOCKS + folder.resolve("data/leader"));
  }

  private static String jetstream(ExplorerProcess process) throws Exception {
    return Json.read(process.get("/observe/health").body())
        .at("/components/jetstream/status")
        .asText();
  }

  private static void awaitReadiness(ExplorerProcess process) {
    await()
        .atMost(Duration.ofMinutes(1))
        .until(() -> process.get("/observe/health/readiness").statusCode() == 200);
  }

  @Test
  void noQueryFailsNothingIsLostAndTheWorkMovesToTheNewOne() throws Exception {
    World world = new World(83, 200);
    StoppableClock clock = new StoppableClock(Duration.ZERO);
    Instant since = clock.instant();
    List<String> failures = new CopyOnWriteArrayList<>();
    AtomicLong answers = new AtomicLong();
    AtomicBoolean over = new AtomicBoolean();
    List<ExplorerProcess> started = new ArrayList<>();
    try (JetstreamServer server = new JetstreamServer(world, Misbehaviour.NONE, clock, 0);
        RedisServer redis = new RedisServer(folder.resolve("redis"))) {
      redis.start();
      started.add(start(server.url(), redis.url(), since).awaitReady());
      AtomicReference<ExplorerProcess> serving = new AtomicReference<>(started.get(0));
      Archived.awaitFlow(serving.get());
      awaitReadiness(serving.get());
      assertThat(jetstream(serving.get())).isEqualTo("UP");
      CompletableFuture<Void> asking =
          CompletableFuture.runAsync(
              () -> {
                while (!over.get()) {
                  ExplorerProcess asked = serving.get();
                  int status = asked.get("/api/v1/posts?text=the&limit=5").statusCode();
                  if (status == 200) {
                    answers.incrementAndGet();
                  } else {
                    failures.add(status + " of " + asked.address());
                  }
                }
              });
      for (int upgrade = 0; upgrade < UPGRADES; upgrade++) {
        ExplorerProcess old = serving.get();
        ExplorerProcess fresh = start(server.url(), redis.url(), since).awaitReady();
        started.add(fresh);
        awaitReadiness(fresh);
        assertThat(jetstream(fresh)).as("while the old one reads").isEqualTo("STANDBY");
        // What a Service does when the new one is ready, before the old one is told to end.
        serving.set(fresh);
        Instant asked = Instant.now();
        old.close();
        await().atMost(Duration.ofSeconds(30)).until(() -> jetstream(fresh).equals("UP"));
        Archived.awaitFlow(fresh);
        assertThat(Duration.between(asked, Instant.now())).isLessThan(Duration.ofMinutes(1));
      }
      over.set(true);
      asking.join();
      assertThat(failures).isEmpty();
      assertThat(answers.get()).isPositive();
      clock.pause();
      Instant end = clock.instant();
      Archived.awaitAll(serving.get(), world, end, Duration.ofSeconds(90));
      assertThat(serving.get().json("/api/v1/completeness").get("gaps")).isEmpty();
      serving.get().close();
      Oracle.Verdict verdict =
          new Oracle(List.of(world), server).compare(folder.resolve("data"), since, end);
      assertThat(verdict.isClean()).as(verdict.toString()).isTrue();
      assertThat(verdict.due()).isPositive();
    } finally {
      over.set(true);
      started.forEach(ExplorerProcess::close);
    }
  }
}
