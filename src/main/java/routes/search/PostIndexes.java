package routes.search;

import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.apache.avro.generic.GenericRecord;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
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

  /** Rows that go from thread to thread at once, and how often that may wait. */
  private static final int CHUNK = 512;

  private static final int CHUNKS = 8;

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
    BlockingQueue<List<PostIndexBuilder.Prepared>> ready = new ArrayBlockingQueue<>(CHUNKS);
    ExecutorService reading =
        Executors.newSingleThreadExecutor(
            Thread.ofPlatform().daemon().name("index-rows").factory());
    try {
      Pace.Walk walk = pace.walk();
      Future<?> read = reading.submit(() -> prepare(file, ready));
      for (List<PostIndexBuilder.Prepared> chunk = next(ready, read);
          !chunk.isEmpty();
          chunk = next(ready, read)) {
        for (PostIndexBuilder.Prepared row : chunk) {
          builder.add(row);
          walk.step();
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("building an index was interrupted");
    } finally {
      reading.shutdownNow();
    }
  }

  /** Waits for rows, or for the failure that there will be none. */
  private static List<PostIndexBuilder.Prepared> next(
      BlockingQueue<List<PostIndexBuilder.Prepared>> ready, Future<?> read)
      throws IOException, InterruptedException {
    while (true) {
      List<PostIndexBuilder.Prepared> chunk = ready.poll(1, TimeUnit.SECONDS);
      if (chunk != null) {
        return chunk;
      }
      if (read.isDone()) {
        chunk = ready.poll();
        if (chunk != null) {
          return chunk;
        }
        throw failure(read);
      }
    }
  }

  private static RuntimeException failure(Future<?> read) throws IOException, InterruptedException {
    try {
      read.get();
      return new IllegalStateException("the rows ended without an end");
    } catch (ExecutionException e) {
      if (e.getCause() instanceof IOException failure) {
        throw failure;
      }
      return e.getCause() instanceof RuntimeException failure
          ? failure
          : new IllegalStateException(e.getCause());
    }
  }

  /** Puts all rows into the queue, in order, and an empty chunk behind the last. */
  private static Void prepare(
      ArchiveFile file, BlockingQueue<List<PostIndexBuilder.Prepared>> ready)
      throws IOException, InterruptedException {
    try (TableReader rows = new TableReader(TableName.POSTS, file, PostRow.COLUMNS)) {
      List<PostIndexBuilder.Prepared> chunk = new ArrayList<>(CHUNK);
      for (GenericRecord row = rows.next(); row != null; row = rows.next()) {
        chunk.add(PostIndexBuilder.Prepared.of(PostRow.of(row)));
        if (chunk.size() == CHUNK) {
          ready.put(chunk);
          chunk = new ArrayList<>(CHUNK);
        }
      }
      if (!chunk.isEmpty()) {
        ready.put(chunk);
      }
      ready.put(List.of());
    }
    return null;
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
