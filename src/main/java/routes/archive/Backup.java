package routes.archive;

import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.apache.iceberg.BaseTable;
import org.apache.iceberg.StaticTableOperations;
import org.apache.iceberg.Table;
import org.apache.iceberg.exceptions.NotFoundException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import routes.crash.CrashPoint;

/**
 * Keeps a second archive folder that is as the archive was at one moment, beside whatever runs.
 *
 * <p>Files of an archive are never changed, so they are hard links where the folder is on the same
 * file system, which takes no room, and copies elsewhere. First come the files that the folder
 * lacks, then the catalog that names them, and then those go that it names no more: at any moment,
 * and wherever this is cut off, the catalog in the folder has all its files. Whoever copies the
 * folder to another machine has to keep that order.
 *
 * <p>Also in it: the tables that users gave, and whether the data is of the network or made up. Not
 * in it: what Redis holds, since Jetstream sends it again, and the indexes, which are made anew.
 */
public final class Backup {

  private static final Logger LOG = LoggerFactory.getLogger(Backup.class);

  private static final String CATALOG = "catalog.sqlite";
  private static final String ORIGIN = "origin";
  private static final String SCORES = "scores";
  private static final String UNFINISHED = ".unfinished";
  private static final int TRIES = 5;

  private final Path dataFolder;
  private final Path target;

  /**
   * What was done.
   *
   * @param files of the archive in the backup, with those of its metadata
   * @param bytes of them
   * @param added files that were not there before
   * @param removed files that are not there any more
   */
  public record Report(int files, long bytes, int added, int removed) {

    @Override
    public String toString() {
      return String.format(
          Locale.ROOT,
          "%,d files, %,d bytes; %,d files are new, %,d were removed",
          files,
          bytes,
          added,
          removed);
    }
  }

  /**
   * @param dataFolder with {@code catalog.sqlite} and {@code archive}
   * @param target is made where it is missing; used by nothing else
   * @throws IllegalArgumentException when there is no archive, or the target is no place for a
   *     backup
   */
  public Backup(Path dataFolder, Path target) throws IOException {
    this.dataFolder = requireNonNull(dataFolder, "dataFolder").toAbsolutePath().normalize();
    this.target = requireNonNull(target, "target").toAbsolutePath().normalize();
    if (!Files.exists(this.dataFolder.resolve(CATALOG))) {
      throw new IllegalArgumentException(
          "there is no archive in "
              + this.dataFolder
              + ": name its folder with --explorer.data-dir");
    }
    if (this.target.startsWith(this.dataFolder.resolve("archive"))
        || this.dataFolder.startsWith(this.target)) {
      throw new IllegalArgumentException(
          "a backup of "
              + this.dataFolder
              + " cannot be in "
              + this.target
              + ": name a folder that has nothing else in it");
    }
    if (Files.isDirectory(this.target) && !isBackup(this.target)) {
      throw new IllegalArgumentException(
          this.target + " has something else in it than a backup: name another folder");
    }
  }

  /** Or empty, or the beginning of one. */
  private static boolean isBackup(Path folder) throws IOException {
    Set<String> known = Set.of(CATALOG, CATALOG + UNFINISHED, "archive", ORIGIN, SCORES);
    try (Stream<Path> files = Files.list(folder)) {
      return files.allMatch(file -> known.contains(file.getFileName().toString()));
    }
  }

  /**
   * Makes the backup, or brings it up to date.
   *
   * @throws IOException when it cannot be written, or a file of the archive is missing or damaged;
   *     the backup is then as it was before, but for files that nothing names yet
   */
  public Report run() throws IOException, SQLException {
    for (int attempt = 1; ; attempt++) {
      try {
        return tryOnce();
      } catch (NoSuchFileException | NotFoundException e) {
        if (attempt == TRIES) {
          throw new IOException("a file of the archive is missing: " + e.getMessage(), e);
        }
        LOG.debug("Removed while the backup was made; once more", e);
      }
    }
  }

  private Report tryOnce() throws IOException, SQLException {
    Files.createDirectories(target);
    Path catalog = target.resolve(CATALOG + UNFINISHED);
    Files.deleteIfExists(catalog);
    copyCatalog(catalog);
    Path archive = dataFolder.resolve("archive").toRealPath();
    Map<Path, Path> files = new HashMap<>();
    for (Table table : tables(catalog)) {
      for (Path file : ReachableFiles.of(table)) {
        files.put(target.resolve("archive").resolve(archive.relativize(file).toString()), file);
      }
    }
    for (Path file : beside()) {
      files.put(target.resolve(dataFolder.relativize(file)), file);
    }
    int added = 0;
    long bytes = 0;
    List<Path> missing = new ArrayList<>();
    for (Map.Entry<Path, Path> file : files.entrySet()) {
      if (!Files.exists(file.getValue()) && LocalFileIO.isChecksum(file.getValue())) {
        // Of a file that was written without one.
        missing.add(file.getKey());
        continue;
      }
      if (!isSame(file.getKey(), file.getValue())) {
        add(file.getValue(), file.getKey());
        added++;
        CrashPoint.BACKUP_FILE_ADDED.pass();
      }
      bytes += Files.size(file.getKey());
    }
    missing.forEach(files::remove);
    sync(catalog);
    Files.move(
        catalog,
        target.resolve(CATALOG),
        StandardCopyOption.ATOMIC_MOVE,
        StandardCopyOption.REPLACE_EXISTING);
    CrashPoint.BACKUP_CATALOG_REPLACED.pass();
    return new Report(files.size(), bytes, added, removeOthers(files.keySet()));
  }

  /** What the data folder says of itself, and the tables that users gave. */
  private List<Path> beside() throws IOException {
    List<Path> files = new ArrayList<>();
    if (Files.exists(dataFolder.resolve(ORIGIN))) {
      files.add(dataFolder.resolve(ORIGIN));
    }
    if (Files.isDirectory(dataFolder.resolve(SCORES))) {
      try (Stream<Path> tables = Files.list(dataFolder.resolve(SCORES))) {
        tables.filter(file -> file.toString().endsWith(".parquet")).forEach(files::add);
      }
    }
    return files;
  }

  /** Whether it is there already: of the same size and age. */
  private static boolean isSame(Path copy, Path file) throws IOException {
    return Files.exists(copy)
        && Files.size(copy) == Files.size(file)
        && Files.getLastModifiedTime(copy).equals(Files.getLastModifiedTime(file));
  }

  /** As it is at this moment, with all that its log holds. */
  private void copyCatalog(Path copy) throws SQLException {
    try (Connection live =
            DriverManager.getConnection("jdbc:sqlite:" + dataFolder.resolve(CATALOG));
        PreparedStatement statement = live.prepareStatement("VACUUM INTO ?")) {
      statement.setString(1, copy.toString());
      statement.execute();
    }
  }

  private static List<Table> tables(Path catalog) throws SQLException {
    List<Table> tables = new ArrayList<>();
    try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + catalog);
        Statement statement = connection.createStatement();
        ResultSet rows =
            statement.executeQuery("SELECT table_name, metadata_location FROM iceberg_tables")) {
      while (rows.next()) {
        tables.add(
            new BaseTable(
                new StaticTableOperations(rows.getString(2), new LocalFileIO()),
                rows.getString(1)));
      }
    }
    return tables;
  }

  private static void add(Path file, Path to) throws IOException {
    Files.createDirectories(to.getParent());
    Files.deleteIfExists(to);
    try {
      Files.createLink(to, file);
    } catch (NoSuchFileException e) {
      throw e;
    } catch (FileSystemException | UnsupportedOperationException e) {
      LOG.debug("It cannot be a link", e);
      Path unfinished = to.resolveSibling(to.getFileName() + UNFINISHED);
      Files.copy(
          file,
          unfinished,
          StandardCopyOption.REPLACE_EXISTING,
          StandardCopyOption.COPY_ATTRIBUTES);
      sync(unfinished);
      Files.move(unfinished, to, StandardCopyOption.ATOMIC_MOVE);
    }
  }

  private static void sync(Path file) throws IOException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      channel.force(true);
    }
  }

  private int removeOthers(Set<Path> wanted) throws IOException {
    List<Path> there;
    try (Stream<Path> files = Files.walk(target)) {
      there = files.filter(Files::isRegularFile).filter(file -> !file.endsWith(CATALOG)).toList();
    }
    int removed = 0;
    for (Path file : there) {
      if (!wanted.contains(file)) {
        Files.delete(file);
        removed++;
      }
    }
    return removed;
  }
}
