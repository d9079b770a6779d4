package routes.wiring;

import static org.assertj.core.api.Assertions.assertThat;
import static routes.fixtures.Frames.post;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import routes.fixtures.ArchiveFixture;
import routes.fixtures.RedisFixture;

class VerifyCommandTest {

  @RegisterExtension static final RedisFixture REDIS = new RedisFixture();

  @TempDir Path nothing;

  @Test
  void tellsWhatItFoundAndGivesAStatusForScripts() throws Exception {
    try (ArchiveFixture fixture = new ArchiveFixture(REDIS.stream())) {
      fixture.store(post(1, "a"), post(2, "b"));
      StringBuilder out = new StringBuilder();
      assertThat(run(fixture.folder(), out)).isEqualTo(VerifyCommand.WHOLE);
      assertThat(out).contains("Verifying the archive in").contains("WHOLE: 2 commits, 2 files");
      Path file;
      try (Stream<Path> files = Files.walk(fixture.folder().resolve("archive/posts/data"))) {
        file = files.filter(path -> path.toString().endsWith(".parquet")).findFirst().orElseThrow();
      }
      byte[] bytes = Files.readAllBytes(file);
      bytes[10] ^= 1;
      Files.write(file, bytes);
      out.setLength(0);
      assertThat(run(fixture.folder(), out)).isEqualTo(VerifyCommand.DAMAGED);
      assertThat(out).contains("DAMAGE").contains(file.toString()).contains("DAMAGED: ");
    }
  }

  @Test
  void saysWhereItLookedInVain() {
    StringBuilder out = new StringBuilder();
    assertThat(run(nothing, out)).isEqualTo(VerifyCommand.NOTHING_THERE);
    assertThat(out).contains("there is no archive in").contains("--explorer.data-dir");
  }

  private static int run(Path folder, StringBuilder out) {
    PrintStream before = System.out;
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (PrintStream captured = new PrintStream(bytes, true, StandardCharsets.UTF_8)) {
      System.setOut(captured);
      return VerifyCommand.run("--explorer.data-dir=" + folder);
    } finally {
      System.setOut(before);
      out.append(bytes.toString(StandardCharsets.UTF_8));
    }
  }
}
