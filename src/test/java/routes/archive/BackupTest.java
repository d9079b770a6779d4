package routes.archive;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static routes.fixtures.Frames.post;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.util.FileSystemUtils;
import routes.fixtures.ArchiveFixture;
import routes.fixtures.ExplorerProcess;
import routes.fixtures.RedisFixture;

class BackupTest {

  @RegisterExtension static final RedisFixture REDIS = new RedisFixture();

  private static final int KILLED = 137;

  private final ArchiveFixture fixture = new ArchiveFixture(REDIS.stream());

  @TempDir Path elsewhere;

  @AfterEach
  void close() {
    fixture.close();
  }

  private Backup.Report backup(Path folder) throws Exception {
    return new Backup(fixture.folder(), folder).run();
  }

  /** What is in the data folder goes, and the backup comes in its place. */
  private void restore(Path backup) throws IOException {
    fixture.archive().close();
    FileSystemUtils.deleteRecursively(fixture.folder());
    FileSystemUtils.copyRecursively(backup, fixture.folder());
  }

  private Verification.Report verify() throws Exception {
    return new Verification(fixture.folder(), what -> {}).run("256MB", 2);
  }

  private void compact() throws Exception {
    new Compaction(
            fixture.archive(),
            fixture.duckDb(),
            file -> {},
            new Compaction.Limits(1_000_000_000, 7),
            Pace.FULL,
            Clock.fixed(Instant.parse("2026-07-06T00:00:00Z"), ZoneOffset.UTC))
        .run();
  }

  private void expire() throws IOException {
    Clock later = Clock.offset(Clock.systemUTC(), Duration.ofHours(2));
    new Expiry(fixture.archive(), Duration.ZERO).run();
    new LeftoverFiles(fixture.archive(), fixture.folder(), Duration.ZERO, later).remove();
  }

  @Test
  void whatWasLostComesBackAndTheNextBatchGoesOnFromThere() throws Exception {
    Files.writeString(fixture.folder().resolve("origin"), "network\n");
    Path scores = Files.createDirectories(fixture.folder().resolve("scores"));
    Files.writeString(scores.resolve("mood.parquet"), "scores");
    fixture.store(post(1, "a"), post(2, "b"));
    Backup.Report report = backup(elsewhere.resolve("backup"));
    assertThat(report.added()).isEqualTo(report.files()).isPositive();
    fixture.store(post(3, "after the backup"));
    restore(elsewhere.resolve("backup"));
    assertThat(Files.readString(fixture.folder().resolve("origin"))).isEqualTo("network\n");
    assertThat(fixture.folder().resolve("scores/mood.parquet")).exists();
    assertThat(verify().damages()).isEmpty();
    try (Archive restored = Archive.open(fixture.folder())) {
      assertThat(restored.snapshot(TableName.POSTS).rows()).isEqualTo(2);
      fixture.receive(post(1, "a"), post(3, "after the backup"));
      new Drain(fixture.stream(), restored, fixture.duckDb(), ArchiveFixture.LIMITS).batch();
      assertThat(restored.snapshot(TableName.POSTS).rows()).isEqualTo(3);
    }
    assertThat(verify().damages()).isEmpty();
  }

  @Test
  void onlyWhatIsNewIsAddedAndWhatIsNoMoreGoes() throws Exception {
    Path folder = elsewhere.resolve("backup");
    fixture.store(post(1, "a"));
    backup(folder);
    fixture.store(post(2, "b"));
    Backup.Report second = backup(folder);
    assertThat(second.added()).isPositive().isLessThan(second.files());
    Backup.Report third = backup(folder);
    assertThat(third.added()).isZero();
    assertThat(third.removed()).isZero();
    compact();
    expire();
    Backup.Report fourth = backup(folder);
    assertThat(fourth.removed()).isPositive();
    try (Stream<Path> files = Files.walk(folder.resolve("archive/posts/data"))) {
      assertThat(files.filter(Files::isRegularFile)).hasSize(1);
    }
    restore(folder);
    assertThat(verify().damages()).isEmpty();
  }

  @Test
  void takesNoRoomOnTheSameFileSystem() throws Exception {
    fixture.store(post(1, "a"));
    Path file = fixture.archive().snapshot(TableName.POSTS).files().get(0).path();
    Path folder = fixture.folder().resolve("backup");
    backup(folder);
    Path copy =
        folder.resolve(fixture.folder().toRealPath().relativize(file.toRealPath()).toString());
    assertThat(Files.isSameFile(file, copy)).isTrue();
  }

  @Test
  void isWholeWhateverTheArchiveDoesMeanwhile() throws Exception {
    fixture.store(post(1, "a"));
    AtomicBoolean over = new AtomicBoolean();
    CompletableFuture<Void> changes =
        CompletableFuture.runAsync(
            () -> {
              try {
                for (int n = 2; !over.get(); n++) {
                  fixture.store(post(n, "post " + n));
                  if (n % 3 == 0) {
                    compact();
                    expire();
                  }
                }
              } catch (Exception e) {
                throw new IllegalStateException(e);
              }
            });
    List<Path> backups = new ArrayList<>();
    try {
      for (int n = 0; n < 6; n++) {
        // Half of them bring one up to date that is there already.
        Path folder = elsewhere.resolve("backup-" + n);
        if (n % 2 == 1) {
          FileSystemUtils.copyRecursively(backups.get(n - 1), folder);
        }
        backup(folder);
        backups.add(folder);
      }
    } finally {
      over.set(true);
      changes.join();
    }
    for (Path backup : backups) {
      restore(backup);
      Verification.Report report = verify();
      assertThat(report.damages()).as(backup.toString()).isEmpty();
      assertThat(report.rows()).isPositive();
    }
  }

  @Test
  void whereverItIsKilledTheOneBeforeOrTheNewOneIsThere() throws Exception {
    Path folder = elsewhere.resolve("backup");
    fixture.store(post(1, "a"));
    backup(folder);
    fixture.store(post(2, "b"));
    compact();
    expire();
    for (String place :
        List.of("BACKUP_FILE_ADDED", "BACKUP_FILE_ADDED:4", "BACKUP_CATALOG_REPLACED")) {
      Path cutOff = elsewhere.resolve("cut-off-" + place.replace(':', '-'));
      FileSystemUtils.copyRecursively(folder, cutOff);
      assertThat(backupInAProcess(cutOff, "-Dexplorer.crash-at=" + place)).isEqualTo(KILLED);
      Path before = elsewhere.resolve("before-" + place.replace(':', '-'));
      FileSystemUtils.copyRecursively(cutOff, before);
      backup(cutOff);
      for (Path backup : List.of(before, cutOff)) {
        Path live = elsewhere.resolve("live");
        FileSystemUtils.copyRecursively(fixture.folder(), live);
        FileSystemUtils.deleteRecursively(fixture.folder());
        FileSystemUtils.copyRecursively(backup, fixture.folder());
        assertThat(verify().damages()).as(backup.toString()).isEmpty();
        FileSystemUtils.deleteRecursively(fixture.folder());
        FileSystemUtils.copyRecursively(live, fixture.folder());
        FileSystemUtils.deleteRecursively(live);
      }
    }
  }

  private int backupInAProcess(Path folder, String option) throws Exception {
    List<String> command = new ArrayList<>(ExplorerProcess.java());
    command.addAll(
        List.of(
            option,
            "-cp",
            System.getProperty("java.class.path"),
            "routes.Explorer",
            "backup",
            folder.toString(),
            "--explorer.data-dir=" + fixture.folder()));
    Process process =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .start();
    return process.waitFor();
  }

  @Test
  void aFileThatIsMissingIsNamedAndTheBackupBeforeStays() throws Exception {
    Path folder = elsewhere.resolve("backup");
    fixture.store(post(1, "a"));
    backup(folder);
    fixture.store(post(2, "b"));
    byte[] catalog = Files.readAllBytes(folder.resolve("catalog.sqlite"));
    List<ArchiveFile> files = fixture.archive().snapshot(TableName.POSTS).files();
    Path lost = null;
    for (ArchiveFile file : files) {
      Path copy =
          folder.resolve(
              fixture.folder().toRealPath().relativize(file.path().toRealPath()).toString());
      if (!Files.exists(copy)) {
        lost = file.path();
      }
    }
    Files.delete(lost);
    assertThatThrownBy(() -> backup(folder))
        .isInstanceOf(IOException.class)
        .hasMessageContaining(lost.getFileName().toString());
    assertThat(Files.readAllBytes(folder.resolve("catalog.sqlite"))).isEqualTo(catalog);
  }

  @Test
  void refusesAFolderThatIsNoPlaceForABackup() throws Exception {
    fixture.store(post(1, "a"));
    Path mine = Files.createDirectories(elsewhere.resolve("mine"));
    Files.writeString(mine.resolve("thesis.txt"), "mine");
    assertThatThrownBy(() -> backup(mine)).hasMessageContaining("something else");
    assertThat(mine.resolve("thesis.txt")).exists();
    assertThatThrownBy(() -> backup(fixture.folder())).hasMessageContaining("cannot be in");
    assertThatThrownBy(() -> backup(fixture.folder().resolve("archive/posts")))
        .hasMessageContaining("cannot be in");
    assertThatThrownBy(() -> new Backup(mine, elsewhere.resolve("backup")))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("there is no archive in");
  }
}
