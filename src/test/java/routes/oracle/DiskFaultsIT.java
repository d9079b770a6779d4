package routes.oracle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisURI;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Properties;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import routes.archive.Verification;
import routes.fixtures.ExplorerProcess;
import routes.fixtures.ExtractedJar;
import routes.fixtures.Processes;
import routes.fixtures.StoppableClock;
import routes.simulator.JetstreamServer;
import routes.simulator.Misbehaviour;
import routes.simulator.World;

/**
 * A disk that is full, and one that can only be read: a small file system of the test's own, which
 * only root can make; skipped for others.
 */
class DiskFaultsIT {

  @TempDir Path folder;
  private Path data;
  private Path archive;

  @BeforeEach
  void mountASmallDisk() throws Exception {
    data = Files.createDirectories(folder.resolve("data"));
    assumeTrue(
        mount("-t", "tmpfs", "-o", "size=48m", "tmpfs", data.toString()),
        "only root can mount a file system");
    archive = Files.createDirectories(data.resolve("archive"));
    assertThat(mount("--bind", archive.toString(), archive.toString())).isTrue();
  }

  @AfterEach
  void unmount() throws Exception {
    Processes.killRedis(data);
    for (Path mounted : archive == null ? List.of(data) : List.of(archive, data)) {
      new ProcessBuilder("umount", "-l", mounted.toString())
          .redirectErrorStream(true)
          .redirectOutput(ProcessBuilder.Redirect.DISCARD)
          .start()
          .waitFor();
    }
  }

  private static boolean mount(String... arguments) throws Exception {
    List<String> command = new java.util.ArrayList<>(List.of("mount"));
    command.addAll(List.of(arguments));
    try {
      return new ProcessBuilder(command)
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.DISCARD)
              .start()
              .waitFor()
          == 0;
    } catch (IOException e) {
      return false;
    }
  }

  @Test
  void waitsSaysSoAndCatchesUp() throws Exception {
    StoppableClock clock = new StoppableClock(Duration.ZERO);
    World world = new World(78, 200);
    Instant start = clock.instant().minusSeconds(5);
    try (JetstreamServer server = new JetstreamServer(world, Misbehaviour.NONE, clock, 0)) {
      try (ExplorerProcess explorer =
          new ExplorerProcess(
                  folder,
                  ExtractedJar.program(),
                  "--explorer.jetstream.hosts=" + server.url(),
                  "--explorer.jetstream.start=" + start,
                  "--explorer.drain.schedule=* * * * * ?")
              .awaitReady()) {
        Archived.awaitFlow(explorer);

        // Full, to the last byte.
        Path filler = data.resolve("filler");
        fill(filler);
        awaitHealth(explorer, "drain", "space");
        assertThat(explorer.get("/search?text=x").statusCode()).isEqualTo(200);
        assertThat(explorer.log()).contains("The batch failed; nothing is lost");
        // Whatever room appears for a moment is taken again, so that it fails at other places too.
        for (int kilobytes : List.of(8, 64, 400, 1500)) {
          Files.delete(filler);
          fill(filler, kilobytes);
          long failures = failures(explorer);
          await().atMost(Duration.ofSeconds(30)).until(() -> failures(explorer) != failures);
        }
        // Redis cannot write its file anew either, and goes on with the old one.
        assertThat(rewriteAof()).contains("started");
        Files.delete(filler);
        Archived.awaitFlow(explorer);

        // What could not be written is not held open either.
        await().untilAsserted(() -> assertThat(openFiles(explorer.pid())).isEmpty());

        // Read-only, from a moment on when nothing is being written.
        await()
            .pollInterval(Duration.ofMillis(20))
            .atMost(Duration.ofSeconds(60))
            .until(() -> mount("-o", "remount,bind,ro", archive.toString()));
        awaitHealth(explorer, "drain", "ead-only");
        assertThat(explorer.get("/search?text=x").statusCode()).isEqualTo(200);
        assertThat(mount("-o", "remount,bind,rw", archive.toString())).isTrue();
        Archived.awaitFlow(explorer);

        clock.stop();
        Archived.awaitAll(explorer, world, clock.instant(), Duration.ofSeconds(90));
      }
    }
    Oracle.Verdict verdict =
        new Oracle(List.of(world), new JetstreamServer[0]).compare(data, start, clock.instant());
    assertThat(verdict.isClean()).as("%s", verdict).isTrue();
    assertThat(new Verification(data, what -> {}).run("128MB", 2).damages()).isEmpty();
  }

  /** Files of the archive that a process has open to write, or that are deleted. */
  private List<String> openFiles(long pid) throws IOException {
    List<String> open = new java.util.ArrayList<>();
    try (Stream<Path> files = Files.list(Path.of("/proc/" + pid + "/fd"))) {
      for (Path file : files.toList()) {
        String target = Files.exists(file) || Files.isSymbolicLink(file) ? link(file) : "";
        if (target.startsWith(archive.toString()) && isWritable(pid, file)) {
          open.add(target);
        }
      }
    }
    return open;
  }

  private static String link(Path file) {
    try {
      return Files.readSymbolicLink(file).toString();
    } catch (IOException e) {
      return ""; // closed meanwhile
    }
  }

  private static boolean isWritable(long pid, Path file) {
    try {
      return Files.readAllLines(Path.of("/proc/" + pid + "/fdinfo/" + file.getFileName())).stream()
          .anyMatch(line -> line.startsWith("flags:") && !line.strip().endsWith("0"));
    } catch (IOException e) {
      return false; // closed meanwhile
    }
  }

  private String rewriteAof() throws IOException {
    Properties identity = new Properties();
    try (InputStream in = Files.newInputStream(data.resolve("redis/server.properties"))) {
      identity.load(in);
    }
    RedisClient client =
        RedisClient.create(
            RedisURI.builder()
                .withHost("127.0.0.1")
                .withPort(Integer.parseInt(identity.getProperty("port")))
                .withPassword(identity.getProperty("password").toCharArray())
                .build());
    try (var connection = client.connect()) {
      return connection.sync().bgrewriteaof();
    } finally {
      client.shutdown(Duration.ZERO, Duration.ofSeconds(5));
    }
  }

  private static long failures(ExplorerProcess explorer) {
    return explorer
        .get("/observe/metrics")
        .body()
        .lines()
        .filter(
            line ->
                line.startsWith("explorer_batch_failures_total")
                    || line.startsWith("explorer_batch_events_total"))
        .mapToLong(line -> (long) Double.parseDouble(line.substring(line.lastIndexOf(' '))))
        .sum();
  }

  private static void awaitHealth(ExplorerProcess explorer, String part, String word) {
    await()
        .atMost(Duration.ofSeconds(60))
        .until(
            () -> {
              String health = explorer.get("/observe/health").body();
              return health.contains("\"" + part + "\":{\"status\":\"DOWN\"")
                  && health.contains(word);
            });
  }

  private static void fill(Path file) {
    fill(file, 0);
  }

  /** Takes all room but so much. */
  private static void fill(Path file, int leftKilobytes) {
    try {
      long room = file.getParent().toFile().getUsableSpace() - leftKilobytes * 1024L;
      try (OutputStream out = Files.newOutputStream(file)) {
        byte[] zeros = new byte[4096];
        for (long written = 0; written < room || leftKilobytes == 0; written += zeros.length) {
          out.write(zeros);
        }
      }
    } catch (IOException e) {
      assertThat(e).hasMessageContaining("space");
    }
  }
}
