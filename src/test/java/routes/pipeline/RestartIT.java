package routes.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import routes.fixtures.ExplorerProcess;
import routes.fixtures.StoredEvents;
import routes.jetstream.Json;
import routes.simulator.JetstreamServer;
import routes.simulator.Misbehaviour;
import routes.simulator.World;

/**
 * Stops and starts the real application at random moments under load, and compares what is stored
 * with the world it came from.
 */
class RestartIT {

  private static final int STOPS = 10;
  private static final double EVENTS_PER_SECOND = 200;

  @TempDir Path folder;

  @Test
  void theArchiveEqualsTheModelAfterTenStopsAtRandomMoments() throws Exception {
    long seed = Long.getLong("seed", System.nanoTime());
    Random random = new Random(seed);
    World world = new World(seed, EVENTS_PER_SECOND);
    StoppableClock clock = new StoppableClock();
    Instant start = Instant.now().minusSeconds(20);
    // The built-in route, only that it does not wait a minute for a host that fell silent.
    Path routes = Files.createDirectories(folder.resolve("routes"));
    String ingest = Files.readString(Path.of("src/main/resources/routes/ingest.camel.yaml"));
    Files.writeString(
        routes.resolve("ingest.camel.yaml"),
        ingest.replace("parameters:", "parameters:\n        idleTimeout: 2s\n        rewind: 3s"));
    String[] arguments = {
      "", "--explorer.drain.schedule=0/2 * * * * ?", "--explorer.jetstream.start=" + start
    };
    try (JetstreamServer server = new JetstreamServer(world, Misbehaviour.some(seed), clock, 0)) {
      arguments[0] = "--explorer.jetstream.hosts=" + server.url();
      for (int stop = 0; stop < STOPS; stop++) {
        try (ExplorerProcess explorer = new ExplorerProcess(folder, arguments)) {
          explorer.awaitReady();
          long moment = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(random.nextInt(4000));
          await().pollInterval(Duration.ofMillis(10)).until(() -> System.nanoTime() >= moment);
        }
      }
      clock.stop();
      long endUs = clock.millis() * 1000;
      long startUs = start.toEpochMilli() * 1000;
      long newestUs = 0;
      // The server waits at the first event that is yet to come; what is behind it is not due
      // either.
      for (long n = world.numberAt(startUs); world.timeUs(n) <= endUs; n++) {
        newestUs = Math.max(newestUs, world.timeUs(n));
      }
      Instant newest = Instant.EPOCH.plus(newestUs, ChronoUnit.MICROS);
      try (ExplorerProcess explorer = new ExplorerProcess(folder, arguments).awaitReady()) {
        await()
            .during(Duration.ofSeconds(3))
            .atMost(Duration.ofMinutes(2))
            .until(() -> explorer.json("/api/v1/status"), status -> isAllArchived(status, newest));
      }
      assertEqual(StoredEvents.in(folder.resolve("data")), world, server, startUs, endUs, seed);
    }
  }

  private static boolean isAllArchived(JsonNode status, Instant newest) {
    String position = status.get("archive").path("position").asText();
    return status.get("buffer").get("blocks").asLong() == 0
        && !position.isEmpty()
        && !Instant.parse(position).isBefore(newest);
  }

  private static void assertEqual(
      StoredEvents stored, World world, JetstreamServer server, long startUs, long endUs, long seed)
      throws Exception {
    Map<JsonNode, Integer> found = new HashMap<>();
    stored.events().forEach(event -> found.merge(event, 1, Integer::sum));
    Map<String, Integer> dead = new HashMap<>();
    stored
        .deadLetters()
        .forEach(
            frame -> dead.merge(new String(frame, StandardCharsets.ISO_8859_1), 1, Integer::sum));
    Set<JsonNode> model = new HashSet<>();
    Set<String> junk = new HashSet<>();
    int lost = 0;
    // Reading starts a little earlier than asked for, and the host rewinds too; that is no
    // invention.
    long earliest = world.numberAt(startUs - 120_000_000);
    for (long n = earliest; world.timeUs(n) <= endUs; n++) {
      JsonNode event = Json.read(world.frame(n));
      model.add(event);
      boolean due = world.timeUs(n) >= startUs;
      lost += due && !found.containsKey(event) ? 1 : 0;
      var before =
          server.junkBefore(n).map(frame -> new String(frame, StandardCharsets.ISO_8859_1));
      before.ifPresent(junk::add);
      lost += due && before.isPresent() && !dead.containsKey(before.get()) ? 1 : 0;
    }
    assertThat(lost).as("lost, seed %d", seed).isZero();
    assertThat(found.values()).as("twice, seed %d", seed).containsOnly(1);
    assertThat(model.containsAll(found.keySet())).as("invented or changed, seed %d", seed).isTrue();
    assertThat(dead.values()).as("junk twice, seed %d", seed).containsOnly(1);
    assertThat(junk).as("invented junk, seed %d", seed).containsAll(dead.keySet());
  }

  /** The system's clock, until it is stopped. */
  private static final class StoppableClock extends Clock {

    private volatile Instant stopped;

    void stop() {
      stopped = Instant.now();
    }

    @Override
    public ZoneId getZone() {
      return ZoneOffset.UTC;
    }

    @Override
    public Clock withZone(ZoneId zone) {
      throw new UnsupportedOperationException("the test's clock has no other zone");
    }

    @Override
    public Instant instant() {
      return stopped == null ? Instant.now() : stopped;
    }
  }
}
