package routes;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.tngtech.archunit.core.domain.JavaAnnotation;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaField;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.apache.camel.spi.UriParam;
import org.junit.jupiter.api.Test;
import routes.crash.CrashPoint;
import routes.jetstream.JetstreamEndpoint;
import routes.jetstream.Json;

/** What the documents say is so; with {@code -Dupdate-docs} their tables are written anew. */
class DocumentationTest {

  private static final Path METADATA =
      Path.of("target/classes/META-INF/spring-configuration-metadata.json");

  @Test
  void configurationNamesEveryPropertyWithItsDefault() throws IOException {
    List<String> rows = new ArrayList<>();
    for (JsonNode property : Json.read(Files.readString(METADATA)).get("properties")) {
      String name = property.get("name").textValue();
      assertThat(property.path("description").asText())
          .as("the description of " + name)
          .isNotBlank();
      rows.add(
          "| `"
              + name
              + "` | "
              + byDefault(property.path("defaultValue"))
              + " | "
              + property.get("description").textValue()
              + " |");
    }
    rows.sort(Comparator.naturalOrder());
    assertThat(rows).hasSizeGreaterThan(20);
    assertTable(
        Path.of("docs/configuration.md"),
        "| property | default | |\n|---|---|---|\n" + String.join("\n", rows) + "\n");
  }

  @Test
  void jetstreamNamesEveryOptionWithItsDefault() throws IOException {
    JavaClass endpoint =
        new ClassFileImporter().importClasses(JetstreamEndpoint.class).get(JetstreamEndpoint.class);
    List<String> rows = new ArrayList<>();
    for (JavaField field : endpoint.getFields()) {
      if (field.isAnnotatedWith(UriParam.class)) {
        JavaAnnotation<?> option = field.getAnnotationOfType(UriParam.class.getName());
        String description = option.get("description").orElse("").toString();
        assertThat(description).as("the description of " + field.getName()).isNotBlank();
        String value = option.get("defaultValue").orElse("").toString();
        rows.add(
            "| `"
                + field.getName()
                + "` | "
                + (value.isEmpty() ? "" : "`" + value + "`")
                + " | "
                + description
                + " |");
      }
    }
    rows.sort(Comparator.naturalOrder());
    assertThat(rows).hasSizeGreaterThan(10);
    assertTable(
        Path.of("docs/jetstream.md"),
        "| option | default | |\n|---|---|---|\n" + String.join("\n", rows) + "\n");
  }

  @Test
  void everyTestThatTheInvariantsNameIsThere() throws IOException {
    String invariants = Files.readString(Path.of("docs/invariants.md"));
    String tests = sources(Path.of("src/test/java"));
    Matcher method = Pattern.compile("`(?:\\w+\\.|…)(\\w+)`").matcher(invariants);
    int checked = 0;
    while (method.find()) {
      assertThat(tests.contains("void " + method.group(1) + "(")).as(method.group()).isTrue();
      checked++;
    }
    assertThat(checked).isGreaterThan(25);
  }

  @Test
  void everyCrashPointIsListed() throws IOException {
    String invariants = Files.readString(Path.of("docs/invariants.md"));
    String sources = sources(Path.of("src/main/java"));
    for (CrashPoint point : CrashPoint.values()) {
      assertThat(invariants).contains("| `" + point + "` |");
      assertThat(sources).contains("CrashPoint." + point + ".pass();");
    }
  }

  @Test
  void everyLinkLeadsSomewhere() throws IOException {
    List<Path> documents =
        new ArrayList<>(List.of(Path.of("README.md"), Path.of("CONTRIBUTING.md")));
    try (Stream<Path> docs = Files.list(Path.of("docs"))) {
      docs.filter(path -> path.toString().endsWith(".md")).forEach(documents::add);
    }
    Pattern link = Pattern.compile("\\]\\((?!https?:)([^)#]+)[^)]*\\)");
    for (Path document : documents) {
      Matcher links = link.matcher(Files.readString(document));
      while (links.find()) {
        Path target = document.toAbsolutePath().getParent().resolve(links.group(1));
        assertThat(target).as(document + " links to it").exists();
      }
    }
  }

  /** Lists as they are written in a property: without brackets and spaces. */
  private static String byDefault(JsonNode value) {
    String text = value.asText();
    if (text.startsWith("[")) {
      text = text.substring(1, text.length() - 1).replace(", ", ",");
    }
    return text.isEmpty() ? "" : "`" + text + "`";
  }

  private static String sources(Path folder) throws IOException {
    StringBuilder all = new StringBuilder();
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.filter(path -> path.toString().endsWith(".java")).toList()) {
        all.append(Files.readString(file));
      }
    }
    return all.toString();
  }

  private static void assertTable(Path document, String table) throws IOException {
    String text = Files.readString(document);
    Pattern place = Pattern.compile("(?s)(<!-- table -->\n).*?(<!-- /table -->)");
    String updated =
        place
            .matcher(text)
            .replaceFirst(Matcher.quoteReplacement("<!-- table -->\n" + table + "<!-- /table -->"));
    if (System.getProperty("update-docs") != null) {
      Files.writeString(document, updated);
    } else {
      assertThat(text)
          .as("mvn test -Dtest=DocumentationTest -Dupdate-docs writes it anew")
          .isEqualTo(updated);
    }
  }
}
