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
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Collectors;
import org.apache.lucene.util.FixedBitSet;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import routes.archive.Archive;
import routes.archive.ArchiveFile;
import routes.archive.DuckDb;
import routes.archive.GoneAccounts;
import routes.archive.TableName;
import routes.archive.TableSnapshot;

/**
 * Gives the newest {@link ArchiveView}, and makes one when something was committed: indexes of the
 * new files, and what their changes end in all others.
 */
final class ArchiveViews implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(ArchiveViews.class);

  /** How long a query waits for a view that another one makes, before it takes the one before. */
  private static final long PATIENCE_SECONDS = 2;

  private static final long RETRY_SECONDS = 30;

  /** Views of earlier commits that are held open. */
  private static final int MOST_PINNED = 4;

  /** Rows whose indexes a query waits for, in all; those of more are built behind it. */
  private static final long ROWS_AT_ONCE = 500_000;

  private final Archive archive;
  private final DuckDb duckDb;
  private final PostIndexes indexes;
  private final long mostAtOnce;
  private final Handles handles;
  private final ReentrantLock making = new ReentrantLock();
  private final Map<Path, PostFile> open = new HashMap<>();
  private final Map<PostFile, FixedBitSet> ofGone = new HashMap<>();
  private final Set<Path> building = ConcurrentHashMap.newKeySet();
  private final ExecutorService builder =
      Executors.newSingleThreadExecutor(
          Thread.ofPlatform().daemon().name("index-builder").factory());
  private ArchiveView current;

  /** Of earlier commits, those asked for last. */
  private final Map<Pin, ArchiveView> pinned = new LinkedHashMap<>();

  private boolean outdated;
  private boolean handlesAreRead;

  /** Of files without an index, which are read as a whole: once. */
  private final Map<String, List<PostFile.Version>> changesInScanned = new HashMap<>();

  /** Rows of the view that is being made whose indexes may still be waited for. */
  private long rowsAtOnce;

  /** When to try again to build indexes that could not be built; 0 when all were. */
  private volatile long retryAt;

  ArchiveViews(Archive archive, DuckDb duckDb, PostIndexes indexes) {
    this(archive, duckDb, indexes, ROWS_AT_ONCE);
  }

  /**
   * @param mostAtOnce rows whose indexes a query waits for
   */
  ArchiveViews(Archive archive, DuckDb duckDb, PostIndexes indexes, long mostAtOnce) {
    this.archive = requireNonNull(archive, "archive");
    this.duckDb = requireNonNull(duckDb, "duckDb");
    this.indexes = requireNonNull(indexes, "indexes");
    this.mostAtOnce = mostAtOnce;
    this.handles = new Handles(archive.folder().resolveSibling("handles.sqlite"), duckDb);
  }

  /** The newest view, to be closed. */
  ArchiveView newest() {
    TableSnapshot posts = archive.snapshot(TableName.POSTS);
    TableSnapshot actors = archive.snapshot(TableName.ACTORS);
    if (!isCurrent(posts, actors) && mayMake()) {
      try {
        if (!isCurrent(posts, actors)) {
          replace(makeNewest(posts, actors));
        }
      } catch (IOException | SQLException e) {
        throw new IllegalStateException(
            "the archive cannot be prepared for queries: " + e.getMessage(), e);
      } finally {
        making.unlock();
      }
    }
    synchronized (this) {
      current.hold();
      return current;
    }
  }

  /**
   * The view of these commits, to be closed.
   *
   * @throws Pin.NotKept when the archive does not have them
   */
  ArchiveView at(Pin pin) {
    newest().close();
    TableSnapshot posts = kept(TableName.POSTS, pin.posts(), pin);
    TableSnapshot actors = kept(TableName.ACTORS, pin.actors(), pin);
    if (!mayMake()) {
      throw new TooManyQueries("the archive is being prepared for queries");
    }
    try {
      ArchiveView view = current.pin().equals(pin) ? current : pinned.remove(pin);
      if (view == null) {
        view = makePinned(posts, actors);
      }
      if (view != current) {
        pinned.put(pin, view);
        unpin(MOST_PINNED);
      }
      view.hold();
      return view;
    } catch (IOException | SQLException e) {
      throw new IllegalStateException(
          "the archive cannot be prepared for queries of an earlier commit: " + e.getMessage(), e);
    } finally {
      making.unlock();
    }
  }

  /** Reads what was counted of engagement since the last time. */
  void readEngagement() {
    making.lock();
    try {
      for (PostFile file : open.values()) {
        file.readEngagement();
      }
    } catch (IOException e) {
      throw new UncheckedIOException("engagement cannot be read", e);
    } finally {
      making.unlock();
    }
  }

  private TableSnapshot kept(TableName name, long id, Pin pin) {
    return archive.snapshot(name, id).orElseThrow(() -> new Pin.NotKept(pin));
  }

  private void unpin(int most) {
    Iterator<ArchiveView> eldest = pinned.values().iterator();
    while (pinned.size() > most) {
      eldest.next().close();
      eldest.remove();
    }
  }

  /** The handles of accounts, by what the newest view knows. */
  Handles handles() {
    return handles;
  }

  /** Whether nothing was committed since that view. */
  boolean isNewest(ArchiveView view) {
    synchronized (this) {
      if (view != current) {
        return false;
      }
    }
    return isCurrent(archive.snapshot(TableName.POSTS), archive.snapshot(TableName.ACTORS));
  }

  private synchronized boolean isCurrent(TableSnapshot posts, TableSnapshot actors) {
    return current != null
        && !outdated
        && (retryAt == 0 || System.nanoTime() - retryAt < 0)
        && current.posts().id() == posts.id()
        && current.actors().id() == actors.id();
  }

  private boolean mayMake() {
    try {
      if (making.tryLock(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
        return true;
      }
      synchronized (this) {
        if (current == null) {
          throw new TooManyQueries("the archive is being prepared for queries");
        }
      }
      return false;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new TooManyQueries();
    }
  }

  private synchronized void replace(ArchiveView next) {
    ArchiveView before = current;
    current = next;
    if (before != null) {
      before.close();
    }
  }

  private ArchiveView makeNewest(TableSnapshot posts, TableSnapshot actors)
      throws IOException, SQLException {
    synchronized (this) {
      outdated = false;
      retryAt = 0;
    }
    long start = System.nanoTime();
    int before = open.size();
    Opened files = open(posts);
    Set<String> gone = gone(actors);
    if (current == null || current.actors().id() != actors.id() || !handlesAreRead) {
      handlesAreRead = handles.read(actors, archive.keptFrom(TableName.ACTORS));
    }
    Map<PostFile, HiddenRows> indexed = new LinkedHashMap<>();
    for (PostFile file : files.indexed()) {
      FixedBitSet theirs = rowsOfGone(file, gone);
      ofGone.put(file, theirs);
      file.readEngagement();
      indexed.put(file, file.ended().now().withGone(theirs));
      file.hold();
    }
    ofGone.keySet().retainAll(indexed.keySet());
    LOG.debug(
        "view posts={} files={} new={} scanned={} gone={} ms={}",
        posts.id(),
        files.indexed().size(),
        open.size() - before,
        files.scanned().size(),
        gone.size(),
        (System.nanoTime() - start) / 1_000_000);
    return new ArchiveView(posts, actors, indexed, files.scanned(), gone);
  }

  private ArchiveView makePinned(TableSnapshot posts, TableSnapshot actors)
      throws IOException, SQLException {
    Opened files = open(posts);
    Set<String> gone = gone(actors);
    Set<String> names =
        posts.files().stream().map(ArchiveViews::name).collect(Collectors.toUnmodifiableSet());
    Map<PostFile, HiddenRows> indexed = new LinkedHashMap<>();
    for (PostFile file : files.indexed()) {
      indexed.put(file, file.ended().by(names).withGone(rowsOfGone(file, gone)));
      file.hold();
    }
    return new ArchiveView(posts, actors, indexed, files.scanned(), gone);
  }

  /** The files of a commit. */
  private record Opened(Collection<PostFile> indexed, List<ArchiveFile> scanned) {}

  private Opened open(TableSnapshot posts) throws IOException, SQLException {
    Map<Path, PostFile> indexed = new LinkedHashMap<>();
    List<ArchiveFile> scanned = new ArrayList<>();
    rowsAtOnce = mostAtOnce;
    for (ArchiveFile file : posts.files()) {
      Optional<PostFile> opened = open(file);
      opened.ifPresentOrElse(found -> indexed.put(file.path(), found), () -> scanned.add(file));
    }
    forgetOthers(indexed.keySet());
    findEnded(indexed.values(), scanned);
    return new Opened(indexed.values(), scanned);
  }

  private Optional<PostFile> open(ArchiveFile file) throws IOException {
    PostFile known = open.get(file.path());
    if (known != null) {
      return Optional.of(known);
    }
    if (building.contains(file.path())) {
      return Optional.empty();
    }
    Optional<PostIndex> index = indexes.open(file);
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
    synchronized (this) {
      outdated = true;
    }
  }

  private void forgetOthers(Set<Path> needed) {
    Set<PostFile> held = new HashSet<>();
    pinned.values().forEach(view -> held.addAll(view.indexed().keySet()));
    if (current != null) {
      held.addAll(current.indexed().keySet());
    }
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
      List<PostFile> open = notLookedIn(files, name(changing.file()));
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
      for (PostFile file : notLookedIn(files, name)) {
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

  private static List<PostFile> notLookedIn(Collection<PostFile> files, String name) {
    return files.stream().filter(file -> !file.ended().lookedIn(name)).toList();
  }

  /** The rows of files without an index that change or delete posts, by the name of the file. */
  private Map<String, List<PostFile.Version>> changesIn(List<ArchiveFile> files)
      throws SQLException {
    changesInScanned.keySet().retainAll(files.stream().map(ArchiveViews::name).toList());
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

  private static String name(ArchiveFile file) {
    return file.path().getFileName().toString();
  }

  /** The rows of accounts that are gone; only accounts that came or went are looked up anew. */
  private FixedBitSet rowsOfGone(PostFile file, Set<String> gone) throws IOException {
    FixedBitSet known = ofGone.get(file);
    if (known == null) {
      return file.rowsOf(gone);
    }
    Set<String> came = new HashSet<>(gone);
    came.removeAll(current.gone());
    Set<String> went = new HashSet<>(current.gone());
    went.removeAll(gone);
    if (came.isEmpty() && went.isEmpty()) {
      return known;
    }
    FixedBitSet rows = known.clone();
    rows.or(file.rowsOf(came));
    rows.andNot(file.rowsOf(went));
    return rows;
  }

  /** The accounts that are gone. */
  private Set<String> gone(TableSnapshot actors) throws SQLException {
    if (current != null && current.actors().id() == actors.id()) {
      return current.gone();
    }
    Set<String> gone = new HashSet<>();
    if (!actors.files().isEmpty()) {
      try (Connection connection = duckDb.connect();
          Statement statement = connection.createStatement();
          ResultSet result = statement.executeQuery(GoneAccounts.select(actors.files()))) {
        while (result.next()) {
          gone.add(result.getString(1));
        }
      }
    }
    return gone;
  }

  @Override
  public void close() {
    builder.shutdownNow();
    making.lock();
    try {
      synchronized (this) {
        if (current != null) {
          current.close();
        }
      }
      unpin(0);
      open.values().forEach(PostFile::close);
      open.clear();
      handles.close();
    } catch (UncheckedIOException e) {
      LOG.debug("An index could not be closed", e);
    } finally {
      making.unlock();
    }
  }
}
