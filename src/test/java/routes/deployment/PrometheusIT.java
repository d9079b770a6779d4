package routes.deployment;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import routes.fixtures.ExplorerProcess;
import routes.fixtures.ExtractedJar;
import routes.fixtures.Processes;
import routes.jetstream.Json;
import routes.oracle.Archived;
import routes.simulator.JetstreamServer;
import routes.simulator.Misbehaviour;
import routes.simulator.World;

/** The rules and dashboards by a real Prometheus, of the running application. */
@Order(3)
class PrometheusIT {

  private static final Path PROMETHEUS = Path.of("/usr/bin/prometheus");
  private static final Path FOLDER = Path.of("monitoring");

  /** What else runs on this machine may fill its disk. */
  private static final Set<String> OF_OTHERS = Set.of("ExplorerDiskFullInFourDays");

  @TempDir Path folder;

  private final HttpClient http = HttpClient.newHttpClient();
  private int port;

  @BeforeEach
  void isThere() {
    Assumptions.assumeTrue(Files.isExecutable(PROMETHEUS), "there is no " + PROMETHEUS);
  }

  private static int run(String... command) throws Exception {
    return new ProcessBuilder(command).inheritIO().start().waitFor();
  }

  @Test
  void rulesAreWhatPrometheusReadsAndDoWhatTheyShould() throws Exception {
    assertThat(run("promtool", "check", "rules", "monitoring/rules.yaml")).isZero();
    assertThat(run("promtool", "test", "rules", "monitoring/rules.test.yaml")).isZero();
  }

  @Test
  void everyPanelHasSeriesAndFaultsFireTheirAlerts() throws Exception {
    World world = new World(81, 300);
    JetstreamServer server = new JetstreamServer(world, Misbehaviour.NONE, Clock.systemUTC(), 0);
    ExplorerProcess explorer =
        new ExplorerProcess(
                folder,
                ExtractedJar.program(),
                "--explorer.jetstream.hosts=" + server.url(),
                "--explorer.jetstream.start=PT1M",
                "--explorer.drain.schedule=* * * * * ?")
            .awaitReady();
    Process prometheus = startPrometheus(explorer.address());
    try {
      Archived.awaitFlow(explorer);
      explorer.get("/api/v1/posts?text=the");
      explorer.get("/search?q=the");
      explorer.get("/api/v1/stats/volume?text=the");
      explorer.get("/no/such/page");
      await()
          .atMost(Duration.ofMinutes(1))
          .until(() -> !value("up{job=\"explorer\"} == 1").isEmpty());
      // Rates and histograms need some time to look back on.
      await()
          .atMost(Duration.ofMinutes(1))
          .until(() -> !value("rate(explorer_query_seconds_count[30s]) >= 0").isEmpty());
      await().atMost(Duration.ofSeconds(30)).untilAsserted(this::everyMetricIsThere);
      await().atMost(Duration.ofSeconds(30)).untilAsserted(this::everyPanelHasSeries);
      await()
          .atMost(Duration.ofSeconds(30))
          .untilAsserted(
              () -> assertThat(firing()).as("while nothing is wrong").isSubsetOf(OF_OTHERS));

      // Redis is gone, and gone again whenever it was started: one batch that fails is no alert.
      await()
          .atMost(Duration.ofMinutes(1))
          .untilAsserted(
              () -> {
                Processes.killRedis(folder.resolve("data"));
                assertThat(firing()).contains("ExplorerDrainFailing");
              });

      // The network is gone.
      server.close();
      awaitAlert("ExplorerNotConnected");

      // The explorer is gone.
      explorer.kill();
      awaitAlert("ExplorerGone");
    } finally {
      explorer.close();
      server.close();
      prometheus.destroy();
      prometheus.waitFor();
      Processes.killRedis(folder.resolve("data"));
    }
  }

  /** One that looks every second, with rules that do not wait for minutes. */
  private Process startPrometheus(String explorer) throws IOException {
    try (ServerSocket free = new ServerSocket(0)) {
      port = free.getLocalPort();
    }
    String rules = Files.readString(FOLDER.resolve("rules.yaml"));
    Files.writeString(
        folder.resolve("rules.yaml"),
        rules
            .replaceAll("(?m)^( +)for: .*$", "$1for: 1s")
            .replaceAll("(?m)^( +)interval: .*$", "$1interval: 1s"));
    Files.writeString(
        folder.resolve("prometheus.yaml"),
        """
        global:
          scrape_interval: 2s
          scrape_timeout: 2s
          evaluation_interval: 1s
        rule_files: [rules.yaml]
        scrape_configs:
          - job_name: explorer
            metrics_path: /observe/metrics
            static_configs:
              - targets: ["%s"]
        """
            .formatted(URI.create(explorer).getAuthority()));
    return new ProcessBuilder(
            PROMETHEUS.toString(),
            "--config.file=" + folder.resolve("prometheus.yaml"),
            "--storage.tsdb.path=" + folder.resolve("prometheus"),
            "--web.listen-address=127.0.0.1:" + port)
        .redirectErrorStream(true)
        .redirectOutput(folder.resolve("prometheus.log").toFile())
        .start();
  }

  private JsonNode ask(String path) {
    try {
      HttpRequest request =
          HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/api/v1/" + path))
              .timeout(Duration.ofSeconds(20))
              .build();
      return Json.read(http.send(request, HttpResponse.BodyHandlers.ofString()).body());
    } catch (IOException e) {
      return Json.object();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  private JsonNode value(String expression) {
    return ask("query?query=" + ExplorerProcess.encode(expression)).at("/data/result");
  }

  private Set<String> firing() {
    Set<String> firing = new TreeSet<>();
    for (JsonNode alert : ask("alerts").at("/data/alerts")) {
      if (alert.path("state").asText().equals("firing")) {
        firing.add(alert.at("/labels/alertname").asText());
      }
    }
    return firing;
  }

  private void awaitAlert(String name) {
    await().atMost(Duration.ofMinutes(1)).untilAsserted(() -> assertThat(firing()).contains(name));
  }

  private static List<JsonNode> panels() throws IOException {
    List<JsonNode> panels = new ArrayList<>();
    try (Stream<Path> files = Files.list(FOLDER.resolve("dashboards"))) {
      for (Path file : files.sorted().toList()) {
        new ObjectMapper().readTree(file.toFile()).path("panels").forEach(panels::add);
      }
    }
    return panels;
  }

  private void everyMetricIsThere() throws IOException {
    StringBuilder expressions = new StringBuilder(Files.readString(FOLDER.resolve("rules.yaml")));
    for (JsonNode panel : panels()) {
      panel
          .path("targets")
          .forEach(target -> expressions.append('\n').append(target.path("expr").asText()));
    }
    Set<String> named = new TreeSet<>();
    Matcher metric = Pattern.compile("\\b([a-z][a-z0-9_:]+)\\{").matcher(expressions);
    while (metric.find()) {
      named.add(metric.group(1));
    }
    assertThat(named).hasSizeGreaterThan(20);
    Set<String> known = new HashSet<>();
    ask("label/__name__/values").path("data").forEach(name -> known.add(name.asText()));
    named.removeAll(known);
    // Of Prometheus' own probe for certificates, where one is set up.
    named.remove("probe_ssl_earliest_cert_expiry");
    assertThat(named).as("metrics that are not there").isEmpty();
  }

  private void everyPanelHasSeries() throws IOException {
    List<String> empty = new ArrayList<>();
    for (JsonNode panel : panels()) {
      for (JsonNode target : panel.path("targets")) {
        String expression =
            target
                .path("expr")
                .asText()
                .replace("$job", "explorer")
                // This Prometheus has not seen longer than that.
                .replaceAll("\\[(5m|30m|1h|6h|1d|7d)\\]", "[30s]")
                .replaceAll("\\[(\\w+):5m\\]", "[1m:2s]");
        if (value(expression).isEmpty()) {
          empty.add(panel.path("title").asText() + ": " + expression);
        }
      }
    }
    assertThat(empty).isEmpty();
  }
}
