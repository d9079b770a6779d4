package routes.deployment;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Rules and dashboards, as far as they can be checked without Prometheus. */
class MonitoringTest {

  private static final Path FOLDER = Path.of("monitoring");

  private static List<JsonNode> rules() throws IOException {
    List<JsonNode> rules = new ArrayList<>();
    new YAMLMapper()
        .readTree(FOLDER.resolve("rules.yaml").toFile())
        .path("groups")
        .forEach(group -> group.path("rules").forEach(rules::add));
    return rules;
  }

  private static List<String> alerts() throws IOException {
    return rules().stream()
        .filter(rule -> rule.has("alert"))
        .map(rule -> rule.path("alert").textValue())
        .toList();
  }

  @Test
  void everyAlertHasARunbook() throws Exception {
    String runbooks = Files.readString(Path.of("docs/runbooks.md"));
    assertThat(alerts()).isNotEmpty();
    for (JsonNode rule : rules()) {
      if (rule.has("alert")) {
        String alert = rule.path("alert").textValue();
        assertThat(runbooks).contains("\n## " + alert + "\n");
        assertThat(rule.at("/annotations/runbook").textValue())
            .isEqualTo("docs/runbooks.md#" + alert.toLowerCase(java.util.Locale.ROOT));
        assertThat(rule.at("/labels/severity").textValue()).isIn("page", "ticket");
      }
    }
    assertThat(
            runbooks
                .lines()
                .filter(line -> line.startsWith("## "))
                .map(line -> line.substring(3))
                .toList())
        .containsExactlyInAnyOrderElementsOf(alerts());
  }

  @Test
  void everyAlertIsTriedBothWays() throws Exception {
    String tests = Files.readString(FOLDER.resolve("rules.test.yaml"));
    for (String alert : alerts()) {
      assertThat(tests).contains("alertname: " + alert + "\n        eval_time: 14h");
      assertThat(tests).contains("name: " + alert + " fires when it should");
    }
  }

  @Test
  void everyPanelAsksForSomething() throws Exception {
    try (Stream<Path> files = Files.list(FOLDER.resolve("dashboards"))) {
      List<Path> dashboards = files.toList();
      assertThat(dashboards).isNotEmpty();
      for (Path file : dashboards) {
        JsonNode dashboard = new ObjectMapper().readTree(file.toFile());
        assertThat(dashboard.path("uid").textValue()).startsWith("explorer-");
        assertThat(dashboard.path("panels")).isNotEmpty();
        for (JsonNode panel : dashboard.path("panels")) {
          assertThat(panel.path("targets")).as(panel.path("title").textValue()).isNotEmpty();
          panel
              .path("targets")
              .forEach(target -> assertThat(target.path("expr").textValue()).isNotBlank());
        }
      }
    }
  }
}
