package routes.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import org.apache.camel.CamelContext;
import org.apache.camel.test.spring.junit5.CamelSpringBootTest;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.boot.test.web.client.TestRestTemplate;
import org.springframework.test.annotation.DirtiesContext;
import org.springframework.test.context.DynamicPropertyRegistry;
import org.springframework.test.context.DynamicPropertySource;
import routes.Explorer;
import routes.fixtures.RedisFixture;
import routes.fixtures.StoredEvents;
import routes.fixtures.TestFolders;
import routes.jetstream.Json;
import routes.oracle.Archived;
import routes.simulator.JetstreamServer;
import routes.simulator.Misbehaviour;
import routes.simulator.World;

/**
 * From a simulator that sends junk and repeats itself, through a Redis that is not ours, to the
 * API.
 */
@CamelSpringBootTest
@SpringBootTest(
    classes = Explorer.class,
    webEnvironment = SpringBootTest.WebEnvironment.RANDOM_PORT)
@DirtiesContext
class PipelineTest {

  private static final Instant END = Instant.parse("2026-07-04T14:38:08Z");
  private static final Instant START = END.minusSeconds(20);
  private static final World WORLD = new World(11, 500);

  @RegisterExtension static final RedisFixture REDIS = new RedisFixture();

  private static JetstreamServer jetstream;
  private static Path folder;

  @Autowired private TestRestTemplate http;
  @Autowired private CamelContext camel;

  @DynamicPropertySource
  static void properties(DynamicPropertyRegistry registry) {
    folder = TestFolders.create("pipeline-test");
    Misbehaviour misbehaviour =
        new Misbehaviour(11, 0, 0, 0.01, 0.02, Duration.ofSeconds(1), 0, Duration.ZERO);
    jetstream = new JetstreamServer(WORLD, misbehaviour, Clock.fixed(END, ZoneOffset.UTC), 0);
    registry.add("explorer.data-dir", () -> folder.resolve("data").toString());
    registry.add("explorer.routes-dir", () -> folder.resolve("routes").toString());
    registry.add("explorer.redis.url", REDIS::url);
    registry.add("explorer.redis.key", () -> "test:" + UUID.randomUUID());
    registry.add("explorer.jetstream.hosts", () -> jetstream.url());
    registry.add("explorer.jetstream.start", START::toString);
    registry.add("explorer.drain.schedule", () -> "* * * * * ?");
    registry.add("explorer.identity.url", () -> "");
  }

  @AfterAll
  static void stop() {
    jetstream.close();
  }

  @Test
  void whatHappenedIsStoredOnceAndFound() throws Exception {
    Set<JsonNode> due = new HashSet<>();
    Map<String, JsonNode> posts = new HashMap<>();
    Set<String> deleted = new HashSet<>();
    Set<String> edited = new HashSet<>();
    for (long n = WORLD.numberAt(START.toEpochMilli() * 1000 - WORLD.spreadUs());
        WORLD.timeUs(n) <= END.toEpochMilli() * 1000;
        n++) {
      if (WORLD.timeUs(n) < START.toEpochMilli() * 1000) {
        continue;
      }
      JsonNode event = Json.read(WORLD.frame(n));
      due.add(event);
      JsonNode commit = event.path("commit");
      if (commit.path("collection").asText().equals("app.bsky.feed.post")) {
        String uri =
            "at://"
                + event.get("did").textValue()
                + "/app.bsky.feed.post/"
                + commit.get("rkey").textValue();
        if (commit.get("operation").textValue().equals("create")) {
          posts.put(uri, commit.get("record"));
        } else if (commit.get("operation").textValue().equals("delete")) {
          deleted.add(uri);
        } else {
          edited.add(uri);
        }
      }
    }
    await()
        .atMost(Duration.ofMinutes(1))
        .until(
            () -> Json.read(http.getForObject("/api/v1/status", String.class)),
            status -> Archived.hasAll(status, WORLD, END));

    posts.keySet().removeAll(deleted);
    posts.keySet().removeAll(edited);
    // While the view of the newest commit is made, queries have the one before.
    JsonNode page =
        await()
            .atMost(Duration.ofMinutes(1))
            .until(
                () -> Json.read(http.getForObject("/search?limit=1000", String.class)),
                answer -> uris(answer).stream().noneMatch(deleted::contains));
    assertThat(page.get("meta").get("count").longValue()).isGreaterThanOrEqualTo(posts.size());
    int volcanoes = 0;
    for (var post : posts.entrySet()) {
      volcanoes +=
          post.getValue()
                  .get("text")
                  .textValue()
                  .toLowerCase(java.util.Locale.ROOT)
                  .contains("volcano")
              ? 1
              : 0;
    }
    assertThat(
            Json.read(http.getForObject("/search?text=VOLCANO", String.class))
                .get("meta")
                .get("count")
                .intValue())
        .isGreaterThanOrEqualTo(volcanoes);

    camel.getRouteController().stopRoute("ingest");
    StoredEvents stored = StoredEvents.in(folder.resolve("data"));
    Map<JsonNode, Integer> times = new HashMap<>();
    stored.events().forEach(event -> times.merge(event, 1, Integer::sum));
    assertThat(times.values()).containsOnly(1);
    // Not assertThat(…).containsAll(…), which compares each with each.
    assertThat(times.keySet().containsAll(due)).isTrue();
    assertThat(stored.deadLetters()).hasSizeGreaterThan(50);
  }

  private static Set<String> uris(JsonNode page) {
    Set<String> uris = new HashSet<>();
    page.get("results").forEach(result -> uris.add(result.get("id").textValue()));
    return uris;
  }
}
