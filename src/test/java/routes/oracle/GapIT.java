package routes.oracle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import routes.fixtures.ExplorerProcess;
import routes.fixtures.ExtractedJar;
import routes.fixtures.Processes;
import routes.fixtures.StoppableClock;
import routes.simulator.JetstreamServer;
import routes.simulator.Misbehaviour;
import routes.simulator.World;

/** Outages longer than a host holds what happened: known, shown, and filled where any host can. */
@Order(2)
class GapIT {

  private static final Duration HELD = Duration.ofSeconds(2);
  private static final Duration OUTAGE = Duration.ofSeconds(9);

  @TempDir Path folder;

  private final StoppableClock clock = new StoppableClock(Duration.ZERO);
  private final World world = new World(79, 200);

  private ExplorerProcess start(Instant start, String hosts) throws Exception {
    Path routes = Files.createDirectories(folder.resolve("routes"));
    String ingest = Files.readString(Path.of("src/main/resources/routes/ingest.camel.yaml"));
    // Blocks are as long as they are by themselves: the one that is read again, of all that the
    // host
    // still holds, has to reach over the moment in which the other reader begins.
    Files.writeString(
        routes.resolve("ingest.camel.yaml"),
        ingest.replace(
            "parameters:",
            "parameters:\n        rewind: 1s\n        hostRewind: 3s\n        stretchDelay: 1s"));
    return new ExplorerProcess(
            folder,
            ExtractedJar.program(),
            "--explorer.jetstream.hosts=" + hosts,
            "--explorer.jetstream.start=" + start,
            "--explorer.drain.schedule=* * * * * ?")
        .awaitReady();
  }

  private static void awaitOutage() {
    Instant since = Instant.now();
    await()
        .atMost(OUTAGE.plusSeconds(10))
        .until(() -> Duration.between(since, Instant.now()).compareTo(OUTAGE) >= 0);
  }

  @Test
  void aGapThatNoHostHoldsIsInTheLedgerAndInEveryAnswer() throws Exception {
    try (JetstreamServer server = new JetstreamServer(world, Misbehaviour.NONE, clock, 0)) {
      server.hold(HELD);
      Instant start = clock.instant();
      try (ExplorerProcess first = start(start, server.url())) {
        Archived.awaitFlow(first);
        assertThat(first.json("/api/v1/completeness").get("gaps")).isEmpty();
        // Until there is a view of a commit, an answer is made from nothing, and says so.
        await()
            .until(
                () ->
                    first
                        .json("/search")
                        .get("meta")
                        .get("completeness")
                        .get("complete")
                        .asBoolean());
      }
      awaitOutage();
      ExplorerProcess second = start(start, server.url());
      Archived.awaitFlow(second);
      JsonNode one = second.json("/api/v1/completeness");
      assertThat(one.get("gaps")).hasSize(1);
      assertThat(one.get("gaps").get(0).get("reason").asText()).isEqualTo("stopped");
      assertThat(one.get("complete").asBoolean()).isFalse();
      second.kill();
      Processes.killRedis(folder.resolve("data"));
      awaitOutage();
      try (ExplorerProcess third = start(start, server.url())) {
        Archived.awaitFlow(third);
        JsonNode gaps = third.json("/api/v1/completeness").get("gaps");
        assertThat(gaps).hasSize(2);
        assertThat(gaps.get(1).get("reason").asText()).isEqualTo("disconnected");
        assertThat(gaps.get(1).get("seconds").asDouble()).isGreaterThan(OUTAGE.toSeconds() - 4.0);
        String from = gaps.get(1).get("from").asText();
        String to = gaps.get(1).get("to").asText();
        // Until there is a view of the commit behind the gap, an answer knows of none.
        JsonNode across =
            await()
                .until(
                    () ->
                        third
                            .json("/search?start=" + from + "&end=" + to)
                            .get("meta")
                            .get("completeness"),
                    answer -> answer.get("gaps").asInt() == 1);
        assertThat(across.get("complete").asBoolean()).isFalse();
        assertThat(across.get("covered").asDouble()).isZero();
        Instant begin = Instant.parse(third.json("/api/v1/completeness").get("begin").asText());
        JsonNode before =
            third
                .json("/search?start=" + begin + "&end=" + begin.plusMillis(500))
                .get("meta")
                .get("completeness");
        assertThat(before.get("complete").asBoolean()).isTrue();
        var export = third.get("/export?start=" + from + "&end=" + to);
        assertThat(export.headers().firstValue("Archive-Complete")).contains("false");
        assertThat(third.get("/observe/metrics").body())
            .containsPattern("explorer_gaps(\\{[^}]*})? 2.0");
        assertThat(third.json("/api/v1/status").get("completeness").get("gaps").asInt())
            .isEqualTo(2);
      }
    }
  }

  @Test
  void aGapThatAnotherHostHoldsIsFilledByItself() throws Exception {
    World later = world.later(700_000);
    try (JetstreamServer forgetful = new JetstreamServer(world, Misbehaviour.NONE, clock, 0);
        JetstreamServer good = new JetstreamServer(later, Misbehaviour.NONE, clock, 0)) {
      forgetful.hold(HELD);
      Instant start = clock.instant();
      String hosts = forgetful.url() + "," + good.url();
      ExplorerProcess first = start(start, hosts);
      Archived.awaitFlow(first);
      first.kill();
      awaitOutage();
      Instant begin;
      try (ExplorerProcess second = start(start, hosts)) {
        Archived.awaitFlow(second);
        await()
            .atMost(Duration.ofSeconds(60))
            .until(
                () -> second.json("/api/v1/completeness"),
                known -> known.get("filled").size() == 1 && known.get("complete").asBoolean());
        assertThat(second.log()).contains("reading it again").contains("read again what happened");
        begin = Instant.parse(second.json("/api/v1/completeness").get("begin").asText());
        clock.stop();
        Archived.awaitAll(second, world, clock.instant(), Duration.ofSeconds(90));
      }
      Oracle.Verdict verdict =
          new Oracle(List.of(world, later), forgetful, good)
              .compare(
                  folder.resolve("data"), begin.plusSeconds(1), clock.instant().minusSeconds(2));
      assertThat(verdict.isClean()).as("%s", verdict).isTrue();
    }
  }
}
