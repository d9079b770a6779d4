package routes.search;

import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import routes.archive.ArchiveFile;
import routes.archive.DuckDb;

/**
 * The data files of posts that are open with their indexes, and what the changes in each end in all
 * others. Builds indexes that are missing: of few rows at once, of more behind those who ask. Also
 * behind them, reads indexes that were not read as a whole for long, and builds anew what is
 * damaged.
 *
 * <p>Used by one thread at a time; {@link #areOutdated} is safe for others.
 */
final class PostFiles implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(PostFiles.class);

  private static final long RETRY_SECONDS = 30;

  private final DuckDb duckDb;
  private final PostIndexes indexes;
  private final long mostAtOnce;
  private final Map<Path, PostFile> open = new HashMap<>();
  private final Set<Path> building = ConcurrentHashMap.newKeySet();
  private final Set<Path> damaged = ConcurrentHashMap.newKeySet();
  private final ExecutorService builder =
      Executors.newSingleThreadExecutor(
          Thread.ofPlatform().daemon().name("index-builder").factory());
  private final AtomicBoolean moreAreBuilt = new AtomicBoolean();

  /** Of files without an index, which are read as a whole: once. */
  private final Map<String, List<PostFile.Version>> changesInScanned = new HashMap<>();

  /** Rows of the commit that is being opened whose indexes may still be waited for. */
  private long rowsAtOnce;

  /** When to try again to build indexes that could not be built; 0 when all were. */
  private volatile long retryAt;

  /**
   * The files of a commit.
   *
   * @param indexed those with an index
   * @param scanned those without one
   */
  record Opened(Collection<PostFile> indexed, List<ArchiveFile> scanned) {}

  /**
   * @param mostAtOnce rows of a commit whose indexes are waited for
   */
  PostFiles(DuckDb duckDb, PostIndexes indexes, long mostAtOnce) {
    this.duckDb = requireNonNull(duckDb, "duckDb");
    this.indexes = requireNonNull(indexes, "indexes");
    this.mostAtOnce = mostAtOnce;
  }

  /** Whether files that had no index have one by now, or may be tried again. */
  boolean areOutdated() {
    return moreAreBuilt.get() || retryAt != 0 && System.nanoTime() - retryAt >= 0;
  }

  /** To be called before the files of the newest commit are opened. */
  void bringUpToDate() {
    moreAreBuilt.set(false);
    retryAt = 0;
  }

  /** Those that are open. */
  Collection<PostFile> all() {
    return open.values();
  }

  /**
   * Opens the files of a commit, and closes others.
   *
   * @param held files that stay open, too
   */
  Opened open(List<ArchiveFile> files, Set<PostFile> held) throws IOException, SQLException {
    rowsAtOnce = mostAtOnce;
    Map<Path, PostFile> indexed = new LinkedHashMap<>();
    List<ArchiveFile> scanned = new ArrayList<>();
    for (ArchiveFile file : files) {
      Optional<PostFile> opened = open(file);
      opened.ifPresentOrElse(found -> indexed.put(file.path(), found), () -> scanned.add(file));
    }
    closeOthers(indexed.keySet(), held);
    findEnded(indexed.values(), scanned);
    return new Opened(indexed.values(), scanned);
  }

  private Optional<PostFile> open(ArchiveFile file) throws IOException {
    boolean isDamaged = damaged.remove(file.path());
    if (isDamaged && open.containsKey(file.path())) {
      open.remove(file.path()).close();
    }
    PostFile known = open.get(file.path());
    if (known != null) {
      return Optional.of(known);
    }
    if (building.contains(file.path())) {
      return Optional.empty();
    }
    Optional<PostIndex> index = isDamaged ? Optional.empty() : indexes.open(file);
    if (index.isPresent() && indexes.isToBeChecked(file)) {
      builder.execute(() -> checkBehind(file));
    }
    if (index.isEmpty() && PostIndexes.canBeIndexed(file)) {
      if (file.rows() > rowsAtOnce) {
        building.add(file.path());
        builder.execute(() -> buildBehind(file));
        return Optional.empty();
      }
      rowsAtOnce -= file.rows();
      index = buildAtOnce(file);
    }
    if (index.isPresent()) {
      open.put(file.path(), new PostFile(file, index.get()));
    }
    return Optional.ofNullable(open.get(file.path()));
  }

  /** Without room for an index the file is read as a whole, until there is. */
  private Optional<PostIndex> buildAtOnce(ArchiveFile file) throws IOException {
    try {
      indexes.build(file);
    } catch (IOException e) {
      LOG.warn(
          "The index of {} could not be built; searches read all of it until then: {}",
          file.path().getFileName(),
          e.toString());
      retryAt = System.nanoTime() + TimeUnit.SECONDS.toNanos(RETRY_SECONDS);
      return Optional.empty();
    }
    return indexes.open(file);
  }

  private void checkBehind(ArchiveFile file) {
    try {
      if (!indexes.isWhole(file)) {
        damaged.add(file.path());
        moreAreBuilt.set(true);
      }
    } catch (IOException | RuntimeException e) {
      LOG.warn("The index of {} could not be checked: {}", file.path().getFileName(), e.toString());
    }
  }

  private void buildBehind(ArchiveFile file) {
    try {
      indexes.build(file);
    } catch (IOException | RuntimeException e) {
      LOG.error("The index of {} could not be built; searches read all of it", file.path(), e);
      retryAt = System.nanoTime() + TimeUnit.SECONDS.toNanos(RETRY_SECONDS);
      return;
    } finally {
      building.remove(file.path());
    }
    moreAreBuilt.set(true);
  }

  private void closeOthers(Set<Path> needed, Set<PostFile> held) {
    open.values()
        .removeIf(
            file -> {
              boolean unneeded = !needed.contains(file.file().path()) && !held.contains(file);
              if (unneeded) {
                file.close();
              }
              return unneeded;
            });
  }

  /** Looks in every file for changes that end rows of every other, where that was not done yet. */
  private void findEnded(Collection<PostFile> files, List<ArchiveFile> scanned)
      throws IOException, SQLException {
    for (PostFile changing : files) {
      List<PostFile> open = notLookedIn(files, changing.file());
      int changes = open.isEmpty() ? 0 : changing.changeCount();
      List<PostFile.Version> all = null;
      for (PostFile file : open) {
        List<PostFile.Version> ending = List.of();
        if (file.index().rows() < changes) {
          ending = changing.changesOf(file);
        } else if (changes > 0) {
          all = all == null ? changing.changes() : all;
          ending = all;
        }
        file.end(name(changing.file()), ending);
      }
    }
    Map<String, List<PostFile.Version>> changes = changesIn(scanned);
    for (ArchiveFile changing : scanned) {
      String name = name(changing);
      for (PostFile file : notLookedIn(files, changing)) {
        file.end(name, changes.getOrDefault(name, List.of()));
      }
    }
    for (PostFile file : files) {
      try {
        file.ended().save();
      } catch (IOException e) {
        LOG.debug("To be written down later: it only saves work at the next start", e);
      }
    }
  }

  /** Files that may have rows which the changes in another one end. */
  private static List<PostFile> notLookedIn(Collection<PostFile> files, ArchiveFile changing) {
    return files.stream()
        .filter(file -> !changing.isBefore(file.file()))
        .filter(file -> !file.ended().lookedIn(name(changing)))
        .toList();
  }

  /** The rows of files without an index that change or delete posts, by the name of the file. */
  private Map<String, List<PostFile.Version>> changesIn(List<ArchiveFile> files)
      throws SQLException {
    changesInScanned.keySet().retainAll(files.stream().map(PostFiles::name).toList());
    List<ArchiveFile> unread =
        files.stream().filter(file -> !changesInScanned.containsKey(name(file))).toList();
    if (unread.isEmpty()) {
      return changesInScanned;
    }
    unread.forEach(file -> changesInScanned.put(name(file), new ArrayList<>()));
    try (Connection connection = duckDb.connect();
        Statement statement = connection.createStatement();
        ResultSet result =
            statement.executeQuery(
                "SELECT did, rkey, rev, operation, parse_filename(filename) FROM "
                    + DuckDb.numbered(unread)
                    + " WHERE operation <> 'create'")) {
      while (result.next()) {
        changesInScanned
            .get(result.getString(5))
            .add(
                new PostFile.Version(
                    result.getString(1),
                    result.getString(2),
                    result.getString(3),
                    result.getString(4)));
      }
    } catch (SQLException e) {
      changesInScanned.clear();
      throw e;
    }
    return changesInScanned;
  }

  static String name(ArchiveFile file) {
    return file.path().getFileName().toString();
  }

  @Override
  public void close() {
    builder.shutdownNow();
    try {
      open.values().forEach(PostFile::close);
    } catch (UncheckedIOException e) {
      LOG.debug("An index could not be closed", e);
    }
    open.clear();
  }
}
