package routes;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

/** The rooms and the arrows between them, as docs/architecture.md draws them. */
@AnalyzeClasses(packages = "routes", importOptions = ImportOption.DoNotIncludeTests.class)
class ArchitectureTest {

  @ArchTest
  static final ArchRule ARROWS_GO_ONE_WAY =
      slices().matching("routes.(*)..").should().beFreeOfCycles();

  @ArchTest static final ArchRule JETSTREAM_KNOWS_NOTHING_OF_OURS = knowsOnly("jetstream");

  @ArchTest static final ArchRule IDENTITY_KNOWS_NOTHING_OF_OURS = knowsOnly("identity");

  @ArchTest static final ArchRule BUFFER_KNOWS_BLOCKS = knowsOnly("buffer", "jetstream");

  @ArchTest
  static final ArchRule SIMULATOR_KNOWS_THE_WIRE_FORMAT = knowsOnly("simulator", "jetstream");

  @ArchTest
  static final ArchRule ARCHIVE_KNOWS_THE_BUFFER = knowsOnly("archive", "buffer", "jetstream");

  @ArchTest
  static final ArchRule SEARCH_KNOWS_THE_ARCHIVE = knowsOnly("search", "archive", "buffer");

  @ArchTest
  static final ArchRule API_KNOWS_WHAT_IT_SHOWS = knowsOnly("api", "search", "identity", "archive");

  @ArchTest
  static final ArchRule SPRING_STAYS_OUT_OF_ARCHIVE_AND_SEARCH =
      noClasses()
          .that()
          .resideInAnyPackage(
              "routes.archive..", "routes.search..", "routes.identity..", "routes.simulator..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("org.springframework..", "org.apache.camel..");

  private static ArchRule knowsOnly(String room, String... others) {
    String[] rooms = {
      "jetstream", "buffer", "archive", "search", "identity", "api", "simulator", "wiring"
    };
    java.util.Set<String> allowed = new java.util.HashSet<>(java.util.List.of(others));
    allowed.add(room);
    String[] forbidden =
        java.util.Arrays.stream(rooms)
            .filter(name -> !allowed.contains(name))
            .map(name -> "routes." + name + "..")
            .toArray(String[]::new);
    return noClasses()
        .that()
        .resideInAPackage("routes." + room + "..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(forbidden);
  }
}
