package routes.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.StringReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVRecord;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import routes.fixtures.CanonicalJson;
import routes.fixtures.ExplorerProcess;
import routes.fixtures.ScriptedJetstream;
import routes.fixtures.SharedData;
import routes.fixtures.StoredEvents;
import routes.jetstream.Json;

/**
 * Every event of the real network that lies beside the checkout, and every hostile one, through the
 * real application.
 */
class RealEventsIT {

  @TempDir Path folder;

  @Test
  void everyEventIsInOneTableWholeOrADeadLetterWithAReason() throws Exception {
    List<byte[]> frames = new ArrayList<>(SharedData.real());
    frames.addAll(SharedData.hostile());
    List<JsonNode> posts = new ArrayList<>();
    try (ScriptedJetstream server = ScriptedJetstream.sending(frames);
        ExplorerProcess explorer =
            new ExplorerProcess(
                    folder,
                    "--explorer.jetstream.hosts=" + server.url(),
                    "--explorer.drain.schedule=* * * * * ?",
                    "--explorer.query.row-cap=0")
                .awaitReady()) {
      await()
          .atMost(Duration.ofMinutes(1))
          .until(
              () ->
                  explorer.rows("ledger") > 0
                      && explorer.json("/api/v1/status").get("buffer").get("blocks").asLong() == 0);
      for (byte[] frame : SharedData.real()) {
        JsonNode event = Json.read(frame);
        if (event.path("commit").path("collection").asText().equals("app.bsky.feed.post")
            && event.get("commit").has("record")) {
          posts.add(event);
        }
      }
      assertFound(explorer, posts);
      assertExported(explorer, posts);
    }
    StoredEvents stored = StoredEvents.in(folder.resolve("data"));
    Map<String, Integer> found = new HashMap<>();
    stored.events().forEach(event -> found.merge(CanonicalJson.of(event), 1, Integer::sum));
    Set<String> dead = new HashSet<>();
    stored.deadLetters().forEach(frame -> dead.add(new String(frame, StandardCharsets.UTF_8)));
    for (byte[] frame : frames) {
      String text = new String(frame, StandardCharsets.UTF_8);
      int tables =
          dead.contains(text)
              ? 0
              : found.getOrDefault(CanonicalJson.of(withoutCursor(Json.read(frame))), 0);
      assertThat(tables + (dead.contains(text) ? 1 : 0))
          .as(text.substring(0, Math.min(300, text.length())))
          .isEqualTo(1);
    }
    assertThat(stored.reasons()).hasSize(5).allMatch(reason -> reason.length() > 20);
    assertThat(stored.events()).hasSize(frames.size() - 5);
    assertThat(stored.ledgerEvents()).isEqualTo(frames.size());
  }

  private static void assertFound(ExplorerProcess explorer, List<JsonNode> posts) {
    for (JsonNode post : posts) {
      String text = post.get("commit").get("record").get("text").textValue().strip();
      if (text.isEmpty()) {
        continue;
      }
      String part =
          text.substring(
                  0,
                  text.offsetByCodePoints(0, Math.min(12, text.codePointCount(0, text.length()))))
              .strip();
      if (part.startsWith("#")) {
        part += "*"; // else it is a hashtag, and that has to be whole
      }
      String uri =
          "at://"
              + post.get("did").textValue()
              + "/app.bsky.feed.post/"
              + post.get("commit").get("rkey").textValue();
      JsonNode answer =
          explorer.json("/search?deleted=include&limit=1000&text=" + ExplorerProcess.encode(part));
      assertThat(answer.get("results"))
          .as(part)
          .anyMatch(result -> result.get("id").textValue().equals(uri));
    }
  }

  private static void assertExported(ExplorerProcess explorer, List<JsonNode> posts)
      throws IOException {
    Set<String> texts = new HashSet<>();
    String csv = explorer.get("/export?deleted=include").body();
    assertThat(csv).startsWith("Timestamp,Username,Post Preview\r\n");
    for (CSVRecord row : CSVFormat.RFC4180.parse(new StringReader(csv))) {
      assertThat(row.size()).isEqualTo(3);
      texts.add(row.get(2));
    }
    for (JsonNode post : posts) {
      assertThat(texts).contains(post.get("commit").get("record").get("text").textValue());
    }
  }

  /** The sequence number that a v2 host adds is not kept. */
  private static JsonNode withoutCursor(JsonNode event) {
    return event instanceof ObjectNode object ? object.without("cursor") : event;
  }
}
