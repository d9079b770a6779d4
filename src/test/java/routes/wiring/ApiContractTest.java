package routes.wiring;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.networknt.schema.JsonSchema;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.SpecVersion;
import com.networknt.schema.ValidationMessage;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.camel.ProducerTemplate;
import org.apache.camel.test.spring.junit5.CamelSpringBootTest;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.boot.test.web.server.LocalServerPort;
import org.springframework.test.annotation.DirtiesContext;
import org.springframework.test.context.DynamicPropertyRegistry;
import org.springframework.test.context.DynamicPropertySource;
import routes.Explorer;
import routes.archive.Archive;
import routes.archive.TableName;
import routes.fixtures.Frames;
import routes.fixtures.ScriptedJetstream;
import routes.fixtures.TestFolders;

/**
 * What is written of the API. Every operation by its own description: requests that are right, at
 * the edge, and hostile; no answer is an error of the server's, and each fits the description
 * ({@code -Drequests=} says how many, {@code -Dseed=} which). And every recipe.
 */
@CamelSpringBootTest
@SpringBootTest(
    classes = Explorer.class,
    webEnvironment = SpringBootTest.WebEnvironment.RANDOM_PORT)
@DirtiesContext
class ApiContractTest {

  private static final int REQUESTS = Integer.getInteger("requests", 200);
  private static final long SEED = Long.getLong("seed", 1);

  /** One in so many questions in SQL is asked: each takes a process. */
  private static final int PROCESSES = 6;

  private static final ObjectMapper JSON = new ObjectMapper();

  private static final List<String> HOSTILE =
      List.of(
          "",
          " ",
          "'",
          "\"",
          "%",
          "*",
          "\\",
          "\u0000",
          "\n\r",
          "%".repeat(300),
          "*a".repeat(249),
          "a".repeat(501),
          "x".repeat(4_000),
          "'; DROP TABLE posts; --",
          "' OR 1=1 --",
          "<script>alert(1)</script>",
          "../../../../etc/passwd",
          "${sys:user.home}",
          "${jndi:ldap://127.0.0.1/x}",
          "#{1+1}",
          "${body}",
          "\u202e\u0301\u200d",
          "\ud83c\udf0b".repeat(100),
          "火山",
          "ﬁ",
          "İ",
          "null",
          "NaN",
          "-1",
          "0",
          "1e9",
          "٣",
          "2147483647",
          "2147483648",
          "9223372036854775808",
          "2026-07-04",
          "2026-02-30",
          "9999-12-31",
          "-999999999-01-01",
          "+999999999-12-31T23:59:59Z",
          "2026-07-04T12:00:00+18:00",
          "0000-00-00",
          "did:plc:x",
          "did:plc:" + "x".repeat(2_000),
          "at://did:plc:x/app.bsky.feed.post/y",
          "at://",
          "(((((",
          "a OR",
          "\"unbalanced",
          "a ".repeat(200),
          "NOT NOT NOT a",
          "-",
          "all,",
          ",,",
          "[]",
          "1-1",
          "zzzzzzzzzzzzz-zzzzzzzzzzzzz",
          "LTEKMgphCmIKYw");

  private static ScriptedJetstream jetstream;
  private static Path folder;

  @LocalServerPort private int port;
  @Autowired private ProducerTemplate template;
  @Autowired private Archive archive;

  private final Random random = new Random(SEED);
  private final HttpClient client = HttpClient.newHttpClient();
  private final Map<String, JsonSchema> schemas = new HashMap<>();
  private JsonNode description;

  @DynamicPropertySource
  static void properties(DynamicPropertyRegistry registry) throws IOException {
    folder = TestFolders.create("fuzz-test");
    List<byte[]> frames = new ArrayList<>();
    frames.add(Frames.identity(Frames.ALICE, 1, "alice.test"));
    for (int i = 2; i < 60; i++) {
      frames.add(Frames.post(Frames.ALICE, i, record(i)));
    }
    frames.add(
        Frames.commit(Frames.ALICE, 60, "delete", "app.bsky.feed.post", Frames.rkey(59), null));
    frames.add(Frames.bytes("junk"));
    jetstream = ScriptedJetstream.sending(frames);
    registry.add("explorer.data-dir", () -> folder.resolve("data").toString());
    registry.add("explorer.routes-dir", () -> folder.resolve("routes").toString());
    registry.add("explorer.jetstream.hosts", () -> jetstream.url());
    registry.add("explorer.identity.url", () -> "");
    registry.add("explorer.sql.enabled", () -> "true");
    registry.add("explorer.sql.timeout", () -> "10s");
    registry.add("logging.level.access", () -> "WARN");
  }

  /** Each answers the one before; some have images, links and mentions. */
  private static ObjectNode record(int number) {
    ObjectNode post =
        Frames.record(number, "volcano " + number + " #tag <script>alert(1)</script> \u202e");
    post.putArray("langs").add(number % 2 == 0 ? "en" : "ja");
    post.putArray("tags").add(number % 3 == 0 ? "Lava" : "ash");
    if (number > 2) {
      ObjectNode reply = post.putObject("reply");
      reply.putObject("root").put("uri", uri(2)).put("cid", "bafy");
      reply.putObject("parent").put("uri", uri(number - 1)).put("cid", "bafy");
    }
    ObjectNode mention = post.putArray("facets").addObject();
    mention.putObject("index").put("byteStart", 0).put("byteEnd", 7);
    mention
        .putArray("features")
        .addObject()
        .put("$type", "app.bsky.richtext.facet#mention")
        .put("did", Frames.BOB);
    if (number % 4 == 0) {
      post.putObject("embed")
          .put("$type", "app.bsky.embed.images")
          .putArray("images")
          .addObject()
          .put("alt", "a volcano")
          .putObject("image")
          .put("$type", "blob");
    } else {
      post.putObject("embed")
          .put("$type", "app.bsky.embed.external")
          .putObject("external")
          .put("uri", "https://example.org/" + number);
    }
    return post;
  }

  private static String uri(int number) {
    return "at://" + Frames.ALICE + "/app.bsky.feed.post/" + Frames.rkey(number);
  }

  @AfterAll
  static void stop() {
    jetstream.close();
  }

  private record Operation(String method, String path, JsonNode described) {}

  private record Request(String method, String address, String body, String type) {}

  @Test
  void everyAnswerFitsTheDescription() throws Exception {
    archived();
    description = JSON.readTree(get("/api/v1/openapi.json").body());
    List<Operation> operations = operations();
    assertThat(operations).hasSizeGreaterThan(20);
    Map<String, Integer> statuses = new TreeMap<>();
    for (int i = 0; i < REQUESTS; i++) {
      Operation operation = operations.get(i % operations.size());
      if (operation.path.equals("/api/v1/sql") && i / operations.size() % PROCESSES != 0) {
        continue;
      }
      Request request = request(operation);
      HttpResponse<byte[]> answer = send(request);
      check(operation, request, answer);
      statuses.merge(
          operation.described.get("operationId").textValue() + " " + answer.statusCode(),
          1,
          Integer::sum);
    }
    System.out.println("seed " + SEED + ", " + REQUESTS + " requests: " + statuses);
    for (Operation operation : operations) {
      assertThat(statuses)
          .as("no request was right, so that nothing was tested")
          .containsKey(operation.described.get("operationId").textValue() + " 200");
    }
  }

  private void archived() {
    await()
        .atMost(Duration.ofSeconds(30))
        .until(
            () -> {
              template.sendBody("direct:drain", null);
              return archive.snapshot(TableName.POSTS).rows() >= 59;
            });
    // A query that cannot have the newest commit within seconds is answered from the one before.
    await()
        .atMost(Duration.ofSeconds(30))
        .until(
            () ->
                JSON.readTree(get("/api/v1/stats/volume?text=volcano&interval=day").body())
                        .path("count")
                        .longValue()
                    > 0);
  }

  @Test
  void everyRecipeAnswers() throws Exception {
    archived();
    String scores = "uri,score\n" + uri(2) + ",0.9\n" + uri(4) + ",0.1\n";
    assertThat(send(new Request("PUT", "/api/v1/scores/toxicity", scores, "text/csv")).statusCode())
        .isEqualTo(200);
    Path shelf = Files.createDirectories(folder.resolve("shelf"));
    Files.write(shelf.resolve("posts.json"), get("/api/v1/tables/posts/files").body());
    Files.writeString(shelf.resolve("scores.csv"), scores);
    String document = Files.readString(Path.of("docs/recipes.md"));
    Map<String, Integer> tried = new TreeMap<>();
    try (Connection duckDb = DriverManager.getConnection("jdbc:duckdb:")) {
      Matcher blocks = Pattern.compile("(?s)```(\\w+)\\n(.*?)```").matcher(document);
      while (blocks.find()) {
        String text =
            blocks
                .group(2)
                .replace("{did}", Frames.ALICE)
                .replace("{rkey}", Frames.rkey(2))
                .replace("'posts.json'", "'" + shelf.resolve("posts.json") + "'")
                .replace("'scores.csv'", "'" + shelf.resolve("scores.csv") + "'");
        switch (blocks.group(1)) {
          case "http" -> text.lines().forEach(this::answers);
          case "sql" -> assertThat(rows(text)).as(text).isNotEmpty();
          default -> assertThat(rows(duckDb, text)).as(text).isPositive();
        }
        tried.merge(blocks.group(1), 1, Integer::sum);
      }
    }
    assertThat(tried).isEqualTo(Map.of("http", 10, "sql", 10, "duckdb", 11));
    assertThat(send(new Request("DELETE", "/api/v1/scores/toxicity", null, null)).statusCode())
        .isEqualTo(200);
  }

  private void answers(String address) {
    try {
      HttpResponse<byte[]> answer = get(address);
      assertThat(answer.statusCode()).as(address).isEqualTo(200);
      String body = new String(answer.body(), UTF_8);
      assertThat(body).as(address).isNotBlank();
      if (address.contains("volume") && !address.contains("format")) {
        assertThat(JSON.readTree(body).get("count").longValue()).as(address).isPositive();
      }
    } catch (IOException | InterruptedException e) {
      throw new AssertionError(address, e);
    }
  }

  private JsonNode rows(String sql) throws Exception {
    HttpResponse<byte[]> answer = send(new Request("POST", "/api/v1/sql", sql, "text/plain"));
    assertThat(answer.statusCode()).as(new String(answer.body(), UTF_8)).isEqualTo(200);
    return JSON.readTree(answer.body()).get("rows");
  }

  private static int rows(Connection duckDb, String sql) throws SQLException {
    try (Statement statement = duckDb.createStatement()) {
      if (!statement.execute(sql)) {
        return 1;
      }
      int rows = 0;
      try (ResultSet result = statement.getResultSet()) {
        while (result.next()) {
          rows++;
        }
      }
      return sql.startsWith("SET") ? 1 : rows;
    }
  }

  private List<Operation> operations() {
    List<Operation> operations = new ArrayList<>();
    description
        .get("paths")
        .fields()
        .forEachRemaining(
            path ->
                path.getValue()
                    .fields()
                    .forEachRemaining(
                        method -> {
                          // It has no end; another test reads it.
                          if (!path.getKey().endsWith("/stream")) {
                            operations.add(
                                new Operation(
                                    method.getKey().toUpperCase(java.util.Locale.ROOT),
                                    path.getKey(),
                                    method.getValue()));
                          }
                        }));
    return operations;
  }

  private JsonNode resolved(JsonNode node) {
    return node.has("$ref") ? description.at(node.get("$ref").textValue().substring(1)) : node;
  }

  /** Mostly right: what is all wrong is refused at the first parameter. */
  private Request request(Operation operation) {
    String path = operation.path;
    List<String> query = new ArrayList<>();
    double wrong = random.nextInt(3) == 0 ? 0 : 0.5;
    for (JsonNode each : operation.described.path("parameters")) {
      JsonNode parameter = resolved(each);
      String name = parameter.get("name").textValue();
      boolean inPath = parameter.get("in").textValue().equals("path");
      boolean needed = inPath || parameter.path("required").asBoolean();
      if (needed || random.nextInt(8) == 0) {
        String value = random.nextDouble() < wrong ? hostile() : right(parameter);
        if (inPath) {
          path = path.replace("{" + name + "}", encode(value.isBlank() ? "x" : value));
        } else {
          query.add(encode(name) + "=" + encode(value));
        }
      }
    }
    if (random.nextDouble() < wrong / 5) {
      query.add(encode(hostile()) + "=" + encode(hostile()));
    }
    if (random.nextDouble() < wrong / 5) {
      query.add("text=%ff%fe");
    }
    String type = null;
    String body = null;
    if (operation.described.has("requestBody")) {
      type = operation.described.at("/requestBody/content").fieldNames().next();
      body =
          random.nextDouble() < wrong
              ? hostile()
              : type.equals("text/csv") ? "uri,score\nat://x,1\n" : "SELECT count(*) FROM posts";
    }
    return new Request(
        operation.method,
        path + (query.isEmpty() ? "" : "?" + String.join("&", query)),
        body,
        type);
  }

  private String hostile() {
    return HOSTILE.get(random.nextInt(HOSTILE.size()));
  }

  private String right(JsonNode parameter) {
    JsonNode schema = resolved(parameter.get("schema"));
    String name = parameter.get("name").textValue();
    if (schema.has("enum")) {
      return schema.get("enum").get(random.nextInt(schema.get("enum").size())).asText();
    }
    return switch (schema.get("type").textValue()) {
      case "integer" -> {
        int least = schema.path("minimum").asInt(0);
        int most = Math.min(schema.path("maximum").asInt(20), 1_000);
        yield Integer.toString(
            random.nextBoolean() ? least : least + random.nextInt(most - least + 1));
      }
      case "boolean" -> Boolean.toString(random.nextBoolean());
      default ->
          switch (name) {
            case "did", "actor" -> Frames.ALICE;
            case "rkey" -> Frames.rkey(2 + random.nextInt(70));
            case "username", "mention" -> random.nextBoolean() ? "alice.test" : Frames.ALICE;
            case "fields" -> random.nextBoolean() ? "all" : "uri,text,likes";
            case "has", "without" -> "media,link";
            case "pin" -> "0-0";
            default ->
                name.contains("start")
                    ? "2026-07-04"
                    : name.contains("end") || name.equals("at")
                        ? "2026-07-05T00:00:00Z"
                        : parameter.has("example") ? parameter.get("example").asText() : "volcano";
          };
    };
  }

  private static String encode(String text) {
    return URLEncoder.encode(text, UTF_8).replace("+", "%20");
  }

  private HttpResponse<byte[]> get(String address) throws IOException, InterruptedException {
    return send(new Request("GET", address, null, null));
  }

  private HttpResponse<byte[]> send(Request request) throws IOException, InterruptedException {
    HttpRequest.Builder builder =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + request.address))
            .timeout(Duration.ofMinutes(1));
    if (request.body == null) {
      builder.method(request.method, HttpRequest.BodyPublishers.noBody());
    } else {
      builder
          .method(request.method, HttpRequest.BodyPublishers.ofString(request.body))
          .header("Content-Type", request.type);
    }
    return client.send(builder.build(), HttpResponse.BodyHandlers.ofByteArray());
  }

  private void check(Operation operation, Request request, HttpResponse<byte[]> answer)
      throws IOException {
    String what =
        request + " -> " + answer.statusCode() + " " + shortened(new String(answer.body(), UTF_8));
    // What SQL may take is limited on purpose.
    boolean timedOut = answer.statusCode() == 504 && operation.path.equals("/api/v1/sql");
    assertThat(answer.statusCode() < 500 || timedOut).as(what).isTrue();
    String type = answer.headers().firstValue("Content-Type").orElse("").split(";")[0];
    JsonNode responses = operation.described.get("responses");
    String status = Integer.toString(answer.statusCode());
    boolean elsewhere = answer.statusCode() == 404 || answer.statusCode() == 400;
    assertThat(responses.has(status) || elsewhere).as(what).isTrue();
    if (answer.statusCode() >= 400) {
      assertThat(type).as(what).isEqualTo("application/problem+json");
      JsonNode problem = JSON.readTree(answer.body());
      assertFits("/components/schemas/Problem", problem, what);
      assertThat(problem.path("status").asInt()).as(what).isEqualTo(answer.statusCode());
      assertThat(problem.path("fix").asText()).as(what).isNotBlank();
    } else {
      JsonNode content = resolved(responses.get(status)).get("content");
      assertThat(content.has(type)).as(what).isTrue();
      if (type.equals("application/json")) {
        String pointer =
            responses.get(status).has("$ref")
                ? responses.get(status).get("$ref").textValue().substring(1)
                : "/paths/"
                    + operation.path.replace("~", "~0").replace("/", "~1")
                    + "/"
                    + operation.method.toLowerCase(java.util.Locale.ROOT)
                    + "/responses/"
                    + status;
        assertFits(
            pointer + "/content/application~1json/schema", JSON.readTree(answer.body()), what);
      }
    }
  }

  private void assertFits(String pointer, JsonNode answer, String what) {
    JsonSchema schema =
        schemas.computeIfAbsent(
            pointer,
            at -> {
              ObjectNode root = JSON.createObjectNode();
              root.set("components", plain(description.get("components")));
              root.set("allOf", JSON.createArrayNode().add(plain(description.at(at))));
              return JsonSchemaFactory.getInstance(SpecVersion.VersionFlag.V7).getSchema(root);
            });
    Set<ValidationMessage> wrong = schema.validate(answer);
    assertThat(wrong).as(what).isEmpty();
  }

  /** OpenAPI 3.0 says that a value may be null in a way of its own. */
  private static JsonNode plain(JsonNode node) {
    JsonNode copy = node.deepCopy();
    if (copy instanceof ObjectNode object) {
      boolean nullable = object.path("nullable").asBoolean();
      object.remove(List.of("nullable", "example"));
      Iterator<String> names = List.copyOf(toList(object.fieldNames())).iterator();
      while (names.hasNext()) {
        String name = names.next();
        object.set(name, plain(object.get(name)));
      }
      if (nullable) {
        ObjectNode either = JSON.createObjectNode();
        either.putArray("anyOf").add(object).addObject().put("type", "null");
        return either;
      }
    } else if (copy.isArray()) {
      var array = JSON.createArrayNode();
      copy.forEach(each -> array.add(plain(each)));
      return array;
    }
    return copy;
  }

  private static List<String> toList(Iterator<String> names) {
    List<String> list = new ArrayList<>();
    names.forEachRemaining(list::add);
    return list;
  }

  private static String shortened(String text) {
    return text.length() > 600 ? text.substring(0, 600) + "…" : text;
  }
}
