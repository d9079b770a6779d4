package routes.search;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A {@link SqlWorker} in a process of its own, that may take so much memory and no more. */
final class SqlProcess implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(SqlProcess.class);

  /** What a Java process reserves beside what its query may have. */
  private static final long OVERHEAD_BYTES = 1L << 30;

  private static final ScheduledExecutorService DEADLINES =
      Executors.newSingleThreadScheduledExecutor(
          Thread.ofPlatform().daemon().name("sql-deadlines").factory());

  private static final ObjectMapper JSON = new ObjectMapper();

  private final Process process;
  private final Path folder;
  private final BufferedReader answers;

  private SqlProcess(Process process, Path folder) {
    this.process = process;
    this.folder = folder;
    this.answers = new BufferedReader(new InputStreamReader(process.getInputStream(), UTF_8));
  }

  static SqlProcess start(Path temporary, long memoryBytes) throws IOException {
    Path folder = Files.createDirectories(temporary.resolve("sql-" + UUID.randomUUID()));
    List<String> command = new ArrayList<>();
    // Linux holds a process to that; elsewhere there is DuckDB's own limit only.
    command.addAll(List.of("/bin/sh", "-c", "ulimit -v $0 2>/dev/null; exec \"$@\""));
    command.add(Long.toString((memoryBytes + OVERHEAD_BYTES) >> 10));
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(
        List.of(
            "-Xmx64m",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-XX:ReservedCodeCacheSize=32m",
            "-XX:CompressedClassSpaceSize=64m",
            "-XX:-UsePerfData",
            "-XX:-CreateCoredumpOnCrash",
            "-XX:ErrorFile=/dev/null",
            "--enable-native-access=ALL-UNNAMED",
            // Arrow reaches into buffers.
            "--add-opens=java.base/java.nio=ALL-UNNAMED",
            "-Djava.io.tmpdir=" + folder));
    command.addAll(SqlWorker.command());
    ProcessBuilder builder =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.DISCARD);
    // What is in there may be secret.
    builder.environment().clear();
    builder.environment().put("MALLOC_ARENA_MAX", "2");
    try {
      return new SqlProcess(builder.directory(folder.toFile()).start(), folder);
    } catch (IOException e) {
      remove(folder);
      throw e;
    }
  }

  void ask(SqlWorker.Request request) throws IOException {
    try (OutputStream to = process.getOutputStream()) {
      to.write(JSON.writeValueAsBytes(request));
    } catch (IOException e) {
      LOG.debug("It has ended before it was asked", e);
    }
  }

  /**
   * The next line that it says; null when it has ended.
   *
   * @throws QueryTimeout when it says nothing in time; it is ended then
   */
  String line(Deadline deadline) throws IOException {
    ScheduledFuture<?> ending =
        DEADLINES.schedule(
            process::destroyForcibly, Math.max(1, deadline.millisLeft()), TimeUnit.MILLISECONDS);
    try {
      String line = readLine();
      if (deadline.isPast()) {
        throw deadline.timeout(null);
      }
      return line;
    } finally {
      ending.cancel(false);
    }
  }

  /** No longer than it may be: what it says is held in memory here. */
  private String readLine() throws IOException {
    StringBuilder line = new StringBuilder();
    for (int read = answers.read(); read >= 0; read = answers.read()) {
      if (read == '\n') {
        return line.toString();
      }
      if (line.length() == SqlWorker.MAX_LINE) {
        break;
      }
      line.append((char) read);
    }
    return null;
  }

  @Override
  public void close() throws IOException {
    process.destroyForcibly();
    try (answers) {
      process.waitFor();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      remove(folder);
    }
  }

  private static void remove(Path folder) throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.sorted(java.util.Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(file);
      }
    }
  }
}
