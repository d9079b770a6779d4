package routes.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import routes.fixtures.ExplorerProcess;
import routes.fixtures.ExtractedJar;
import routes.fixtures.Frames;
import routes.fixtures.ScriptedJetstream;
import routes.fixtures.StoredEvents;

/** An orderly end of the real application. */
class ShutdownIT {

  private static final List<byte[]> FRAMES =
      IntStream.range(0, 500).mapToObj(i -> Frames.post(i, "post " + i)).toList();

  @TempDir Path folder;

  @Test
  void drainsOnceMoreWhenToldSo() throws Exception {
    runUntilBuffered("--explorer.drain.on-shutdown=true");
    assertThat(StoredEvents.in(folder.resolve("data")).events()).hasSize(500);
  }

  @Test
  void leavesWhatWaitsToTheNextStartOtherwise() throws Exception {
    runUntilBuffered("--explorer.drain.on-shutdown=false");
    assertThat(StoredEvents.in(folder.resolve("data")).events()).isEmpty();
    try (ExplorerProcess again =
        new ExplorerProcess(
                folder,
                ExtractedJar.program(),
                "--explorer.roles=drain,query",
                "--explorer.drain.schedule=* * * * * ?")
            .awaitReady()) {
      await().atMost(Duration.ofSeconds(30)).until(() -> again.rows("posts") == 500);
    }
  }

  private void runUntilBuffered(String onShutdown) throws Exception {
    try (ScriptedJetstream server = ScriptedJetstream.sending(FRAMES);
        ExplorerProcess explorer =
            new ExplorerProcess(
                    folder,
                    ExtractedJar.program(),
                    "--explorer.jetstream.hosts=" + server.url(),
                    "--explorer.drain.schedule=0 0 0 1 1 ? 2099",
                    onShutdown)
                .awaitReady()) {
      await()
          .atMost(Duration.ofSeconds(30))
          .until(
              () ->
                  explorer
                      .get("/observe/metrics")
                      .body()
                      .contains("explorer_ingest_events_total{camelContext=\"explorer\"} 500.0"));
    }
  }
}
