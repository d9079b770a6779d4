package routes.search;

import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Collectors;
import org.apache.lucene.util.SparseFixedBitSet;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import routes.archive.Archive;
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
  private static final Duration PATIENCE = Duration.ofSeconds(2);

  /** Who asks for an earlier commit cannot be given another instead. */
  private static final Duration PATIENCE_FOR_PINNED = Duration.ofSeconds(20);

  /** Views of earlier commits that are held open. */
  private static final int MOST_PINNED = 4;

  /** Rows whose indexes a query waits for, in all; those of more are built behind it. */
  private static final long ROWS_AT_ONCE = 500_000;

  private final Archive archive;
  private final DuckDb duckDb;
  private final PostFiles files;
  private final Handles handles;
  private final Duration patienceForFirst;
  private final ReentrantLock making = new ReentrantLock();
  private final Map<PostFile, SparseFixedBitSet> ofGone = new HashMap<>();
  private final AtomicBoolean preparing = new AtomicBoolean();
  private ArchiveView current;

  /** Of earlier commits, those asked for last. */
  private final Map<Pin, ArchiveView> pinned = new LinkedHashMap<>();

  private boolean handlesAreRead;

  /**
   * @param patienceForFirst how long a query waits for the first view: there is none to take in its
   *     place
   */
  ArchiveViews(Archive archive, DuckDb duckDb, PostIndexes indexes, Duration patienceForFirst) {
    this(archive, duckDb, indexes, patienceForFirst, ROWS_AT_ONCE);
  }

  /**
   * @param patienceForFirst how long a query waits for the first view
   * @param mostAtOnce rows whose indexes a query waits for
   */
  ArchiveViews(
      Archive archive,
      DuckDb duckDb,
      PostIndexes indexes,
      Duration patienceForFirst,
      long mostAtOnce) {
    this.archive = requireNonNull(archive, "archive");
    this.duckDb = requireNonNull(duckDb, "duckDb");
    this.patienceForFirst = requireNonNull(patienceForFirst, "patienceForFirst");
    this.files = new PostFiles(duckDb, indexes, mostAtOnce);
    this.handles = new Handles(archive.folder().resolveSibling("handles.sqlite"), duckDb);
  }

  /** The newest view, to be closed. */
  ArchiveView newest() {
    // The ledger first: it is committed last, so what it has is in the posts.
    TableSnapshot ledger = archive.snapshot(TableName.LEDGER);
    TableSnapshot posts = archive.snapshot(TableName.POSTS);
    TableSnapshot actors = archive.snapshot(TableName.ACTORS);
    if (!isCurrent(ledger, posts, actors) && mayMake(PATIENCE)) {
      try {
        if (!isCurrent(ledger, posts, actors)) {
          replace(makeNewest(ledger, posts, actors));
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
   * Whether queries can be answered without waiting for the first view. If not, that is made behind
   * whoever asks.
   */
  boolean isPrepared() {
    if (hasOne()) {
      return true;
    }
    if (preparing.compareAndSet(false, true)) {
      Thread.ofPlatform().daemon().name("archive-preparation").start(this::prepare);
    }
    return false;
  }

  private void prepare() {
    try {
      newest().close();
    } catch (RuntimeException e) {
      LOG.warn("The archive cannot be prepared for queries yet: {}", e.toString());
    } finally {
      preparing.set(false);
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
    if (!mayMake(PATIENCE_FOR_PINNED)) {
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
      for (PostFile file : files.all()) {
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
    return isCurrent(
        archive.snapshot(TableName.LEDGER),
        archive.snapshot(TableName.POSTS),
        archive.snapshot(TableName.ACTORS));
  }

  private synchronized boolean isCurrent(
      TableSnapshot ledger, TableSnapshot posts, TableSnapshot actors) {
    return current != null
        && !files.areOutdated()
        && current.ledger().id() == ledger.id()
        && current.posts().id() == posts.id()
        && current.actors().id() == actors.id();
  }

  private boolean mayMake(Duration patienceForOthers) {
    try {
      Duration patience = hasOne() ? patienceForOthers : patienceForFirst;
      if (making.tryLock(patience.toMillis(), TimeUnit.MILLISECONDS)) {
        return true;
      }
      if (!hasOne()) {
        throw new TooManyQueries("the archive is being prepared for queries");
      }
      return false;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new TooManyQueries();
    }
  }

  private synchronized boolean hasOne() {
    return current != null;
  }

  private synchronized void replace(ArchiveView next) {
    ArchiveView before = current;
    current = next;
    if (before != null) {
      before.close();
    }
  }

  private ArchiveView makeNewest(TableSnapshot ledger, TableSnapshot posts, TableSnapshot actors)
      throws IOException, SQLException {
    long start = System.nanoTime();
    files.bringUpToDate();
    PostFiles.Opened opened = files.open(posts.files(), held());
    Set<String> names = names(posts);
    if (current == null || current.actors().id() != actors.id() || !handlesAreRead) {
      handlesAreRead = handles.read(actors, archive.keptFrom(TableName.ACTORS));
    }
    Optional<Authors> known = handlesAreRead ? handles.gone() : Optional.empty();
    Authors gone = known.isPresent() ? known.get() : goneAt(actors);
    Authors before = current == null ? Authors.NONE : current.gone();
    Authors came = gone.without(before);
    Authors went = before.without(gone);
    Map<PostFile, HiddenRows> indexed = new LinkedHashMap<>();
    for (PostFile file : opened.indexed()) {
      SparseFixedBitSet theirs = rowsOfGone(file, gone, came, went);
      ofGone.put(file, theirs);
      file.readEngagement();
      file.ended().forgetFormer(names);
      indexed.put(file, file.ended().now().withGone(theirs));
      file.hold();
    }
    ofGone.keySet().retainAll(indexed.keySet());
    LOG.debug(
        "view posts={} files={} scanned={} gone={} ms={}",
        posts.id(),
        opened.indexed().size(),
        opened.scanned().size(),
        gone.size(),
        (System.nanoTime() - start) / 1_000_000);
    return new ArchiveView(ledger, posts, actors, indexed, opened.scanned(), gone);
  }

  private ArchiveView makePinned(TableSnapshot posts, TableSnapshot actors)
      throws IOException, SQLException {
    PostFiles.Opened opened = files.open(posts.files(), held());
    Authors gone = goneAt(actors);
    Set<String> names = names(posts);
    Map<PostFile, HiddenRows> indexed = new LinkedHashMap<>();
    for (PostFile file : opened.indexed()) {
      indexed.put(file, file.ended().by(names).withGone(file.index().rowsOf(gone)));
      file.hold();
    }
    return new ArchiveView(archive.ledgerOf(posts), posts, actors, indexed, opened.scanned(), gone);
  }

  private static Set<String> names(TableSnapshot posts) {
    return posts.files().stream().map(PostFiles::name).collect(Collectors.toUnmodifiableSet());
  }

  /** Files that a view may be answered from. */
  private Set<PostFile> held() {
    Set<PostFile> held = new HashSet<>();
    pinned.values().forEach(view -> held.addAll(view.indexed().keySet()));
    if (current != null) {
      held.addAll(current.indexed().keySet());
    }
    return held;
  }

  /** The rows of accounts that are gone; only accounts that came or went are looked up anew. */
  private SparseFixedBitSet rowsOfGone(PostFile file, Authors gone, Authors came, Authors went)
      throws IOException {
    SparseFixedBitSet known = ofGone.get(file);
    if (known == null) {
      return file.index().rowsOf(gone);
    }
    if (came.size() == 0 && went.size() == 0) {
      return known;
    }
    return HiddenRows.without(known, file.index().rowsOf(went), file.index().rowsOf(came));
  }

  /** The accounts that are gone by a commit: all of it is read for that. */
  private Authors goneAt(TableSnapshot actors) throws SQLException {
    if (current != null && current.actors().id() == actors.id()) {
      return current.gone();
    }
    List<String> gone = new ArrayList<>();
    if (!actors.files().isEmpty()) {
      try (Connection connection = duckDb.connect();
          Statement statement = connection.createStatement();
          ResultSet result = statement.executeQuery(GoneAccounts.select(actors.files()))) {
        while (result.next()) {
          gone.add(result.getString(1));
        }
      }
    }
    return Authors.of(gone);
  }

  /** Does not wait for a view that takes long to make: the process ends. */
  @Override
  public void close() {
    try {
      if (!making.tryLock(PATIENCE.toMillis(), TimeUnit.MILLISECONDS)) {
        return;
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return;
    }
    try {
      synchronized (this) {
        if (current != null) {
          current.close();
        }
      }
      unpin(0);
      files.close();
      handles.close();
    } catch (UncheckedIOException e) {
      LOG.debug("An index could not be closed", e);
    } finally {
      making.unlock();
    }
  }
}
