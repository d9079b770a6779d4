package routes.search;

import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.LongStream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import routes.archive.ArchiveFile;
import routes.archive.DuckDb;
import routes.archive.GoneAccounts;
import routes.archive.TableSnapshot;

/**
 * Which account had which handle, and which are gone, by the identity and account events of the
 * archive. They are kept in an SQLite file beside the archive, so that a look-up costs the same
 * however large the archive is: a cache, made anew when it is missing, damaged, or older than what
 * retention has removed. Where it cannot be had, accounts are shown without handles.
 */
final class Handles implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(Handles.class);

  private static final String TABLES =
      """
      CREATE TABLE IF NOT EXISTS handles (
        did TEXT NOT NULL,
        handle TEXT NOT NULL,
        folded TEXT NOT NULL,
        first INTEGER NOT NULL,
        last INTEGER NOT NULL,
        PRIMARY KEY (did, handle)) WITHOUT ROWID;
      CREATE INDEX IF NOT EXISTS handles_folded ON handles (folded, last);
      CREATE TABLE IF NOT EXISTS accounts (
        did TEXT PRIMARY KEY,
        at INTEGER NOT NULL,
        gone INTEGER NOT NULL) WITHOUT ROWID;
      CREATE TABLE IF NOT EXISTS files (name TEXT PRIMARY KEY) WITHOUT ROWID;
      CREATE TABLE IF NOT EXISTS kept (since TEXT NOT NULL);
      """;

  /** Of another version, the file is made anew. */
  private static final int VERSION = 3;

  /** When a handle was given last, as far as that is known at a time. */
  private static final String GIVEN = "CASE WHEN last <= ? THEN last ELSE first END";

  private static final int ROWS_AT_ONCE = 10_000;

  private final Path file;
  private final DuckDb duckDb;

  /** Null as long as the file cannot be opened. */
  private Connection store;

  /** The files that were read, when this one was here last. Another process may have read more. */
  private Set<String> known = Set.of();

  /** The accounts that are gone by those files; null as long as that is not known. */
  private Authors gone;

  /**
   * @param file of the cache
   */
  Handles(Path file, DuckDb duckDb) {
    this.file = requireNonNull(file, "file");
    this.duckDb = requireNonNull(duckDb, "duckDb");
  }

  /**
   * Adds what files say that were not read yet.
   *
   * @param keptFrom the first date of which all is kept; empty where nothing was ever removed
   * @return whether all of it is known now
   */
  synchronized boolean read(TableSnapshot actors, Optional<LocalDate> keptFrom) {
    try {
      readInto(open(), actors, keptFrom);
      return true;
    } catch (SQLException e) {
      LOG.warn("The handles of accounts cannot be read, and are made anew: {}", e.toString());
    }
    close();
    try {
      remove();
      readInto(open(), actors, keptFrom);
      return true;
    } catch (SQLException | IOException e) {
      LOG.warn("Accounts are shown without the newest handles: {}", e.toString());
      close();
      return false;
    }
  }

  private Connection open() throws SQLException {
    if (store == null) {
      Connection opened =
          DriverManager.getConnection(
              "jdbc:sqlite:"
                  + file
                  + "?journal_mode=WAL&synchronous=NORMAL&busy_timeout=60000&transaction_mode=IMMEDIATE");
      try (Statement statement = opened.createStatement()) {
        requireVersion(statement);
        statement.executeUpdate(TABLES);
      } catch (SQLException e) {
        opened.close();
        throw e;
      }
      store = opened;
    }
    return store;
  }

  /** A file without tables has version 0, and so has one of before there were versions. */
  private static void requireVersion(Statement statement) throws SQLException {
    try (ResultSet found =
        statement.executeQuery(
            "SELECT user_version, (SELECT count(*) FROM sqlite_master) FROM pragma_user_version")) {
      if (found.next() && found.getInt(1) != VERSION && found.getInt(2) > 0) {
        throw new SQLException("they are of version " + found.getInt(1));
      }
    }
    statement.executeUpdate("PRAGMA user_version = " + VERSION);
  }

  private void remove() throws IOException {
    for (String suffix : List.of("", "-wal", "-shm")) {
      Files.deleteIfExists(file.resolveSibling(file.getFileName() + suffix));
    }
  }

  private void readInto(Connection to, TableSnapshot actors, Optional<LocalDate> keptFrom)
      throws SQLException {
    to.setAutoCommit(false);
    try {
      forgetWhatIsNotKept(to, keptFrom.map(LocalDate::toString).orElse(""));
      Set<String> read = namesIn(to);
      Set<String> live = actors.files().stream().map(Handles::name).collect(Collectors.toSet());
      boolean mayBeNewer =
          read.stream().anyMatch(name -> !live.contains(name) && !known.contains(name));
      if (!read.equals(known)) {
        gone = null;
      }
      List<String> came = new ArrayList<>();
      List<String> went = new ArrayList<>();
      List<ArchiveFile> unread =
          actors.files().stream().filter(each -> !read.contains(name(each))).toList();
      if (!unread.isEmpty()) {
        add(to, unread);
        addAccounts(to, unread, came, went);
      }
      read.removeAll(live);
      execute(to, "DELETE FROM files WHERE name = ?", read);
      if (mayBeNewer) {
        gone = null;
        known = Set.of();
      } else {
        gone = gone == null ? goneIn(to) : gone.with(came, went);
        known = live;
      }
      to.commit();
    } catch (SQLException | RuntimeException e) {
      gone = null;
      to.rollback();
      throw e;
    } finally {
      to.setAutoCommit(true);
    }
  }

  private static void forgetWhatIsNotKept(Connection to, String since) throws SQLException {
    try (Statement statement = to.createStatement();
        ResultSet kept = statement.executeQuery("SELECT since FROM kept")) {
      if (kept.next() && kept.getString(1).equals(since)) {
        return;
      }
    }
    try (Statement statement = to.createStatement()) {
      statement.executeUpdate(
          "DELETE FROM handles; DELETE FROM accounts; DELETE FROM files; DELETE FROM kept");
    }
    execute(to, "INSERT INTO kept VALUES (?)", List.of(since));
  }

  private static Set<String> namesIn(Connection to) throws SQLException {
    Set<String> names = new HashSet<>();
    try (Statement statement = to.createStatement();
        ResultSet files = statement.executeQuery("SELECT name FROM files")) {
      while (files.next()) {
        names.add(files.getString(1));
      }
    }
    return names;
  }

  private static void execute(Connection to, String sql, Collection<String> values)
      throws SQLException {
    try (PreparedStatement statement = to.prepareStatement(sql)) {
      for (String value : values) {
        statement.setString(1, value);
        statement.executeUpdate();
      }
    }
  }

  private void add(Connection to, List<ArchiveFile> files) throws SQLException {
    String said =
        "SELECT did, handle, lower(handle), min(said), max(said) FROM (SELECT did, handle, kind,"
            + " coalesce(epoch_us(event_time), epoch_us(time_us)) AS said FROM "
            + DuckDb.from(files)
            + ")"
            + " WHERE kind = 'identity' AND handle IS NOT NULL AND handle <> 'handle.invalid'"
            + " GROUP BY did, handle";
    try (Connection connection = duckDb.connect();
        Statement statement = connection.createStatement();
        ResultSet result = statement.executeQuery(said);
        PreparedStatement insert =
            to.prepareStatement(
                "INSERT INTO handles VALUES (?, ?, ?, ?, ?) ON CONFLICT (did, handle) DO UPDATE SET"
                    + " first = min(first, excluded.first), last = max(last, excluded.last)")) {
      int rows = 0;
      while (result.next()) {
        insert.setString(1, result.getString(1));
        insert.setString(2, result.getString(2));
        insert.setString(3, result.getString(3));
        insert.setLong(4, result.getLong(4));
        insert.setLong(5, result.getLong(5));
        insert.addBatch();
        if (++rows % ROWS_AT_ONCE == 0) {
          insert.executeBatch();
        }
      }
      insert.executeBatch();
    }
    execute(
        to, "INSERT OR IGNORE INTO files VALUES (?)", files.stream().map(Handles::name).toList());
  }

  /**
   * @param came accounts that are gone now are added to these, unless all are read anyway
   * @param went accounts that were gone and are no more
   */
  private void addAccounts(
      Connection to, List<ArchiveFile> files, List<String> came, List<String> went)
      throws SQLException {
    try (Connection connection = duckDb.connect();
        Statement statement = connection.createStatement();
        ResultSet newest =
            statement.executeQuery(
                "SELECT did, epoch_us(said), gone FROM (" + GoneAccounts.newest(files) + ")");
        PreparedStatement select =
            to.prepareStatement("SELECT at, gone FROM accounts WHERE did = ?");
        PreparedStatement replace =
            to.prepareStatement("INSERT OR REPLACE INTO accounts VALUES (?, ?, ?)")) {
      while (newest.next()) {
        String did = newest.getString(1);
        long at = newest.getLong(2);
        boolean isGone = newest.getBoolean(3);
        boolean wasGone = false;
        select.setString(1, did);
        try (ResultSet before = select.executeQuery()) {
          if (before.next()) {
            wasGone = before.getBoolean(2);
            boolean isNews = at > before.getLong(1) || at == before.getLong(1) && isGone;
            if (!isNews) {
              continue;
            }
          }
        }
        replace.setString(1, did);
        replace.setLong(2, at);
        replace.setBoolean(3, isGone);
        replace.executeUpdate();
        if (gone != null && isGone != wasGone) {
          (isGone ? came : went).add(did);
        }
      }
    }
  }

  private static Authors goneIn(Connection store) throws SQLException {
    LongStream.Builder hashes = LongStream.builder();
    try (Statement statement = store.createStatement();
        ResultSet dids = statement.executeQuery("SELECT did FROM accounts WHERE gone")) {
      while (dids.next()) {
        hashes.add(PostTerms.hash(dids.getString(1)));
      }
    }
    return Authors.of(hashes.build());
  }

  /**
   * The accounts that are gone by what was read last; empty when another process has read files
   * that are not part of it, for these may say more.
   */
  synchronized Optional<Authors> gone() {
    return Optional.ofNullable(gone);
  }

  private static String name(ArchiveFile file) {
    return file.path().getFileName().toString();
  }

  /**
   * The account that had a handle at a time, or the last before that had it, in upper or lower
   * case; the first that had it later, where none had it before.
   *
   * @param at microseconds since 1970
   */
  synchronized Optional<String> didOf(String handle, long at) {
    if (store == null) {
      return Optional.empty();
    }
    String folded = handle.toLowerCase(Locale.ROOT);
    List<String> before =
        dids("first <= ? AND folded = ? ORDER BY " + GIVEN + " DESC", at, folded, at);
    Map<String, String> theirs = handlesOf(before, at);
    return before.stream()
        .filter(did -> theirs.get(did).toLowerCase(Locale.ROOT).equals(folded))
        .findFirst()
        .or(() -> before.stream().findFirst())
        .or(
            () ->
                dids("first > ? AND folded = ? ORDER BY first LIMIT 1", at, folded).stream()
                    .findFirst());
  }

  private List<String> dids(String which, Object... values) {
    List<String> dids = new ArrayList<>();
    try (PreparedStatement statement =
        store.prepareStatement("SELECT did FROM handles WHERE " + which)) {
      for (int i = 0; i < values.length; i++) {
        statement.setObject(i + 1, values[i]);
      }
      try (ResultSet result = statement.executeQuery()) {
        while (result.next()) {
          dids.add(result.getString(1));
        }
      }
    } catch (SQLException e) {
      throw new IllegalStateException("the handle could not be looked up: " + e.getMessage(), e);
    }
    return dids;
  }

  /**
   * The handles that accounts had at a time, of those that had one.
   *
   * @param at microseconds since 1970
   */
  synchronized Map<String, String> handlesOf(Collection<String> accounts, long at) {
    List<String> dids = accounts.stream().distinct().toList();
    if (store == null || dids.isEmpty()) {
      return Map.of();
    }
    Map<String, String> handles = new HashMap<>();
    try (PreparedStatement statement =
        store.prepareStatement(
            "SELECT did, handle FROM handles WHERE first <= ? AND did IN ("
                + String.join(", ", Collections.nCopies(dids.size(), "?"))
                + ") ORDER BY "
                + GIVEN)) {
      statement.setLong(1, at);
      for (int i = 0; i < dids.size(); i++) {
        statement.setString(i + 2, dids.get(i));
      }
      statement.setLong(dids.size() + 2, at);
      try (ResultSet result = statement.executeQuery()) {
        while (result.next()) {
          handles.put(result.getString(1), result.getString(2));
        }
      }
    } catch (SQLException e) {
      throw new IllegalStateException("the handles could not be looked up: " + e.getMessage(), e);
    }
    return handles;
  }

  /**
   * A handle that an account had.
   *
   * @param first when it was first said, microseconds since 1970
   * @param last when it was last said
   */
  record Given(String handle, long first, long last) {}

  /** All handles of an account that are known, the first first. */
  synchronized List<Given> allOf(String did) {
    List<Given> all = new ArrayList<>();
    if (store != null) {
      try (PreparedStatement statement =
          store.prepareStatement(
              "SELECT handle, first, last FROM handles WHERE did = ? ORDER BY first")) {
        statement.setString(1, did);
        try (ResultSet result = statement.executeQuery()) {
          while (result.next()) {
            all.add(new Given(result.getString(1), result.getLong(2), result.getLong(3)));
          }
        }
      } catch (SQLException e) {
        throw new IllegalStateException("the handles could not be looked up: " + e.getMessage(), e);
      }
    }
    return all;
  }

  @Override
  public synchronized void close() {
    if (store != null) {
      try {
        store.close();
      } catch (SQLException e) {
        LOG.debug("The handles could not be closed", e);
      }
      store = null;
    }
    gone = null;
    known = Set.of();
  }
}
