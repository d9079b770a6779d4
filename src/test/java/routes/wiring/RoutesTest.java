package routes.wiring;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.micrometer.core.instrument.MeterRegistry;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.zip.GZIPInputStream;
import org.apache.camel.CamelContext;
import org.apache.camel.ProducerTemplate;
import org.apache.camel.Route;
import org.apache.camel.builder.AdviceWith;
import org.apache.camel.component.mock.MockEndpoint;
import org.apache.camel.test.spring.junit5.CamelSpringBootTest;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.test.autoconfigure.actuate.observability.AutoConfigureObservability;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.boot.test.web.client.TestRestTemplate;
import org.springframework.data.redis.connection.MessageListener;
import org.springframework.data.redis.listener.ChannelTopic;
import org.springframework.data.redis.listener.RedisMessageListenerContainer;
import org.springframework.http.HttpMethod;
import org.springframework.http.HttpStatus;
import org.springframework.http.HttpStatusCode;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.test.annotation.DirtiesContext;
import org.springframework.test.context.DynamicPropertyRegistry;
import org.springframework.test.context.DynamicPropertySource;
import routes.Explorer;
import routes.archive.Archive;
import routes.archive.TableName;
import routes.buffer.BlockStream;
import routes.fixtures.Frames;
import routes.fixtures.ScriptedJetstream;
import routes.fixtures.TestFolders;
import routes.jetstream.JetstreamEndpoint;
import routes.jetstream.JetstreamStatus;
import routes.jetstream.Json;
import routes.search.EngagementCounter;

/** Each route in YAML, in the application, against a real Redis. */
@CamelSpringBootTest
@SpringBootTest(
    classes = Explorer.class,
    webEnvironment = SpringBootTest.WebEnvironment.RANDOM_PORT)
@AutoConfigureObservability
@DirtiesContext
class RoutesTest {

  private static ScriptedJetstream jetstream;
  private static Path folder;

  @Autowired private CamelContext camel;
  @Autowired private ProducerTemplate template;
  @Autowired private TestRestTemplate http;
  @Autowired private BlockStream stream;
  @Autowired private Archive archive;
  @Autowired private MeterRegistry meters;
  @Autowired private RedisMessageListenerContainer listeners;

  static void start() throws IOException {
    folder = TestFolders.create("routes-test");
    jetstream =
        ScriptedJetstream.sending(
            java.util.List.of(
                Frames.identity(Frames.ALICE, 1, "alice.test"),
                Frames.post(2, "a volcano, \"quoted\"\nin two lines"),
                Frames.post(3, "another 火山"),
                Frames.bytes("junk")));
  }

  @AfterAll
  static void stop() {
    jetstream.close();
  }

  @DynamicPropertySource
  static void properties(DynamicPropertyRegistry registry) throws IOException {
    start();
    registry.add("explorer.data-dir", () -> folder.resolve("data").toString());
    registry.add("explorer.routes-dir", () -> folder.resolve("routes").toString());
    registry.add("explorer.jetstream.hosts", () -> jetstream.url());
    registry.add("explorer.drain.schedule", () -> "0 0 0 1 1 ? 2099");
    for (String task : new String[] {"expire", "compact", "retain", "leftovers", "dead-letters"}) {
      registry.add("explorer." + task + ".schedule", () -> "0 0 0 1 1 ? 2099");
    }
    registry.add("explorer.compact.hours-schedule", () -> "0 0 0 1 1 ? 2099");
    registry.add("explorer.identity.url", () -> "");
    registry.add("explorer.sql.enabled", () -> "true");
    registry.add("explorer.api.export-rows-per-day", () -> "20");
    registry.add("server.forward-headers-strategy", () -> "native");
    registry.add("server.tomcat.remoteip.internal-proxies", () -> "127\\.0\\.0\\.1");
  }

  @Test
  void everyRouteIsTestedHere() {
    Set<String> routes =
        camel.getRoutes().stream().map(Route::getRouteId).collect(Collectors.toSet());
    assertThat(routes)
        .containsExactlyInAnyOrder(
            "ingest",
            "fill",
            "drain-schedule",
            "drain",
            "commit-news",
            "expire",
            "compact",
            "compact-hours",
            "retain",
            "count-engagement",
            "leftovers",
            "dead-letters-schedule",
            "retry-dead-letters",
            "api",
            "search",
            "posts",
            "export",
            "export-posts",
            "export-manifest",
            "export-estimate",
            "stream",
            "actor",
            "summary",
            "sql",
            "sql-sent",
            "sql-answer",
            "scores",
            "scores-sent",
            "scores-removed",
            "json-or-csv",
            "volume",
            "post",
            "thread",
            "top",
            "status",
            "table-files",
            "completeness",
            "dead-letters",
            "retention",
            "openapi",
            "openapi-json",
            "json",
            "commit-heard",
            "hot-tail");
  }

  @Test
  void ingestKeepsWhatJetstreamSends() {
    await().until(() -> !stream.newest(1).isEmpty() || archive.position().isPresent());
    assertThat(meters.counter("explorer.ingest.events", "camelContext", "explorer").count())
        .isGreaterThanOrEqualTo(4);
  }

  @Test
  void drainScheduleStartsADrain() throws Exception {
    AdviceWith.adviceWith(
        camel,
        "drain-schedule",
        route -> {
          route.replaceFromWith("direct:on-time");
          route.weaveByToUri("direct:drain").replace().to("mock:drain");
        });
    camel.getRouteController().startRoute("drain-schedule");
    MockEndpoint mock = camel.getEndpoint("mock:drain", MockEndpoint.class);
    mock.expectedMessageCount(1);
    template.sendBody("direct:on-time", null);
    mock.assertIsSatisfied();
  }

  @Test
  void drainArchivesAndTellsOfIt() throws Exception {
    CountDownLatch news = new CountDownLatch(1);
    MessageListener listener = (message, pattern) -> news.countDown();
    listeners.addMessageListener(listener, new ChannelTopic("explorer:commits"));
    stream.append(block(Frames.post(77, "told")));
    template.sendBody("direct:drain", null);
    assertThat(news.await(10, TimeUnit.SECONDS)).isTrue();
    listeners.removeMessageListener(listener);
    assertThat(archive.snapshot(TableName.POSTS).rows()).isPositive();
    assertThat(meters.counter("explorer.rows", "table", "posts").count()).isPositive();
  }

  @Test
  void drainReportsAFailureAndGoesOn() throws Exception {
    PipelineMetrics metrics =
        camel.getRegistry().lookupByNameAndType("pipelineMetrics", PipelineMetrics.class);
    metrics.batchFailed(new IllegalStateException("the disk is full"));
    ResponseEntity<String> sick = http.getForEntity("/observe/health", String.class);
    assertThat(sick.getStatusCode()).isEqualTo(HttpStatus.SERVICE_UNAVAILABLE);
    assertThat(sick.getBody()).contains("the disk is full");
    template.sendBody("direct:drain", null);
    assertThat(http.getForEntity("/observe/health", String.class).getStatusCode())
        .isEqualTo(HttpStatus.OK);
  }

  @Test
  void commitNewsNeverFailsADrain() {
    template.sendBody("direct:commit-news", "some news");
    assertThat(camel.getRoute("commit-news")).isNotNull();
  }

  @Test
  void expireForgetsOldCommits() throws Exception {
    AdviceWith.adviceWith(camel, "expire", route -> route.replaceFromWith("direct:expire"));
    camel.getRouteController().startRoute("expire");
    assertThat(template.requestBody("direct:expire", null, Integer.class)).isNotNegative();
  }

  @Test
  void fillIsIdleWhileThereIsNoGap() {
    await()
        .until(
            () ->
                camel.getEndpoints().stream()
                    .filter(JetstreamEndpoint.class::isInstance)
                    .map(JetstreamEndpoint.class::cast)
                    .filter(JetstreamEndpoint::isFilling)
                    .flatMap(endpoint -> endpoint.status().stream())
                    .anyMatch(status -> status.state() == JetstreamStatus.State.IDLE));
  }

  @Test
  void upkeepRunsAndItsFailuresAreShown() throws Exception {
    archived();
    for (String task : new String[] {"compact", "compact-hours", "leftovers"}) {
      AdviceWith.adviceWith(camel, task, route -> route.replaceFromWith("direct:" + task));
      camel.getRouteController().startRoute(task);
    }
    Path data = archive.snapshot(TableName.POSTS).files().get(0).path();
    // Another file of that date, so that there is something to compact.
    stream.append(block(Frames.post(88, "one more")));
    template.sendBody("direct:drain", null);
    byte[] bytes = java.nio.file.Files.readAllBytes(data);
    byte[] damaged = bytes.clone();
    damaged[damaged.length / 2] ^= 1;
    java.nio.file.Files.write(data, damaged);
    template.sendBody("direct:compact", null);
    assertThat(http.getForEntity("/observe/health", String.class).getBody())
        .contains("UPKEEP_FAILED")
        .contains(data.getFileName().toString());
    assertThat(meters.counter("explorer.upkeep.failures", "task", "compaction").count())
        .isEqualTo(1);
    java.nio.file.Files.write(data, bytes);
    template.sendBody("direct:compact-hours", null);
    template.sendBody("direct:compact", null);
    assertThat(http.getForEntity("/observe/health", String.class).getBody())
        .doesNotContain("UPKEEP_FAILED");
    assertThat(archive.snapshot(TableName.POSTS).files()).hasSize(1);
    template.sendBody("direct:leftovers", null);
    assertThat(http.getForEntity("/observe/health", String.class).getBody())
        .doesNotContain("UPKEEP_FAILED");
  }

  @Test
  void deadLettersScheduleGivesThemAnotherTry() throws Exception {
    archived();
    AdviceWith.adviceWith(
        camel,
        "dead-letters-schedule",
        route -> {
          route.replaceFromWith("direct:letters-on-time");
          route.weaveAddLast().to("mock:retried");
        });
    camel.getRouteController().startRoute("dead-letters-schedule");
    MockEndpoint mock = camel.getEndpoint("mock:retried", MockEndpoint.class);
    mock.expectedMessageCount(1);
    template.sendBody("direct:letters-on-time", null);
    mock.assertIsSatisfied();
    assertThat(mock.getReceivedExchanges().get(0).getMessage().getBody(String.class))
        .contains("tried=1")
        .contains("left=1");
  }

  @Test
  void completenessTellsWhatIsCovered() throws Exception {
    archived();
    JsonNode all = json("/api/v1/completeness");
    assertThat(all.get("complete").booleanValue()).isTrue();
    assertThat(all.get("covered").doubleValue()).isEqualTo(1);
    assertThat(all.get("events").longValue()).isGreaterThanOrEqualTo(4);
    assertThat(all.get("gaps")).isEmpty();
    assertThat(all.get("filled")).isEmpty();
    assertThat(all.get("suspect")).isEmpty();
    JsonNode day = json("/api/v1/completeness?start=2026-07-04&end=2026-07-04");
    assertThat(day.get("complete").booleanValue()).isFalse();
    assertThat(day.get("from").textValue()).isEqualTo("2026-07-04T00:00:00Z");
    assertThat(day.get("to").textValue()).isEqualTo("2026-07-05T00:00:00Z");
    assertThat(http.getForEntity("/api/v1/completeness?start=never", String.class).getStatusCode())
        .isEqualTo(HttpStatus.BAD_REQUEST);
    assertThat(
            json("/search?start=2026-07-04&end=2026-07-04")
                .get("meta")
                .get("completeness")
                .get("complete")
                .booleanValue())
        .isFalse();
    assertThat(json("/api/v1/status").get("completeness").get("gaps").intValue()).isZero();
  }

  @Test
  void deadLettersAreListed() throws Exception {
    archived();
    JsonNode answer = json("/api/v1/dead-letters?reason=not-json&limit=10");
    assertThat(answer.get("total").longValue()).isEqualTo(1);
    assertThat(answer.get("reasons").get("not-json").longValue()).isEqualTo(1);
    JsonNode letter = answer.get("deadLetters").get(0);
    assertThat(letter.get("text").textValue()).isEqualTo("junk");
    assertThat(letter.get("hex").textValue()).isEqualTo("6a756e6b");
    assertThat(letter.get("size").intValue()).isEqualTo(4);
    assertThat(letter.get("host").textValue()).isEqualTo(jetstream.url());
    assertThat(letter.get("time").textValue()).isNotBlank();
    assertThat(letter.get("detail").textValue()).contains("not JSON");
    assertThat(json("/api/v1/dead-letters?reason=nothing").get("deadLetters")).isEmpty();
    assertThat(json("/api/v1/dead-letters?page=2").get("deadLetters")).isEmpty();
    assertThat(http.getForEntity("/api/v1/dead-letters?limit=0", String.class).getStatusCode())
        .isEqualTo(HttpStatus.BAD_REQUEST);
  }

  private static routes.jetstream.Block block(byte[]... frames) {
    return new routes.jetstream.Block(
        "h", "c", false, 1, 1, java.time.Instant.now(), java.util.List.of(frames));
  }

  @Test
  void commitHeardPreparesTheNextQuery() throws Exception {
    MockEndpoint mock = camel.getEndpoint("mock:heard", MockEndpoint.class);
    AdviceWith.adviceWith(camel, "commit-heard", route -> route.weaveAddLast().to("mock:heard"));
    camel.getRouteController().startRoute("commit-heard");
    mock.expectedMinimumMessageCount(1);
    template.sendBody("direct:commit-news", "some news");
    mock.assertIsSatisfied(10_000);
  }

  @Test
  void searchAnswersWithAPage() throws Exception {
    archived();
    JsonNode answer = json("/search?text=volcano");
    assertThat(answer.get("meta").get("count").intValue()).isEqualTo(1);
    JsonNode post = answer.get("results").get(0);
    assertThat(post.get("id").textValue())
        .isEqualTo("at://" + Frames.ALICE + "/app.bsky.feed.post/" + Frames.rkey(2));
    assertThat(post.get("username").textValue()).isEqualTo("alice.test");
    assertThat(post.get("timestamp").textValue()).isEqualTo("2026-07-04T14:38:08.001Z");
    assertThat(post.get("text").textValue()).isEqualTo("a volcano, \"quoted\"\nin two lines");
    assertThat(
            json("/search?text=火山&username=@Alice.test&start=2026-07-04&end=2026-07-04")
                .get("results"))
        .hasSize(1);
    assertThat(json("/search?username=" + Frames.ALICE + "&end_date=2026-07-03").get("results"))
        .isEmpty();
    assertThat(json("/search?username=nobody.test").get("meta").get("notice").textValue())
        .contains("nobody.test");
  }

  @Test
  void searchNamesTheParameterThatIsWrong() throws Exception {
    for (String[] wrong :
        new String[][] {
          {"start=2026-02-30", "start"},
          {"end=soon", "end"},
          {"start=2026-07-05&end=2026-07-04", "end"},
          {"start=2026-07-05&start_date=2026-07-04", "start_date"},
          {"exact=perhaps", "exact"},
          {"page=0", "page"},
          {"page=21", "page"},
          {"limit=1001", "limit"},
          {"limit=many", "limit"},
          {"username=a b", "username"},
          {"text=" + "x".repeat(501), "text"},
          {"text=a&text=b", "text"},
          {"txet=a", "txet"},
        }) {
      ResponseEntity<String> answer = http.getForEntity("/search?" + wrong[0], String.class);
      assertThat(answer.getStatusCode()).as(wrong[0]).isEqualTo(HttpStatus.BAD_REQUEST);
      assertThat(answer.getHeaders().getContentType())
          .isEqualTo(MediaType.APPLICATION_PROBLEM_JSON);
      JsonNode problem = Json.read(answer.getBody());
      assertThat(problem.get("parameter").textValue()).isEqualTo(wrong[1]);
      assertThat(problem.get("fix").textValue()).isNotBlank();
      assertThat(problem.get("status").intValue()).isEqualTo(400);
    }
  }

  @Test
  void answersDoNotEchoTheRequest() {
    ResponseEntity<String> answer =
        http.getForEntity("/search?text=evil%0d%0ainjected", String.class);
    assertThat(answer.getHeaders().toString()).doesNotContain("evil").doesNotContain("injected");
  }

  @Test
  void exportStreamsCsv() {
    archived();
    ResponseEntity<String> answer = http.getForEntity("/export?text=volcano", String.class);
    assertThat(answer.getHeaders().getContentType().toString()).startsWith("text/csv");
    assertThat(answer.getHeaders().getContentDisposition().getFilename())
        .matches("bluesky-posts-\\d{4}-\\d\\d-\\d\\d\\.csv");
    assertThat(answer.getBody())
        .isEqualTo(
            "Timestamp,Username,Post Preview\r\n\"2026-07-04T14:38:08.001Z\",\"alice.test\",\"a volcano, \"\"quoted\"\"\nin two lines\"\r\n");
    assertThat(http.getForEntity("/export?end=never", String.class).getStatusCode())
        .isEqualTo(HttpStatus.BAD_REQUEST);
  }

  @Test
  void postsHaveTheColumnsAskedFor() throws Exception {
    archived();
    JsonNode answer = json("/api/v1/posts?text=volcano&fields=text,uri,cid");
    assertThat(answer.at("/meta/count").intValue()).isEqualTo(1);
    assertThat(answer.at("/meta").has("cap")).as("the frontend's limit is not here").isFalse();
    List<String> names = new ArrayList<>();
    answer.at("/posts/0").fieldNames().forEachRemaining(names::add);
    assertThat(names).containsExactly("text", "uri", "cid");
    assertThat(json("/api/v1/posts?fields=all").at("/posts/0").size()).isGreaterThan(8);
    assertThat(json("/api/v1/posts").at("/posts/0").has("sort_at")).isTrue();
    assertThat(problem("/api/v1/posts?fields=colour", 400).get("fix").textValue())
        .contains("reply_root_uri");
  }

  @Test
  void exportsOfAllFormatsAreTheSameEachTime() throws Exception {
    archived();
    for (String format : List.of("csv", "ndjson", "parquet")) {
      String path = "/api/v1/export?text=volcano&format=" + format;
      ResponseEntity<byte[]> first = http.getForEntity(path, byte[].class);
      assertThat(first.getStatusCode()).isEqualTo(HttpStatus.OK);
      assertThat(first.getHeaders().getContentDisposition().getFilename()).endsWith("." + format);
      String pin = first.getHeaders().getFirst("Archive-Pin");
      assertThat(pin).matches("[0-9a-z]+-[0-9a-z]+");
      assertThat(first.getHeaders().getFirst("Archive-Complete")).isEqualTo("true");
      assertThat(http.getForEntity(path + "&pin=" + pin, byte[].class).getBody())
          .as(format)
          .isEqualTo(first.getBody());
    }
    JsonNode manifest =
        json("/api/v1/export/manifest?text=volcano&sample=5&seed=3&fields=uri,text");
    assertThat(manifest.get("rows").longValue()).isEqualTo(1);
    assertThat(manifest.at("/parameters/seed").textValue()).isEqualTo("3");
    assertThat(manifest.get("columns")).hasSize(2);
    assertThat(manifest.get("pin").textValue()).isNotBlank();
    JsonNode estimate = json("/api/v1/export/estimate?text=volcano");
    assertThat(estimate.get("rows").longValue()).isEqualTo(1);
    assertThat(estimate.get("bytes").longValue()).isPositive();
    assertThat(estimate.get("quotaLeft").longValue()).isBetween(0L, 20L);
    assertThat(http.getForEntity("/api/v1/export?offset=1&text=volcano", String.class).getBody())
        .hasLineCount(1);
    for (String bad :
        List.of("seed=1", "sample=0", "format=xml", "spreadsheet=1&format=parquet", "offset=-1")) {
      problem("/api/v1/export?" + bad, 400);
    }
  }

  private HttpStatusCode export(String forwardedFor) {
    var headers = new org.springframework.http.HttpHeaders();
    headers.set("X-Forwarded-For", forwardedFor);
    return http.exchange(
            "/api/v1/export",
            HttpMethod.GET,
            new org.springframework.http.HttpEntity<>(headers),
            String.class)
        .getStatusCode();
  }

  @Test
  void behindAProxyThatIsTrustedEveryAddressHasAQuotaOfItsOwn() throws Exception {
    archived();
    await().until(() -> export("203.0.113.7").isSameCodeAs(HttpStatus.TOO_MANY_REQUESTS));
    assertThat(export("203.0.113.8")).isEqualTo(HttpStatus.OK);
    assertThat(export("203.0.113.8, 203.0.113.7"))
        .as("what the address before the proxy has said itself is not believed")
        .isEqualTo(HttpStatus.TOO_MANY_REQUESTS);
  }

  /** By a client that does not hide it. */
  private HttpResponse<byte[]> get(String path, String encoding) throws Exception {
    try (HttpClient client = HttpClient.newHttpClient()) {
      return client.send(
          HttpRequest.newBuilder(URI.create(http.getRootUri() + path))
              .header("Accept-Encoding", encoding)
              .build(),
          HttpResponse.BodyHandlers.ofByteArray());
    }
  }

  @Test
  void answersAreCompressedWhereThatIsTaken() throws Exception {
    HttpResponse<byte[]> answer = get("/api/v1/openapi.json", "gzip");
    assertThat(answer.headers().firstValue("Content-Encoding")).contains("gzip");
    try (var plain = new GZIPInputStream(new ByteArrayInputStream(answer.body()))) {
      assertThat(Json.read(new String(plain.readAllBytes(), UTF_8)).has("openapi")).isTrue();
    }
    HttpResponse<byte[]> asItIs = get("/api/v1/openapi.json", "identity");
    assertThat(asItIs.headers().firstValue("Content-Encoding")).isEmpty();
    assertThat(Json.read(new String(asItIs.body(), UTF_8)).has("openapi")).isTrue();
  }

  @Test
  void anExportThatIsMoreThanTheQuotaIsRefused() throws Exception {
    archived();
    JsonNode refused = null;
    for (int i = 0; i < 25 && refused == null; i++) {
      ResponseEntity<String> answer = http.getForEntity("/api/v1/export", String.class);
      if (answer.getStatusCode() == HttpStatus.TOO_MANY_REQUESTS) {
        refused = Json.read(answer.getBody());
      }
    }
    assertThat(refused).isNotNull();
    assertThat(refused.get("detail").textValue()).contains("of today's 20");
    // What other tests of this class export has room again.
    ((com.github.benmanes.caffeine.cache.Cache<?, ?>)
            org.springframework.test.util.ReflectionTestUtils.getField(
                org.springframework.test.util.ReflectionTestUtils.getField(
                    camel.getRegistry().lookupByName("exportApi"), "quota"),
                "taken"))
        .invalidateAll();
  }

  @Test
  @Timeout(60)
  void streamSendsPostsAsTheyCome() throws Exception {
    archived();
    try (java.net.http.HttpClient client = java.net.http.HttpClient.newHttpClient()) {
      var answer =
          client.send(
              java.net.http.HttpRequest.newBuilder(
                      java.net.URI.create(
                          http.getRootUri() + "/api/v1/stream?text=streamed&fields=text"))
                  .timeout(Duration.ofSeconds(20))
                  .build(),
              java.net.http.HttpResponse.BodyHandlers.ofInputStream());
      assertThat(answer.headers().firstValue("Content-Type").orElseThrow())
          .startsWith("text/event-stream");
      try (var lines = new java.io.BufferedReader(new java.io.InputStreamReader(answer.body()))) {
        assertThat(lines.readLine()).isEqualTo("retry: 5000");
        stream.append(block(Frames.post(99, "streamed \n now")));
        String line = lines.readLine();
        while (!line.startsWith("data:")) {
          line = lines.readLine();
        }
        assertThat(line).isEqualTo("data: {\"text\":\"streamed \\n now\"}");
      }
    }
    problem("/api/v1/stream?min_likes=1", 400);
    problem("/api/v1/stream?username=nobody.test", 400);
  }

  @Test
  void actorTellsWhatIsKnownOfAnAccount() throws Exception {
    archived();
    for (String name : List.of("alice.test", "@Alice.test", Frames.ALICE)) {
      JsonNode alice = json("/api/v1/actors/" + name);
      assertThat(alice.get("did").textValue()).isEqualTo(Frames.ALICE);
      assertThat(alice.get("handle").textValue()).isEqualTo("alice.test");
      assertThat(alice.at("/handles/0/handle").textValue()).isEqualTo("alice.test");
      assertThat(alice.get("posts").longValue()).isPositive();
    }
    assertThat(json("/api/v1/actors/did:plc:nobody").get("posts").longValue()).isZero();
    problem("/api/v1/actors/nobody.test", 404);
    problem("/api/v1/actors/alice.test?at=never", 400);
    problem("/api/v1/actors/a%20b", 400);
  }

  @Test
  void summaryAndNumbersAsCsv() throws Exception {
    archived();
    JsonNode summary = json("/api/v1/stats/summary?limit=3");
    assertThat(summary.get("count").longValue()).isGreaterThanOrEqualTo(2);
    assertThat(summary.at("/top/author/0/value").textValue()).startsWith("did:");
    ResponseEntity<String> volume =
        http.getForEntity("/api/v1/stats/volume?format=csv&text=volcano", String.class);
    assertThat(volume.getHeaders().getContentType().toString()).startsWith("text/csv");
    assertThat(volume.getBody())
        .isEqualTo("\"start\",\"posts\"\r\n\"2026-07-04T00:00:00Z\",\"1\"\r\n");
    assertThat(http.getForEntity("/api/v1/stats/top?of=author&format=csv", String.class).getBody())
        .startsWith("\"author\",\"handle\",\"posts\"\r\n\"did:");
    assertThat(http.getForEntity("/api/v1/stats/summary?format=csv", String.class).getBody())
        .startsWith("\"of\",\"value\",\"handle\",\"posts\"\r\n\"all\",,,");
    problem("/api/v1/stats/volume?format=xml", 400);
  }

  @Test
  void sqlAnswersOneQuery() throws Exception {
    archived();
    JsonNode answer = json("/api/v1/sql?q=SELECT 1 AS one, 'x' AS two");
    assertThat(answer.toString())
        .isEqualTo(
            "{\"columns\":[{\"name\":\"one\",\"type\":\"INTEGER\"},{\"name\":\"two\",\"type\":\"VARCHAR\"}],\"rows\":[[1,\"x\"]],\"cut\":false}");
    ResponseEntity<String> csv =
        http.getForEntity("/api/v1/sql?format=csv&q=SELECT 1 AS one, NULL AS two", String.class);
    assertThat(csv.getBody()).isEqualTo("\"one\",\"two\"\r\n\"1\",\r\n");
    assertThat(csv.getHeaders().getFirst("Answer-Cut")).isEqualTo("false");
    ResponseEntity<byte[]> arrow =
        http.getForEntity("/api/v1/sql?format=arrow&q=SELECT 1 AS one", byte[].class);
    assertThat(arrow.getHeaders().getContentType())
        .hasToString("application/vnd.apache.arrow.stream");
    assertThat(new String(arrow.getBody(), UTF_8)).contains("one");
    assertThat(problem("/api/v1/sql?q=DROP VIEW posts", 400).get("parameter").textValue())
        .isEqualTo("q");
    problem("/api/v1/sql", 400);
    var headers = new org.springframework.http.HttpHeaders();
    headers.setContentType(MediaType.TEXT_PLAIN);
    ResponseEntity<String> sent =
        http.exchange(
            "/api/v1/sql",
            HttpMethod.POST,
            new org.springframework.http.HttpEntity<>(
                "SELECT count(*) > 1 AS n FROM posts", headers),
            String.class);
    assertThat(sent.getBody()).contains("\"rows\":[[true]]");
    headers.setContentType(MediaType.parseMediaType("text/csv"));
    ResponseEntity<String> stored =
        http.exchange(
            "/api/v1/scores/tone",
            HttpMethod.PUT,
            new org.springframework.http.HttpEntity<>("uri,score\nat://x,1\n", headers),
            String.class);
    assertThat(stored.getBody()).contains("\"table\":\"scores_tone\"");
    assertThat(json("/api/v1/scores").at("/tables/0").textValue()).isEqualTo("scores_tone");
    assertThat(json("/api/v1/sql?q=SELECT score FROM scores_tone").at("/rows/0/0").intValue())
        .isEqualTo(1);
    http.delete("/api/v1/scores/tone");
    assertThat(json("/api/v1/scores").get("tables")).isEmpty();
    assertThat(
            http.exchange("/api/v1/scores/tone", HttpMethod.DELETE, null, String.class)
                .getStatusCode())
        .isEqualTo(HttpStatus.NOT_FOUND);
  }

  @Test
  void anAnswerIsTheSameUntilSomethingComes() throws Exception {
    archived();
    String path = "/search?text=volcano";
    ResponseEntity<String> first = http.getForEntity(path, String.class);
    String tag = first.getHeaders().getETag();
    assertThat(tag).startsWith("W/\"");
    assertThat(first.getHeaders().getCacheControl()).isEqualTo("no-cache");
    assertThat(http.getForEntity(path, String.class).getBody())
        .as("even the time that it took")
        .isEqualTo(first.getBody());
    var headers = new org.springframework.http.HttpHeaders();
    headers.setIfNoneMatch(tag);
    ResponseEntity<String> again =
        http.exchange(
            path, HttpMethod.GET, new org.springframework.http.HttpEntity<>(headers), String.class);
    assertThat(again.getStatusCode()).isEqualTo(HttpStatus.NOT_MODIFIED);
    assertThat(again.getBody()).isNull();
    stream.append(block(Frames.post(123, "one more volcano, received")));
    await().until(() -> json(path).at("/meta/count").asInt() == 2);
    assertThat(http.getForEntity(path, String.class).getHeaders().getETag()).isNotEqualTo(tag);
    stream.append(
        block(
            Frames.commit(
                Frames.ALICE, 124, "delete", "app.bsky.feed.post", Frames.rkey(123), null)));
    await().until(() -> json(path).at("/meta/count").asInt() == 1);
    String pin = json(path).at("/meta/pin").textValue();
    assertThat(http.getForEntity(path + "&pin=" + pin, String.class).getHeaders().getCacheControl())
        .isEqualTo("max-age=300");
  }

  @Test
  void everyRequestHasAnId() {
    ResponseEntity<String> given = http.getForEntity("/api/v1/status", String.class);
    assertThat(given.getHeaders().getFirst("X-Request-Id")).hasSizeBetween(8, 64);
    var headers = new org.springframework.http.HttpHeaders();
    headers.set("X-Request-Id", "mine-1");
    assertThat(
            http.exchange(
                    "/api/v1/status",
                    HttpMethod.GET,
                    new org.springframework.http.HttpEntity<>(headers),
                    String.class)
                .getHeaders()
                .getFirst("X-Request-Id"))
        .isEqualTo("mine-1");
  }

  private JsonNode problem(String path, int status) throws IOException {
    ResponseEntity<String> answer = http.getForEntity(path, String.class);
    assertThat(answer.getStatusCode().value()).as(path + " " + answer.getBody()).isEqualTo(status);
    assertThat(answer.getHeaders().getContentType())
        .as(path)
        .isEqualTo(MediaType.APPLICATION_PROBLEM_JSON);
    JsonNode problem = Json.read(answer.getBody());
    assertThat(problem.get("fix").textValue()).isNotBlank();
    return problem;
  }

  @Test
  void statusTellsHowThePipelineDoes() throws Exception {
    archived();
    JsonNode status = json("/api/v1/status");
    assertThat(status.get("demo").booleanValue()).isFalse();
    assertThat(status.get("ingest").get("state").textValue()).isEqualTo("connected");
    assertThat(status.get("ingest").get("host").textValue()).isEqualTo(jetstream.url());
    assertThat(status.get("buffer").get("state").textValue()).isEqualTo("reachable");
    assertThat(status.get("archive").get("lastCommit").textValue()).isNotBlank();
    assertThat(status.get("tables")).hasSize(TableName.values().length);
  }

  @Test
  void tableFilesNamesTheLiveFiles() throws Exception {
    archived();
    JsonNode answer = json("/api/v1/tables/posts/files");
    long rows = 0;
    for (JsonNode file : answer.get("files")) {
      assertThat(Path.of(file.get("path").textValue())).exists();
      rows += file.get("rows").longValue();
    }
    assertThat(rows).isEqualTo(answer.get("rows").longValue()).isPositive();
    ResponseEntity<String> unknown = http.getForEntity("/api/v1/tables/nope/files", String.class);
    assertThat(unknown.getStatusCode()).isEqualTo(HttpStatus.NOT_FOUND);
    assertThat(Json.read(unknown.getBody()).get("parameter").textValue()).isEqualTo("table");
  }

  @Test
  void openapiDescribesEveryPathThatIsServed() {
    String description = http.getForEntity("/api/v1/openapi.yaml", String.class).getBody();
    assertThat(description)
        .contains(
            "/search:",
            "/export:",
            "/api/v1/stats/volume:",
            "/api/v1/stats/top:",
            "/api/v1/status:",
            "/api/v1/completeness:",
            "/api/v1/dead-letters:",
            "/api/v1/retention:",
            "/api/v1/tables/{table}/files:");
  }

  @Test
  void retainRemovesNothingWithoutALimit() throws Exception {
    archived();
    long rows = archive.snapshot(TableName.POSTS).rows();
    AdviceWith.adviceWith(camel, "retain", route -> route.replaceFromWith("direct:retain"));
    camel.getRouteController().startRoute("retain");
    template.sendBody("direct:retain", null);
    assertThat(archive.snapshot(TableName.POSTS).rows()).isEqualTo(rows);
    assertThat(json("/api/v1/retention").get("due")).isEmpty();
    assertThat(json("/search").get("meta").has("notice")).isFalse();
  }

  @Test
  void everyFilterNarrowsASearchOrSaysWhatIsWrong() throws Exception {
    for (String good :
        List.of(
            "query=hello OR (world -x)",
            "mention=did:plc:aaaaaaaaaaaaaaaaaaaaaaaa",
            "hashtag=sky",
            "domain=example.org",
            "url=https://example.org/",
            "lang=en",
            "has=media,link",
            "without=parent,quote",
            "reply_to=at://did:plc:a/app.bsky.feed.post/k",
            "thread=at://did:plc:a/app.bsky.feed.post/k",
            "quotes=at://did:plc:a/app.bsky.feed.post/k",
            "seen_start=2026-07-04&seen_end=2026-07-05",
            "created_start=2026-07-04&created_end=2026-07-05",
            "deleted=only",
            "deleted=include")) {
      ResponseEntity<String> answer =
          http.getForEntity("/search?explain=true&" + good, String.class);
      assertThat(answer.getStatusCode()).as(good).isEqualTo(HttpStatus.OK);
      assertThat(Json.read(answer.getBody()).at("/meta/countIsExact").asBoolean()).isTrue();
      assertThat(Json.read(answer.getBody()).at("/meta/explanation/filesScanned").asInt(-1))
          .isZero();
    }
    for (String bad :
        List.of(
            "query=(hello",
            "has=wings",
            "without=x",
            "mention=no handle",
            "deleted=maybe",
            "cursor=nowhere",
            "created_end=2026-07-03&created_start=2026-07-04")) {
      ResponseEntity<String> answer = http.getForEntity("/search?" + bad, String.class);
      assertThat(answer.getStatusCode()).as(bad).isEqualTo(HttpStatus.BAD_REQUEST);
      assertThat(Json.read(answer.getBody()).get("parameter").textValue())
          .isEqualTo(bad.substring(0, bad.indexOf('=')));
    }
  }

  @Test
  void volumeCountsPostsByTime() throws Exception {
    archived();
    ResponseEntity<String> answer =
        http.getForEntity("/api/v1/stats/volume?interval=month&lang=en", String.class);
    assertThat(answer.getStatusCode()).isEqualTo(HttpStatus.OK);
    assertThat(Json.read(answer.getBody()).get("interval").textValue()).isEqualTo("month");
    answer = http.getForEntity("/api/v1/stats/volume", String.class);
    var volume = Json.read(answer.getBody());
    assertThat(volume.get("count").asLong())
        .isEqualTo(
            Json.read(http.getForEntity("/search", String.class).getBody())
                .at("/meta/count")
                .asLong())
        .isPositive();
    assertThat(volume.at("/buckets/0/start").textValue()).endsWith("T00:00:00Z");
    assertThat(volume.has("series")).isFalse();
    answer = http.getForEntity("/api/v1/stats/volume?by=author&limit=1", String.class);
    var split = Json.read(answer.getBody());
    assertThat(split.get("buckets")).isEqualTo(volume.get("buckets"));
    assertThat(split.get("series")).hasSize(1);
    assertThat(split.at("/series/0/value").textValue()).startsWith("did:");
    assertThat(split.at("/series/0/count").asLong())
        .isPositive()
        .isLessThanOrEqualTo(split.get("count").asLong());
    answer = http.getForEntity("/api/v1/stats/volume?limit=2", String.class);
    assertThat(answer.getStatusCode()).isEqualTo(HttpStatus.BAD_REQUEST);
    answer = http.getForEntity("/api/v1/stats/volume?interval=week", String.class);
    assertThat(answer.getStatusCode()).isEqualTo(HttpStatus.BAD_REQUEST);
  }

  @Test
  void aPinIsAnsweredFromItsCommit() throws Exception {
    archived();
    JsonNode first = json("/search?limit=3");
    String pin = first.at("/meta/pin").textValue();
    JsonNode pinned = json("/search?limit=3&pin=" + pin);
    assertThat(pinned.get("results")).isEqualTo(first.get("results"));
    assertThat(pinned.at("/meta/pin").textValue()).isEqualTo(pin);
    assertThat(json("/api/v1/stats/volume?pin=" + pin).get("count"))
        .isEqualTo(pinned.at("/meta/count"));
    ResponseEntity<String> bad = http.getForEntity("/search?pin=yesterday", String.class);
    assertThat(bad.getStatusCode()).isEqualTo(HttpStatus.BAD_REQUEST);
    bad = http.getForEntity("/search?pin=1-2", String.class);
    assertThat(bad.getStatusCode()).isEqualTo(HttpStatus.GONE);
    assertThat(Json.read(bad.getBody()).get("parameter").textValue()).isEqualTo("pin");
  }

  private static byte[] answer(String did, long millis, String text, String parent, String root) {
    ObjectNode record = Frames.record(millis, text);
    ObjectNode reply = record.putObject("reply");
    reply.putObject("parent").put("uri", parent).put("cid", "c");
    reply.putObject("root").put("uri", root).put("cid", "c");
    return Frames.post(did, millis, record);
  }

  private static String uri(String did, long millis) {
    return "at://" + did + "/app.bsky.feed.post/" + Frames.rkey(millis);
  }

  @Test
  void aPostAndItsThreadAreShownWhole() throws Exception {
    archived();
    String root = uri(Frames.BOB, 7001);
    stream.append(
        block(
            Frames.post(Frames.BOB, 7001, Frames.record(7001, "the first")),
            answer(Frames.ALICE, 7002, "an answer", root, root),
            answer(Frames.BOB, 7003, "to the answer", uri(Frames.ALICE, 7002), root),
            answer(Frames.BOB, 7004, "to what is not here", uri(Frames.ALICE, 6999), root),
            answer(Frames.ALICE, 7005, "another answer", root, root),
            answer(Frames.ALICE, 7006, "in a circle", uri(Frames.ALICE, 7007), root),
            answer(Frames.ALICE, 7007, "in that circle", uri(Frames.ALICE, 7006), root)));
    template.sendBody("direct:drain", null);
    String path = "/api/v1/posts/" + Frames.ALICE + "/" + Frames.rkey(7002);
    JsonNode post = json(path);
    assertThat(post.at("/versions/0/record/text").textValue()).isEqualTo("an answer");
    assertThat(post.get("deleted").booleanValue()).isFalse();
    JsonNode thread = json(path + "/thread");
    assertThat(thread.get("root").textValue()).isEqualTo(root);
    List<String> shape = new ArrayList<>();
    thread
        .get("posts")
        .forEach(
            node ->
                shape.add(
                    node.get("depth").asInt()
                        + " "
                        + (node.has("missing") ? "missing" : node.get("text").asText())));
    assertThat(shape)
        .startsWith(
            "0 the first",
            "1 an answer",
            "2 to the answer",
            "1 missing",
            "2 to what is not here",
            "1 another answer")
        .hasSize(8);
    assertThat(shape.subList(6, 8)).allMatch(node -> node.contains("circle"));
    for (String unknown :
        List.of("/api/v1/posts/nobody.test/x", "/api/v1/posts/" + Frames.ALICE + "/nothing")) {
      ResponseEntity<String> none = http.getForEntity(unknown, String.class);
      assertThat(none.getStatusCode()).as(unknown).isEqualTo(HttpStatus.NOT_FOUND);
      assertThat(Json.read(none.getBody()).has("fix")).isTrue();
    }
  }

  @Test
  void theDescriptionIsThereAsJson() throws Exception {
    JsonNode description = json("/api/v1/openapi.json");
    assertThat(description.at("/paths/~1search/get/operationId").textValue()).isEqualTo("search");
  }

  @Test
  void postsCanBeFoundAndSortedByEngagement() throws Exception {
    archived();
    JsonNode none = json("/search?sort=likes&min_replies=1");
    assertThat(none.get("results")).isEmpty();
    assertThat(none.at("/meta/notice").textValue()).contains("when a date is over");
    for (String bad :
        List.of(
            "/search?sort=stars",
            "/search?min_likes=0",
            "/search?min_likes=1&pin=1-1",
            "/export?sort=likes",
            "/search?sort=likes&cursor=MQoyCmEKYgpj")) {
      assertThat(http.getForEntity(bad, String.class).getStatusCode())
          .as(bad)
          .isEqualTo(HttpStatus.BAD_REQUEST);
    }
  }

  @Test
  void engagementIsCountedAndShownAtTheNewsOfIt() throws Exception {
    archived();
    json("/search");
    EngagementCounter.Counted counted =
        template.requestBody("direct:count-engagement", null, EngagementCounter.Counted.class);
    assertThat(counted).isNotNull();
    template.sendBody("direct:commit-news", "counted");
    await().until(() -> json("/search").at("/results/0/engagement/likes").isInt());
    assertThat(http.getForEntity("/observe/health", String.class).getBody())
        .doesNotContain("UPKEEP_FAILED");
  }

  @Test
  void topCountsWhatPostsHave() throws Exception {
    archived();
    var top = Json.read(http.getForEntity("/api/v1/stats/top?of=author", String.class).getBody());
    assertThat(top.get("of").textValue()).isEqualTo("author");
    assertThat(top.at("/values/0/value").textValue()).startsWith("did:");
    assertThat(top.at("/values/0/posts").asLong())
        .isPositive()
        .isLessThanOrEqualTo(top.get("count").asLong());
    ResponseEntity<String> bad = http.getForEntity("/api/v1/stats/top?of=colour", String.class);
    assertThat(bad.getStatusCode()).isEqualTo(HttpStatus.BAD_REQUEST);
    assertThat(Json.read(bad.getBody()).get("parameter").textValue()).isEqualTo("of");
    assertThat(Json.read(bad.getBody()).toString()).contains("author or has");
  }

  @Test
  void aCursorGoesOnWhereThePageEnded() throws Exception {
    archived();
    var all = Json.read(http.getForEntity("/search?limit=2", String.class).getBody());
    var first = Json.read(http.getForEntity("/search?limit=1", String.class).getBody());
    String next = first.at("/meta/next").textValue();
    var second =
        Json.read(http.getForEntity("/search?limit=1&cursor=" + next, String.class).getBody());
    assertThat(second.at("/results/0")).isEqualTo(all.at("/results/1"));
    assertThat(second.at("/meta/page").asInt()).isEqualTo(2);
    assertThat(http.getForEntity("/search?page=2&cursor=" + next, String.class).getStatusCode())
        .isEqualTo(HttpStatus.BAD_REQUEST);
  }

  @Test
  void whatIsNotServedIsAProblemToo() {
    ResponseEntity<String> unknown = http.getForEntity("/nothing/here", String.class);
    assertThat(unknown.getStatusCode()).isEqualTo(HttpStatus.NOT_FOUND);
    assertThat(unknown.getHeaders().getContentType()).isEqualTo(MediaType.APPLICATION_PROBLEM_JSON);
    assertThat(unknown.getBody()).contains("\"fix\"");
    ResponseEntity<String> posted = http.exchange("/search", HttpMethod.POST, null, String.class);
    assertThat(posted.getStatusCode()).isEqualTo(HttpStatus.METHOD_NOT_ALLOWED);
    assertThat(posted.getHeaders().getContentType()).isEqualTo(MediaType.APPLICATION_PROBLEM_JSON);
    assertThat(posted.getBody()).contains("\"fix\"");
  }

  @Test
  void healthAndMetricsAnswerUnderObserve() {
    assertThat(http.getForEntity("/observe/health/liveness", String.class).getStatusCode())
        .isEqualTo(HttpStatus.OK);
    assertThat(http.getForEntity("/observe/health/readiness", String.class).getBody())
        .contains("buffer")
        .contains("archive");
    archived();
    assertThat(http.getForEntity("/observe/metrics", String.class).getBody())
        .contains(
            "explorer_ingest_events_total",
            "explorer_ingest_lag_seconds",
            "explorer_buffer_blocks",
            "explorer_batch_seconds",
            "explorer_rows_total",
            "explorer_dead_letters_total",
            "explorer_query_seconds",
            "camel_exchanges");
  }

  /** What Jetstream sent is archived. */
  private void archived() {
    await()
        .atMost(Duration.ofSeconds(20))
        .until(
            () -> {
              template.sendBody("direct:drain", null);
              return archive.snapshot(TableName.POSTS).rows() >= 2
                  && archive.snapshot(TableName.DEAD_LETTERS).rows() >= 1;
            });
    await()
        .until(
            () ->
                json("/search?explain=true").at("/meta/explanation/postsSnapshot").asLong()
                    == archive.snapshot(TableName.POSTS).id());
  }

  private JsonNode json(String path) throws IOException {
    ResponseEntity<String> answer = http.getForEntity(path, String.class);
    assertThat(answer.getStatusCode()).as(answer.getBody()).isEqualTo(HttpStatus.OK);
    return Json.read(answer.getBody());
  }
}
