package routes.wiring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.camel.CamelContext;
import org.apache.camel.ProducerTemplate;
import org.apache.camel.test.spring.junit5.CamelSpringBootTest;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.test.annotation.DirtiesContext;
import org.springframework.test.context.DynamicPropertyRegistry;
import org.springframework.test.context.DynamicPropertySource;
import routes.Explorer;
import routes.fixtures.ScriptedJetstream;
import routes.fixtures.TestFolders;

/** An operator edits routes while they run. */
@CamelSpringBootTest
@SpringBootTest(
    classes = Explorer.class,
    webEnvironment = SpringBootTest.WebEnvironment.RANDOM_PORT)
@DirtiesContext
class RouteFilesTest {

  private static Path folder;
  private static ScriptedJetstream jetstream;

  @Autowired private CamelContext camel;
  @Autowired private ProducerTemplate template;
  @Autowired private RouteFiles files;

  @DynamicPropertySource
  static void properties(DynamicPropertyRegistry registry) throws IOException {
    folder = TestFolders.create("route-files-test");
    Files.createDirectories(folder.resolve("routes"));
    write(
        "broken.camel.yaml", "- route: {id: broken, from: {uri: 'nosuchcomponent:x', steps: []}}");
    jetstream = new ScriptedJetstream((socket, number) -> {});
    registry.add("explorer.data-dir", () -> folder.resolve("data").toString());
    registry.add("explorer.routes-dir", () -> folder.resolve("routes").toString());
    registry.add("explorer.jetstream.hosts", () -> jetstream.url());
  }

  @AfterAll
  static void stop() {
    jetstream.close();
  }

  @Test
  void anEditTakesEffectWithoutARestartAndAMistakeDoesNot() throws Exception {
    assertThat(files.failures())
        .as("a mistake that was there at the start")
        .containsOnlyKeys("broken.camel.yaml");
    assertThat(camel.getRoute("ingest")).as("the others go on").isNotNull();
    delete("broken.camel.yaml");
    await().until(() -> files.failures().isEmpty());

    // One collection only.
    assertThat(jetstream.requests())
        .isNotEmpty()
        .noneMatch(request -> request.contains("wantedCollections"));
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
    await()
        .until(() -> camel.getRoute("drain-schedule").getEndpoint().getEndpointUri().contains("3"));
    assertThat(camel.getRoute("drain")).isNotNull();

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
