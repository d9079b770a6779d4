package routes.search;

import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.Stream;
import org.apache.avro.generic.GenericRecord;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import routes.archive.Ahead;
import routes.archive.ArchiveFile;
import routes.archive.Pace;
import routes.archive.RowReader;
import routes.archive.TableName;
import routes.archive.TableReader;
import routes.crash.CrashPoint;

/**
 * The indexes of the data files of posts: a folder each, below {@code posts/index/}, called as the
 * file. Several processes may build the same one: who is first wins.
 */
public final class PostIndexes {

  private static final Logger LOG = LoggerFactory.getLogger(PostIndexes.class);

  /** All of a month's indexes have to be read for it, so not at every start. */
  private static final Duration CHECKED_EVERY = Duration.ofDays(7);

  private final Pace pace;

  /** Builds them at full pace. */
  public PostIndexes() {
    this(Pace.FULL);
  }

  /**
   * @param pace at which rows are added to an index
   */
  public PostIndexes(Pace pace) {
    this.pace = requireNonNull(pace, "pace");
  }

  /** Builds the index of a file if there is none that is whole. */
  public void build(ArchiveFile file) throws IOException {
    if (!isWhole(file)) {
      buildAnew(file);
    }
  }

  /** Reads all of an index. Gives false where there is none that can be used. */
  boolean isWhole(ArchiveFile file) throws IOException {
    Optional<PostIndex> opened = open(file);
    if (opened.isEmpty()) {
      return false;
    }
    try (PostIndex index = opened.get()) {
      index.check();
    } catch (IOException | RuntimeException e) {
      LOG.warn(
          "The index of {} is damaged, and built anew: {}",
          file.path().getFileName(),
          e.toString());
      return false;
    }
    try {
      Files.setLastModifiedTime(newestCommit(folder(file)), FileTime.from(Instant.now()));
    } catch (IOException e) {
      LOG.debug("It will be checked again at the next start", e);
    }
    return true;
  }

  /** Whether it is long ago that all of an index was read, or written. */
  boolean isToBeChecked(ArchiveFile file) {
    try {
      Instant last = Files.getLastModifiedTime(newestCommit(folder(file))).toInstant();
      return last.isBefore(Instant.now().minus(CHECKED_EVERY));
    } catch (IOException e) {
      LOG.debug("It was built anew by another process just now", e);
      return false;
    }
  }

  /** A file that Lucene writes once, when an index is done; its time says when it was checked. */
  private static Path newestCommit(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files
          .filter(file -> file.getFileName().toString().startsWith("segments_"))
          .max(Comparator.naturalOrder())
          .orElseThrow(() -> new NoSuchFileException(folder.resolve("segments_").toString()));
    }
  }

  /**
   * The index of a file, to be closed; empty when there is none that can be used. Not all of it is
   * read: a month of indexes has more bytes than a start may wait for.
   */
  Optional<PostIndex> open(ArchiveFile file) throws IOException {
    return PostIndex.open(folder(file), file);
  }

  /** Whether rows of the file can be found by their number. */
  static boolean canBeIndexed(ArchiveFile file) {
    return new RowReader(TableName.POSTS, file).canSeek();
  }

  private void buildAnew(ArchiveFile file) throws IOException {
    long start = System.nanoTime();
    Path folder = folder(file);
    Path temporary = folder.resolveSibling("building-" + UUID.randomUUID());
    Files.createDirectories(temporary);
    try {
      try (PostIndexBuilder builder = new PostIndexBuilder(temporary)) {
        addAll(file, builder);
        builder.finish();
      }
      CrashPoint.INDEX_WRITTEN.pass();
      // What is there is of no use: it was looked at before.
      putAside(folder);
      Files.move(temporary, folder);
      LOG.debug(
          "indexed file={} rows={} ms={}",
          file.path().getFileName(),
          file.rows(),
          (System.nanoTime() - start) / 1_000_000);
    } catch (FileSystemException e) {
      if (!Files.isDirectory(folder)) {
        throw e;
      }
      LOG.debug("Another process has built this index meanwhile", e);
    } finally {
      remove(temporary);
    }
  }

  /** By a change of its name, so that several processes do not remove it file by file at once. */
  private static void putAside(Path folder) throws IOException {
    Path aside = folder.resolveSibling("building-" + UUID.randomUUID());
    try {
      Files.move(folder, aside);
      remove(aside);
    } catch (NoSuchFileException e) {
      LOG.trace("There is none", e);
    }
  }

  /** One thread reads and prepares the rows while another adds them. */
  private void addAll(ArchiveFile file, PostIndexBuilder builder) throws IOException {
    Pace.Walk walk = pace.walk();
    try (TableReader rows = new TableReader(TableName.POSTS, file, PostRow.SEARCHED);
        Ahead<PostIndexBuilder.Prepared> ready = new Ahead<>(() -> prepared(rows), "index-rows")) {
      for (PostIndexBuilder.Prepared row = ready.next(); row != null; row = ready.next()) {
        builder.add(row);
        walk.step();
      }
    }
  }

  private static PostIndexBuilder.Prepared prepared(TableReader rows) throws IOException {
    GenericRecord row = rows.next();
    return row == null ? null : PostIndexBuilder.Prepared.of(PostRow.of(row));
  }

  /** Where the index of a file is: {@code data/date=…/name.parquet} has {@code index/name}. */
  static Path folder(ArchiveFile file) {
    Path data = file.path().getParent().getParent();
    return data.resolveSibling("index")
        .resolve(file.path().getFileName().toString().replace(".parquet", ""));
  }

  private static void remove(Path folder) throws IOException {
    if (Files.exists(folder)) {
      try (Stream<Path> files = Files.walk(folder)) {
        for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
          Files.deleteIfExists(file);
        }
      }
    }
  }
}
