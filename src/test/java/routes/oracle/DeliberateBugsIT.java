package routes.oracle;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.awaitility.core.ConditionTimeoutException;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import routes.fixtures.ExtractedJar;

/**
 * Whether the oracle notices mistakes: each {@link DeliberateBug} is built into the application in
 * turn. What was missed is not filled meanwhile, as that would make up for some of them. One of
 * them here, all with {@code -Psoak}; {@code -Dbugs=NAME,NAME} for some.
 */
class DeliberateBugsIT {

  private static final int DEATHS = Integer.getInteger("bug-deaths", 1);
  private static final Duration PATIENCE = Duration.ofSeconds(75);

  @TempDir Path folder;

  static Stream<DeliberateBug> bugs() {
    String names = System.getProperty("bugs", "DROPS_NO_DUPLICATES");
    return Arrays.stream(DeliberateBug.values())
        .filter(bug -> names.equals("all") || List.of(names.split(",")).contains(bug.name()));
  }

  @ParameterizedTest
  @MethodSource("bugs")
  void isNoticed(DeliberateBug bug) throws Exception {
    List<String> program = program(bug);
    String noticedBy = "";
    long start = System.nanoTime();
    // What depends on chance gets some chances.
    for (long seed = 1; seed <= 3 && noticedBy.isEmpty(); seed++) {
      noticedBy = notice(bug, program, seed);
    }
    System.out.printf(
        "bug=%s noticed_by=%s seconds=%d%n",
        bug, noticedBy, (System.nanoTime() - start) / 1_000_000_000);
    assertThat(noticedBy).as("%s", bug).isNotEmpty();
  }

  private List<String> program(DeliberateBug bug) throws Exception {
    Path classes = Files.createDirectories(folder.resolve("classes"));
    bug.compile(classes);
    List<String> right = ExtractedJar.program();
    String jar = right.get(right.size() - 1);
    return List.of(
        "--enable-native-access=ALL-UNNAMED", "-cp", classes + ":" + jar, "routes.Explorer");
  }

  private String notice(DeliberateBug bug, List<String> program, long seed) throws Exception {
    try {
      CrashCampaign.Result result =
          new CrashCampaign(
                  new CrashCampaign.Settings(
                      Files.createDirectories(folder.resolve("run" + seed)),
                      program,
                      seed,
                      // Most deaths of Redis do no harm: it is back before anything is appended.
                      bug.damages().contains(CrashCampaign.Damage.KILL) ? DEATHS : 5 * DEATHS,
                      Duration.ZERO,
                      bug == DeliberateBug.COMMITS_ON_TOP_OF_ANYTHING ? 2 : 1,
                      300,
                      false,
                      bug.damages(),
                      bug.crashPoints(),
                      Duration.ofSeconds(4),
                      PATIENCE,
                      true,
                      false,
                      bug != DeliberateBug.COMMITS_ON_TOP_OF_ANYTHING))
              .run();
      System.out.printf("bug=%s seed=%d %s%n", bug, seed, result.done());
      return what(result);
    } catch (ConditionTimeoutException e) {
      return "the pipeline stands still";
    } catch (RuntimeException e) {
      return "the archive cannot be read: " + first(e.getMessage());
    }
  }

  private static String what(CrashCampaign.Result result) {
    List<String> what = new ArrayList<>();
    Oracle.Verdict verdict = result.verdict();
    add(what, verdict.lost(), "lost");
    add(what, verdict.twice(), "twice");
    add(what, verdict.invented(), "invented");
    add(what, verdict.changed(), "changed");
    add(what, verdict.misplaced(), "misplaced");
    add(what, result.gaps(), "gaps");
    result.verification().damages().forEach(damage -> what.add("verify: " + first(damage)));
    return String.join(", ", what);
  }

  private static void add(List<String> what, long number, String name) {
    if (number > 0) {
      what.add(number + " " + name);
    }
  }

  private static String first(String text) {
    String line = String.valueOf(text).lines().findFirst().orElse("");
    return line.substring(0, Math.min(120, line.length()));
  }
}
