package routes.archive;

import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Clock;
import java.time.Duration;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;
import org.apache.avro.generic.GenericRecord;
import org.apache.iceberg.ManifestFile;
import org.apache.iceberg.ManifestFiles;
import org.apache.iceberg.Snapshot;
import org.apache.iceberg.Table;
import org.apache.iceberg.io.CloseableIterable;
import routes.jetstream.Cid;
import routes.jetstream.Tid;

/**
 * Checks a whole archive, file by file and row by row, and changes nothing.
 *
 * <p>Every table and commit opens; every file is there, with the size and the checksum that it was
 * committed with, and as many rows; no event is in it twice; positions never go back; records give
 * back their CID.
 */
public final class Verification {

  private static final long STRETCH_US = 3_600_000_000L;
  private static final long REPORT_NANOS = 2_000_000_000L;
  private static final int EXAMPLES = 5;

  private final Path dataFolder;
  private final Consumer<String> progress;
  private final List<String> damages = new ArrayList<>();
  private final List<String> notes = new ArrayList<>();
  private long files;
  private long rows;
  private long bytes;
  private long commits;
  private long cids;
  private long leftOutCids;
  private long otherCids;
  private long lastReport;

  /**
   * What was found.
   *
   * @param files data files read
   * @param rows in them
   * @param bytes of them
   * @param commits read
   * @param cids that were computed from the record anew, and are the same
   * @param leftOutCids of compacted files: they were the same when they were left out
   * @param damages what is wrong, in sentences; empty when the archive is whole
   * @param notes what is worth knowing and no damage
   */
  public record Report(
      long files,
      long rows,
      long bytes,
      long commits,
      long cids,
      long leftOutCids,
      List<String> damages,
      List<String> notes,
      Duration duration) {

    public boolean isWhole() {
      return damages.isEmpty();
    }
  }

  /**
   * @param dataFolder of the archive
   * @param progress is told what is being read, every few seconds
   */
  public Verification(Path dataFolder, Consumer<String> progress) {
    this.dataFolder = requireNonNull(dataFolder, "dataFolder");
    this.progress = requireNonNull(progress, "progress");
  }

  /**
   * Checks everything; goes on behind what is damaged.
   *
   * @param memory that DuckDB may use, as it writes it: {@code 512MB}
   * @throws IllegalArgumentException when there is no archive
   */
  public Report run(String memory, int threads) throws IOException, SQLException {
    long start = System.nanoTime();
    checkCatalog();
    try (Archive archive = Archive.openExisting(dataFolder);
        DuckDb duckDb = DuckDb.open(dataFolder.resolve("tmp"), memory, threads)) {
      Map<TableName, TableSnapshot> whole = new EnumMap<>(TableName.class);
      for (TableName name : TableName.values()) {
        table(archive, name).ifPresent(snapshot -> whole.put(name, snapshot));
      }
      for (TableSnapshot snapshot : whole.values()) {
        twice(duckDb, snapshot);
      }
      ledger(duckDb, whole);
      leftovers(archive);
    } catch (IllegalArgumentException e) {
      throw e;
    } catch (RuntimeException e) {
      damages.add("the archive cannot be opened: " + e.getMessage());
    }
    if (otherCids > 0) {
      notes.add(
          otherCids
              + " records have a CID that does not follow from what is stored; Bluesky's own network has such"
              + " records too, if few");
    }
    return new Report(
        files,
        rows,
        bytes,
        commits,
        cids,
        leftOutCids,
        List.copyOf(damages),
        List.copyOf(notes),
        Duration.ofNanos(System.nanoTime() - start));
  }

  private void checkCatalog() {
    Path catalog = dataFolder.resolve("catalog.sqlite");
    if (!Files.exists(catalog)) {
      return; // openExisting says so
    }
    try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + catalog);
        Statement statement = connection.createStatement();
        ResultSet result = statement.executeQuery("PRAGMA integrity_check")) {
      while (result.next()) {
        if (!result.getString(1).equals("ok")) {
          damages.add("the catalog " + catalog + ": " + result.getString(1));
        }
      }
    } catch (SQLException e) {
      damages.add("the catalog " + catalog + " cannot be read: " + e.getMessage());
    }
  }

  /** The table as far as it could be read; empty when not even its files could be listed. */
  private Optional<TableSnapshot> table(Archive archive, TableName name) {
    try {
      commits(archive.table(name), name);
      TableSnapshot snapshot = archive.snapshot(name);
      List<ArchiveFile> readable = new ArrayList<>();
      List<ArchiveFile> sorted =
          snapshot.files().stream()
              .sorted(Comparator.comparing(ArchiveFile::date).thenComparing(ArchiveFile::path))
              .toList();
      for (ArchiveFile file : sorted) {
        Optional<String> damage = damage(name, file, sorted.size());
        if (damage.isEmpty()) {
          readable.add(file);
        } else if (isLive(archive, name, file)) {
          damages.add(damage.get());
        }
      }
      return Optional.of(
          new TableSnapshot(
              name, snapshot.id(), snapshot.committedAt(), snapshot.position(), readable));
    } catch (RuntimeException e) {
      damages.add("the table " + name.label() + " cannot be read: " + e.getMessage());
      return Optional.empty();
    }
  }

  private void commits(Table table, TableName name) {
    List<Snapshot> oldestFirst =
        StreamSupport.stream(table.snapshots().spliterator(), false)
            .sorted(Comparator.comparingLong(Snapshot::sequenceNumber))
            .toList();
    ArchivePosition before = null;
    for (Snapshot snapshot : oldestFirst) {
      commits++;
      Optional<ArchivePosition> at = ArchivePosition.in(snapshot.summary());
      String commit = "commit " + snapshot.snapshotId() + " of " + name.label();
      if (at.isEmpty()) {
        damages.add(commit + " has no position");
      } else if (before != null && isBehind(at.get(), before)) {
        damages.add(commit + " goes back from " + before + " to " + at.get());
      }
      before = at.orElse(before);
      List<String> wrong = files(table, snapshot);
      if (!wrong.isEmpty()) {
        table.refresh();
        if (table.snapshot(snapshot.snapshotId()) != null) {
          damages.addAll(wrong); // else it was forgotten meanwhile, and its files with it
        }
      }
    }
  }

  private static boolean isBehind(ArchivePosition at, ArchivePosition before) {
    return before.streamId().isAfter(at.streamId())
        || before.timeUs() > at.timeUs()
        || before.edition() > at.edition();
  }

  /** What is wrong with the files that a commit names. */
  private static List<String> files(Table table, Snapshot snapshot) {
    List<String> wrong = new ArrayList<>();
    try {
      for (ManifestFile manifest : snapshot.allManifests(table.io())) {
        try (CloseableIterable<String> paths =
            ManifestFiles.readPaths(manifest, table.io(), table.specs())) {
          for (String path : paths) {
            if (!Files.exists(LocalFileIO.path(path))) {
              wrong.add("the file " + path + " is missing");
            }
          }
        }
      }
    } catch (IOException | RuntimeException e) {
      wrong.add("commit " + snapshot.snapshotId() + " cannot be read: " + e.getMessage());
    }
    return wrong;
  }

  /** Not any more when it was compacted meanwhile. */
  private static boolean isLive(Archive archive, TableName name, ArchiveFile file) {
    return archive.snapshot(name).files().stream().anyMatch(f -> f.path().equals(file.path()));
  }

  private Optional<String> damage(TableName name, ArchiveFile file, int of) {
    say(
        name.label()
            + " "
            + file.date()
            + ": file "
            + (files + 1)
            + " in all, "
            + of
            + " in this table, "
            + rows
            + " rows read");
    try {
      Checksum.check(file);
      read(name, file);
      return Optional.empty();
    } catch (IOException | RuntimeException e) {
      return Optional.of(String.valueOf(e.getMessage()));
    } finally {
      files++;
      bytes += file.bytes();
    }
  }

  private void read(TableName name, ArchiveFile file) throws IOException {
    long count = 0;
    Optional<RecordColumns> columns =
        TableName.EVENTS.contains(name)
            ? Optional.of(new RecordColumns(name.schema(), "record"))
            : Optional.empty();
    Packing packing = Packing.of(name, file);
    // As it is: a CID that was left out would always be that of its record.
    try (TableReader reader = new TableReader(name, file.path())) {
      for (GenericRecord row = reader.next(); row != null; row = reader.next()) {
        count++;
        rows++;
        LocalDate date = Times.date((Long) row.get("time_us"));
        if (!date.equals(file.date())) {
          throw new DamagedFile(file.path(), "it has a row of " + date);
        }
        if (columns.isPresent() && row.get("cid") != null) {
          if (packing != null && Packing.leavesOutCid(row)) {
            leftOutCids++;
          } else {
            if (packing != null) {
              packing.unpack(row);
            }
            checkCid(columns.get(), row);
          }
        }
      }
    }
    if (count != file.rows()) {
      throw new DamagedFile(
          file.path(), "it has " + count + " rows, and had " + file.rows() + " at its commit");
    }
  }

  private void checkCid(RecordColumns columns, GenericRecord row) {
    try {
      if (Cid.of(columns.restore(row)).equals(row.get("cid").toString())) {
        cids++;
        return;
      }
    } catch (IOException e) {
      progress.accept("a record has no canonical form: " + e.getMessage());
    }
    otherCids++;
  }

  /**
   * Looks for events that are there twice: stretch by stretch of their own time, so that it takes
   * as little memory for a year as for a day.
   */
  private void twice(DuckDb duckDb, TableSnapshot snapshot) throws SQLException {
    if (snapshot.files().isEmpty() || snapshot.table() == TableName.LEDGER) {
      return;
    }
    String key = String.join(", ", EventKey.columns(snapshot.table()));
    if (snapshot.table() == TableName.DEAD_LETTERS || snapshot.table() == TableName.ACTORS) {
      twice(duckDb, snapshot.table(), snapshot.files(), key, "true");
      return;
    }
    TreeSet<String> bounds = new TreeSet<>();
    for (ArchiveFile file : snapshot.files()) {
      long day = Times.micros(file.date().atStartOfDay(ZoneOffset.UTC).toInstant());
      for (long at = day; at <= day + 24 * STRETCH_US; at += STRETCH_US) {
        if (at >= 0 && at < 1L << 53) {
          bounds.add(Tid.of(at, 0));
        }
      }
    }
    String from = "";
    for (String to : bounds) {
      twiceBetween(duckDb, snapshot, key, from, to);
      from = to;
    }
    twiceBetween(duckDb, snapshot, key, from, null);
  }

  private void twiceBetween(
      DuckDb duckDb, TableSnapshot snapshot, String key, String from, String to)
      throws SQLException {
    List<ArchiveFile> candidates =
        snapshot.files().stream()
            .filter(file -> file.mayHoldRev(from, to == null ? "\uffff" : to))
            .toList();
    if (!candidates.isEmpty()) {
      String condition = "rev >= '" + from + "'" + (to == null ? "" : " AND rev < '" + to + "'");
      twice(duckDb, snapshot.table(), candidates, key, condition);
    }
  }

  private void twice(
      DuckDb duckDb, TableName name, List<ArchiveFile> in, String key, String condition)
      throws SQLException {
    say(name.label() + ": looking for events that are there twice");
    String sql =
        "SELECT count(*) OVER (), concat_ws(' ', "
            + key
            + ") FROM (SELECT "
            + key
            + ", count(*) AS copies FROM "
            + DuckDb.from(in)
            + " WHERE "
            + condition
            + " GROUP BY ALL HAVING copies > 1) LIMIT "
            + EXAMPLES;
    try (Connection connection = duckDb.connect();
        Statement statement = connection.createStatement();
        ResultSet result = statement.executeQuery(sql)) {
      long all = 0;
      List<String> examples = new ArrayList<>();
      while (result.next()) {
        all = result.getLong(1);
        examples.add(result.getString(2));
      }
      if (all > 0) {
        damages.add(
            all + " events of " + name.label() + " are there twice or more, such as " + examples);
      }
    }
  }

  private void ledger(DuckDb duckDb, Map<TableName, TableSnapshot> tables) throws SQLException {
    TableSnapshot ledger = tables.get(TableName.LEDGER);
    if (ledger == null || ledger.files().isEmpty()) {
      return;
    }
    try (Connection connection = duckDb.connect();
        Statement statement = connection.createStatement();
        ResultSet result =
            statement.executeQuery(
                "SELECT coalesce(sum(stored + dead_letters), 0)::BIGINT FROM "
                    + DuckDb.from(ledger.files()))) {
      result.next();
      long expected = result.getLong(1);
      long stored =
          tables.values().stream()
              .filter(table -> table.table() != TableName.LEDGER)
              .mapToLong(TableSnapshot::rows)
              .sum();
      if (expected != stored) {
        notes.add(
            "the ledger tells of "
                + expected
                + " events and dead letters, the tables have "
                + stored
                + "; they differ after dead letters were tried again, while a batch is unfinished, and"
                + " where Redis lost what a batch that was cut off had begun to store");
      }
    }
  }

  private void leftovers(Archive archive) throws IOException {
    List<Path> left =
        new LeftoverFiles(archive, dataFolder, Duration.ZERO, Clock.systemUTC()).find();
    if (!left.isEmpty()) {
      notes.add(
          left.size()
              + " files are not part of the archive (of batches that were cut off, or are under way), such as "
              + left.stream()
                  .limit(EXAMPLES)
                  .map(Path::toString)
                  .collect(Collectors.joining(", ")));
    }
  }

  private void say(String what) {
    if (System.nanoTime() - lastReport > REPORT_NANOS) {
      lastReport = System.nanoTime();
      progress.accept(what);
    }
  }
}
