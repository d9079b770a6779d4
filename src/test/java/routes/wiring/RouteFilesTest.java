package routes.wiring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collector;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.camel.CamelContext;
import org.apache.camel.ProducerTemplate;
import org.apache.camel.test.spring.junit5.CamelSpringBootTest;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.test.annotation.DirtiesContext;
import org.springframework.test.context.DynamicPropertyRegistry;
import org.springframework.test.context.DynamicPropertySource;
import routes.Explorer;
import routes.buffer.BlockStream;
import routes.buffer.StoredBlock;
import routes.fixtures.Frames;
import routes.fixtures.ScriptedJetstream;
import routes.fixtures.TestFolders;
import routes.jetstream.Json;

/** An operator edits routes while they run. */
@CamelSpringBootTest
@SpringBootTest(
    classes = Explorer.class,
    webEnvironment = SpringBootTest.WebEnvironment.RANDOM_PORT)
@DirtiesContext
@Execution(ExecutionMode.CONCURRENT)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class RouteFilesTest {

  private static final byte[] VOLCANO = Frames.post(1, "What a VOLCANO!");
  private static final byte[] JAPANESE =
      Frames.post(
          Frames.ALICE,
          2,
          Frames.record(2, "\u706b\u5c71").set("langs", Json.object().arrayNode().add("ja")));
  private static final byte[] LIKE =
      Frames.commit(
          Frames.BOB,
          3,
          "create",
          "app.bsky.feed.like",
          Frames.rkey(3),
          Json.object().put("volcano", true));

  private static final Function<String, String> WITHOUT_MARK = line -> line.substring(1) + "\n";
  private static final Collector<CharSequence, ?, String> LINES = Collectors.joining();

  private static Path folder;
  private static ScriptedJetstream jetstream;

  @Autowired private CamelContext camel;
  @Autowired private ProducerTemplate template;
  @Autowired private RouteFiles files;
  @Autowired private BlockStream stream;

  @DynamicPropertySource
  static void properties(DynamicPropertyRegistry registry) throws IOException {
    folder = TestFolders.create("route-files-test");
    Files.createDirectories(folder.resolve("routes"));
    write(
        "broken.camel.yaml", "- route: {id: broken, from: {uri: 'nosuchcomponent:x', steps: []}}");
    jetstream = ScriptedJetstream.sending(List.of(VOLCANO, JAPANESE, LIKE));
    registry.add("explorer.data-dir", () -> folder.resolve("data").toString());
    registry.add("explorer.routes-dir", () -> folder.resolve("routes").toString());
    registry.add("explorer.jetstream.hosts", () -> jetstream.url());
  }

  @AfterAll
  static void stop() {
    jetstream.close();
  }

  @Test
  @Execution(ExecutionMode.SAME_THREAD)
  @Order(1)
  void anEditTakesEffectWithoutARestartAndAMistakeDoesNot() throws Exception {
    assertThat(files.failures())
        .as("a mistake that was there at the start")
        .containsOnlyKeys("broken.camel.yaml");
    assertThat(camel.getRoute("ingest")).as("the others go on").isNotNull();
    delete("broken.camel.yaml");
    await().until(() -> files.failures().isEmpty());

    // One collection only.
    await().until(() -> !jetstream.requests().isEmpty());
    assertThat(jetstream.requests()).noneMatch(request -> request.contains("wantedCollections"));
    write(
        "ingest.camel.yaml",
        builtIn("ingest").replace("{{explorer.jetstream.collections}}", "app.bsky.feed.post"));
    await()
        .until(
            () ->
                jetstream.requests().stream()
                    .anyMatch(request -> request.contains("wantedCollections=app.bsky.feed.post")));

    // Another schedule.
    write(
        "drain.camel.yaml", builtIn("drain").replace("{{explorer.drain.schedule}}", "0 0 3 * * ?"));
    await().until(() -> drainSchedule().contains("3"));
    // The routes of a file are replaced one after the other.
    await().until(() -> camel.getRoute("drain") != null);

    // A route of the operator's own, edited, then with a mistake, then taken away.
    write("own.camel.yaml", own("one"));
    await().until(() -> camel.getRoute("own") != null);
    assertThat(template.requestBody("direct:own", null, String.class)).isEqualTo("one");
    write("own.camel.yaml", own("two"));
    await().until(() -> "two".equals(template.requestBody("direct:own", null, String.class)));
    write("own.camel.yaml", own("three").replace("setBody", "setBuddy"));
    await().until(() -> files.failures().containsKey("own.camel.yaml"));
    assertThat(template.requestBody("direct:own", null, String.class))
        .as("what ran before goes on")
        .isEqualTo("two");
    write("own.camel.yaml", own("four").replace("direct:own", "nosuchcomponent:own"));
    await()
        .until(
            () -> files.failures().getOrDefault("own.camel.yaml", "").contains("nosuchcomponent"));
    assertThat(template.requestBody("direct:own", null, String.class)).isEqualTo("two");
    delete("own.camel.yaml");
    await().until(() -> camel.getRoute("own") == null);
    assertThat(files.failures()).isEmpty();

    // Without the operator's file the built-in route runs again.
    int requests = jetstream.requests().size();
    delete("ingest.camel.yaml");
    await().until(() -> jetstream.requests().size() > requests);
    assertThat(jetstream.requests().get(requests)).doesNotContain("wantedCollections");
  }

  @Test
  @Execution(ExecutionMode.SAME_THREAD)
  @Order(2)
  void everyRecipeDoesWhatItSays() throws Exception {
    List<Map<String, String>> recipes = recipes();
    assertThat(recipes).hasSize(5);

    try (Recipe only = new Recipe(recipes.get(0))) {
      await()
          .until(
              () ->
                  only.requests().stream()
                      .anyMatch(
                          request ->
                              request.contains("wantedCollections=app.bsky.feed.post")
                                  && request.contains("wantedCollections=app.bsky.feed.like")));
    }

    BlockingQueue<String> posted = new LinkedBlockingQueue<>();
    HttpServer hook = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
    hook.createContext(
        "/posts",
        exchange -> {
          posted.add(new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8));
          exchange.sendResponseHeaders(204, -1);
          exchange.close();
        });
    hook.start();
    try (Recipe tee =
        new Recipe(
            recipes.get(1),
            "https://hooks.example",
            "http://127.0.0.1:" + hook.getAddress().getPort())) {
      assertThat(posted.poll(30, TimeUnit.SECONDS)).isEqualTo(text(VOLCANO));
      assertThat(posted.poll()).as("the like and the other post").isNull();
    } finally {
      hook.stop(0);
    }

    try (Recipe schedule = new Recipe(recipes.get(2))) {
      await().until(() -> drainSchedule().contains("0/15"));
      assertThat(files.failures()).isEmpty();
    }

    Path raw = folder.resolve("raw");
    try (Recipe second = new Recipe(recipes.get(3), "/mnt/raw", raw.toString())) {
      await().until(() -> Files.isDirectory(raw) && lines(raw).size() >= 3);
      assertThat(lines(raw)).startsWith(text(VOLCANO), text(JAPANESE), text(LIKE));
    }

    try (Recipe drop = new Recipe(recipes.get(4))) {
      await()
          .until(
              () ->
                  stream.newest(20).stream()
                      .filter(block -> block.block().count() > 0)
                      .findFirst()
                      .filter(block -> texts(block).equals(List.of(text(VOLCANO), text(LIKE))))
                      .isPresent());
    }
  }

  private static String text(byte[] frame) {
    return new String(frame, StandardCharsets.UTF_8);
  }

  private static List<String> texts(StoredBlock stored) {
    return stored.block().frames().stream().map(RouteFilesTest::text).toList();
  }

  private static List<String> lines(Path raw) throws IOException {
    List<String> lines = new ArrayList<>();
    try (Stream<Path> days = Files.list(raw)) {
      for (Path day : days.sorted().toList()) {
        lines.addAll(Files.readAllLines(day));
      }
    }
    return lines;
  }

  /** The files of each recipe in the documents, changes applied to those that are built in. */
  private static List<Map<String, String>> recipes() throws IOException {
    List<Map<String, String>> recipes = new ArrayList<>();
    Pattern block = Pattern.compile("(?s)`(\\w+)\\.camel\\.yaml`:\n\n```(diff|yaml)\n(.*?)```");
    for (String section : Files.readString(Path.of("docs/routes.md")).split("(?m)^### \\d+\\. ")) {
      Map<String, String> recipe = new LinkedHashMap<>();
      Matcher blocks = block.matcher(section);
      while (blocks.find()) {
        String content =
            blocks.group(2).equals("yaml")
                ? blocks.group(3)
                : changed(builtIn(blocks.group(1)), blocks.group(3));
        recipe.put(blocks.group(1) + ".camel.yaml", content);
      }
      if (!recipe.isEmpty()) {
        recipes.add(recipe);
      }
    }
    return recipes;
  }

  private static String changed(String file, String diff) {
    String before =
        diff.lines().filter(line -> !line.startsWith("+")).map(WITHOUT_MARK).collect(LINES);
    String after =
        diff.lines().filter(line -> !line.startsWith("-")).map(WITHOUT_MARK).collect(LINES);
    assertThat(file).contains(before);
    return file.replace(before, after);
  }

  /** Route files that are there until it is closed. */
  private final class Recipe implements AutoCloseable {

    private final Map<String, String> content;
    private final int requestsBefore = jetstream.requests().size();

    private Recipe(Map<String, String> content, String... replaced) throws IOException {
      this.content = content;
      for (var file : content.entrySet()) {
        String text = file.getValue();
        if (replaced.length == 2) {
          text = text.replace(replaced[0], replaced[1]);
        }
        write(file.getKey(), text);
      }
    }

    /** The connects since then. */
    private List<String> requests() {
      List<String> requests = jetstream.requests();
      return requests.subList(requestsBefore, requests.size());
    }

    @Override
    public void close() throws IOException {
      int requests = jetstream.requests().size();
      for (String file : content.keySet()) {
        delete(file);
      }
      if (content.containsKey("ingest.camel.yaml")) {
        await().until(() -> jetstream.requests().size() > requests);
      }
    }
  }

  /** Empty while the route is being replaced. */
  private String drainSchedule() {
    return Optional.ofNullable(camel.getRoute("drain-schedule"))
        .map(route -> route.getEndpoint().getEndpointUri())
        .orElse("");
  }

  private static String own(String answer) {
    return "- route: {id: own, from: {uri: 'direct:own', steps: [{setBody: {constant: '"
        + answer
        + "'}}]}}";
  }

  private static String builtIn(String name) throws IOException {
    return Files.readString(Path.of("src/main/resources/routes/" + name + ".camel.yaml"));
  }

  private static void write(String name, String content) throws IOException {
    Files.writeString(folder.resolve("routes").resolve(name), content);
  }

  private static void delete(String name) throws IOException {
    Files.delete(folder.resolve("routes").resolve(name));
  }
}
