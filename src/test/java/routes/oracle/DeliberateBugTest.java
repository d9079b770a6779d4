package routes.oracle;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Whether the places that deliberate bugs change are still there. */
class DeliberateBugTest {

  @TempDir Path folder;

  @ParameterizedTest
  @EnumSource
  void canBeBuilt(DeliberateBug bug) throws Exception {
    bug.compile(folder);
    try (Stream<Path> files = Files.walk(folder)) {
      assertThat(files).anyMatch(file -> file.toString().endsWith(".class"));
    }
  }
}
