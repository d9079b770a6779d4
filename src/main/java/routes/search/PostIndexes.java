package routes.search;

import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.Stream;
import org.apache.avro.generic.GenericRecord;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import routes.archive.ArchiveFile;
import routes.archive.RowReader;
import routes.archive.TableName;
import routes.archive.TableReader;

/**
 * The indexes of the data files of posts: a folder each, below {@code posts/index/}, called as the
 * file. Several processes may build the same one: who is first wins.
 */
public final class PostIndexes {

  private static final Logger LOG = LoggerFactory.getLogger(PostIndexes.class);

  /** Builds the index of a file if there is none that can be used. */
  public void build(ArchiveFile file) throws IOException {
    Optional<PostIndex> index = open(file);
    if (index.isPresent()) {
      index.get().close();
    } else {
      buildAnew(file);
    }
  }

  /** The index of a file, to be closed; empty when there is none that can be used. */
  Optional<PostIndex> open(ArchiveFile file) throws IOException {
    return PostIndex.open(folder(file), file);
  }

  /** Whether rows of the file can be found by their number. */
  static boolean canBeIndexed(ArchiveFile file) {
    return new RowReader(TableName.POSTS, file).canSeek();
  }

  private static void buildAnew(ArchiveFile file) throws IOException {
    long start = System.nanoTime();
    Path folder = folder(file);
    Path temporary = folder.resolveSibling("building-" + UUID.randomUUID());
    Files.createDirectories(temporary);
    try {
      try (PostIndexBuilder builder = new PostIndexBuilder(temporary);
          TableReader rows =
              new TableReader(TableName.POSTS, requireNonNull(file), PostRow.COLUMNS)) {
        for (GenericRecord row = rows.next(); row != null; row = rows.next()) {
          builder.add(PostRow.of(row));
        }
        builder.finish();
      }
      remove(folder);
      Files.move(temporary, folder);
      LOG.debug(
          "indexed file={} rows={} ms={}",
          file.path().getFileName(),
          file.rows(),
          (System.nanoTime() - start) / 1_000_000);
    } catch (FileAlreadyExistsException | DirectoryNotEmptyException e) {
      LOG.debug("Another process has built this index meanwhile", e);
    } finally {
      remove(temporary);
    }
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
