package routes.archive;

import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import org.apache.iceberg.Table;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import routes.crash.CrashPoint;

/**
 * Removes files that nobody needs: of batches and commits that were cut off, and temporary ones.
 * Never one that a snapshot needs, and none that is younger than the grace time, for it may be
 * committed yet.
 */
public final class LeftoverFiles {

  private static final Logger LOG = LoggerFactory.getLogger(LeftoverFiles.class);

  /** What Redis leaves when it is killed while it rewrites its file. */
  private static final Pattern REDIS_TEMPORARY = Pattern.compile("temp-.*\\.(aof|rdb)");

  /** Where a table's indexes are, beside its data: a folder each, called as the data file. */
  private static final String INDEX = "index";

  private final Archive archive;
  private final Path dataFolder;
  private final Duration grace;
  private final Clock clock;

  /**
   * @param grace how old a file has to be; longer than any batch or compaction takes
   */
  public LeftoverFiles(Archive archive, Path dataFolder, Duration grace, Clock clock) {
    this.archive = requireNonNull(archive, "archive");
    this.dataFolder = requireNonNull(dataFolder, "dataFolder");
    this.grace = requireNonNull(grace, "grace");
    this.clock = requireNonNull(clock, "clock");
  }

  /** Gives the number of files removed. */
  public int remove() throws IOException {
    int removed = 0;
    for (Path file : find()) {
      LOG.info("Removing {}: left over, and no commit needs it", file);
      removed += Files.deleteIfExists(file) ? 1 : 0;
      removeEmpty(file.getParent());
      CrashPoint.LEFTOVER_REMOVED.pass();
    }
    return removed;
  }

  /** The files that are left over and old enough. */
  List<Path> find() throws IOException {
    List<Path> found = new ArrayList<>();
    for (TableName name : TableName.values()) {
      // Listed before the snapshots are read: what is committed in between is then no left-over.
      List<Path> files = old(archive.folder().resolve(name.label()));
      if (!files.isEmpty()) {
        Table table = archive.table(name);
        table.refresh();
        Set<Path> needed = ReachableFiles.of(table);
        if (!needed.isEmpty() && needed.stream().noneMatch(Files::exists)) {
          throw new IllegalStateException(
              "none of the files that the commits of "
                  + name.label()
                  + " name is there: was the data folder moved? Nothing is removed");
        }
        files.stream()
            .filter(file -> !needed.contains(file) && !isOfIndex(file, needed))
            .forEach(found::add);
      }
    }
    found.addAll(old(dataFolder.resolve("tmp")));
    old(dataFolder.resolve("redis")).stream()
        .filter(file -> REDIS_TEMPORARY.matcher(file.getFileName().toString()).matches())
        .forEach(found::add);
    return found;
  }

  /** Whether it belongs to the index of a file that is needed: {@code index/name/…}. */
  private static boolean isOfIndex(Path file, Set<Path> needed) {
    for (Path folder = file.getParent(); folder != null; folder = folder.getParent()) {
      Path above = folder.getParent();
      if (above != null && above.endsWith(INDEX)) {
        String name = folder.getFileName() + ".parquet";
        return needed.stream().anyMatch(path -> path.getFileName().toString().equals(name));
      }
    }
    return false;
  }

  /** Folders of an index that is gone. */
  private static void removeEmpty(Path folder) throws IOException {
    for (Path empty = folder; empty != null && isBelowIndex(empty); empty = empty.getParent()) {
      try {
        Files.deleteIfExists(empty);
      } catch (DirectoryNotEmptyException e) {
        return;
      }
    }
  }

  private static boolean isBelowIndex(Path folder) {
    Path above = folder.getParent();
    return above != null && (above.endsWith(INDEX) || isBelowIndex(above));
  }

  private List<Path> old(Path folder) throws IOException {
    if (!Files.isDirectory(folder)) {
      return List.of();
    }
    Instant before = clock.instant().minus(grace);
    List<Path> old = new ArrayList<>();
    Files.walkFileTree(
        folder.toRealPath(),
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
            if (attributes.isRegularFile()
                && attributes.lastModifiedTime().toInstant().isBefore(before)) {
              old.add(file);
            }
            return FileVisitResult.CONTINUE;
          }

          /** Others commit and remove files meanwhile. */
          @Override
          public FileVisitResult visitFileFailed(Path file, IOException e) throws IOException {
            if (e instanceof NoSuchFileException) {
              return FileVisitResult.CONTINUE;
            }
            throw e;
          }
        });
    return old;
  }
}
