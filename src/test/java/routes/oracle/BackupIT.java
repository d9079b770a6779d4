package routes.oracle;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.util.FileSystemUtils;
import routes.fixtures.ExplorerProcess;
import routes.fixtures.ExtractedJar;
import routes.fixtures.Processes;
import routes.fixtures.StoppableClock;
import routes.simulator.JetstreamServer;
import routes.simulator.Misbehaviour;
import routes.simulator.World;

/** Everything is lost but a backup, which was made while the application ran. */
@Order(6)
class BackupIT {

  @TempDir Path folder;

  private ExplorerProcess start(String hosts, Instant since) throws Exception {
    return new ExplorerProcess(
            folder,
            ExtractedJar.program(),
            "--explorer.jetstream.hosts=" + hosts,
            "--explorer.jetstream.start=" + since,
            "--explorer.drain.schedule=* * * * * ?")
        .awaitReady();
  }

  private static int backup(Path data, Path target) throws Exception {
    List<String> command = new ArrayList<>(ExplorerProcess.java());
    command.addAll(ExtractedJar.program());
    command.addAll(List.of("backup", target.toString(), "--explorer.data-dir=" + data));
    return new ProcessBuilder(command).inheritIO().start().waitFor();
  }

  @Test
  void whatTheBackupHadIsThereAndJetstreamBringsTheRest() throws Exception {
    World world = new World(87, 200);
    StoppableClock clock = new StoppableClock(Duration.ZERO);
    Instant since = clock.instant();
    Path data = folder.resolve("data");
    Path elsewhere = folder.resolve("elsewhere");
    try (JetstreamServer server = new JetstreamServer(world, Misbehaviour.NONE, clock, 0)) {
      long kept;
      try (ExplorerProcess first = start(server.url(), since)) {
        Archived.awaitFlow(first);
        assertThat(backup(data, elsewhere)).isZero();
        kept = Archived.rows(first.json("/api/v1/status"));
        Archived.awaitFlow(first);
        first.kill();
      }
      Processes.killRedis(data);
      FileSystemUtils.deleteRecursively(data);
      FileSystemUtils.copyRecursively(elsewhere, data);
      assertThat(Files.exists(data.resolve("redis"))).isFalse();
      try (ExplorerProcess second = start(server.url(), since)) {
        assertThat(Archived.rows(second.json("/api/v1/status"))).isPositive();
        Archived.awaitFlow(second);
        clock.pause();
        Instant end = clock.instant();
        Archived.awaitAll(second, world, end, Duration.ofSeconds(90));
        assertThat(Archived.rows(second.json("/api/v1/status"))).isGreaterThan(kept);
        assertThat(second.json("/api/v1/completeness").get("gaps")).isEmpty();
        second.close();
        Oracle.Verdict verdict = new Oracle(List.of(world), server).compare(data, since, end);
        assertThat(verdict.isClean()).as(verdict.toString()).isTrue();
        assertThat(verdict.due()).isPositive();
      }
    } finally {
      Processes.killRedis(data);
    }
  }
}
