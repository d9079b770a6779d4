package routes.archive;

import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.apache.avro.generic.GenericRecord;
import org.apache.iceberg.DataFile;
import org.apache.iceberg.Table;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import routes.crash.CrashPoint;

/**
 * Makes one file, sorted by time, of the many that batches have left of an hour, or of a date, that
 * is over, or several of equal size where it would be too large: posts by the time that answers are
 * sorted by, the latest first, all else by the time it was seen. Of a record that is deleted since,
 * and of one whose account is gone, only the row stays: which record it was, and its times.
 *
 * <p>A file that is damaged is named and stops the compaction of its table and date: nothing of it
 * gets into another file. May be cut off anywhere, and may run in several instances at once.
 */
public final class Compaction {

  private static final Logger LOG = LoggerFactory.getLogger(Compaction.class);

  /** Rows of dates that a run brings from the earlier format to that of today, about. */
  private static final long MIGRATED_ROWS = 20_000_000;

  /** Each so many times that a date is looked at for what was deleted, all deletions are read. */
  private static final int FULL_PURGE_EVERY = 12;

  /** Rows between two times that it tells how far it is. */
  private static final int TELLING = 10_000;

  private final Archive archive;
  private final DuckDb duckDb;
  private final Clock clock;
  private final BeforeCommit beforeCommit;
  private final Limits limits;
  private final Pace pace;
  private volatile UnderWay underWay;

  /**
   * How it goes about it.
   *
   * @param rows of one file, at most
   * @param purgeDays after so many days, again and again, a date is compacted once more if it has
   *     content that is to go
   */
  public record Limits(int rows, int purgeDays) {

    public Limits {
      if (rows < 1 || purgeDays < 1) {
        throw new IllegalArgumentException("a limit is not positive: " + rows + ", " + purgeDays);
      }
    }
  }

  /** What is done with a date, or an hour, of a table; in this order. */
  public enum Step {
    CHECK,
    WRITE,
    PREPARE,
    COMMIT
  }

  /**
   * What is being done.
   *
   * @param rows that are written
   * @param of so many
   * @param since when this date, or hour, was begun
   */
  public record UnderWay(
      TableName table, LocalDate date, Step step, long rows, long of, Instant since) {

    private UnderWay at(Step next, long written) {
      return new UnderWay(table, date, next, written, of, since);
    }
  }

  /** Whatever else belongs to a compacted file of posts, and has to be there with it. */
  public interface BeforeCommit {
    void prepare(ArchiveFile posts) throws IOException;
  }

  /**
   * What was done.
   *
   * @param compactions dates, or hours, of tables
   * @param files that were replaced
   * @param rows in them
   * @param bytesBefore of the files replaced
   * @param bytesAfter of the files in their place
   */
  public record Compacted(
      int compactions, int files, long rows, long bytesBefore, long bytesAfter) {

    private Compacted plus(Compacted other) {
      return new Compacted(
          compactions + other.compactions,
          files + other.files,
          rows + other.rows,
          bytesBefore + other.bytesBefore,
          bytesAfter + other.bytesAfter);
    }
  }

  /**
   * @param pace at which rows are written
   */
  public Compaction(
      Archive archive,
      DuckDb duckDb,
      BeforeCommit beforeCommit,
      Limits limits,
      Pace pace,
      Clock clock) {
    this.archive = requireNonNull(archive, "archive");
    this.beforeCommit = requireNonNull(beforeCommit, "beforeCommit");
    this.duckDb = requireNonNull(duckDb, "duckDb");
    this.clock = requireNonNull(clock, "clock");
    this.limits = requireNonNull(limits, "limits");
    this.pace = requireNonNull(pace, "pace");
  }

  /** What is being done at the moment; empty when nothing is. */
  public Optional<UnderWay> underWay() {
    return Optional.ofNullable(underWay);
  }

  /**
   * Compacts every date that is over and has more than one file; then those that are due for it and
   * have content that is to go.
   *
   * @throws DamagedFile when a file is damaged, after all others are compacted
   */
  public Compacted run() throws IOException, SQLException {
    LocalDate today = LocalDate.ofInstant(clock.instant(), ZoneOffset.UTC);
    try (Run run = new Run()) {
      run.makeOne(file -> file.date().isBefore(today), file -> 0L);
      run.purge(today);
      return run.done();
    }
  }

  /**
   * Compacts every hour of this date that is over and has more than one file, so that a day does
   * not become hundreds of files.
   *
   * @throws DamagedFile when a file is damaged, after all others are compacted
   */
  public Compacted runHours() throws IOException, SQLException {
    LocalDate today = LocalDate.ofInstant(clock.instant(), ZoneOffset.UTC);
    long hour = hour(Times.micros(clock.instant()));
    try (Run run = new Run()) {
      run.makeOne(
          file ->
              file.date().equals(today)
                  && file.range().lastTimeUs() != null
                  && hour(file.range().lastTimeUs()) < hour,
          file -> hour(file.range().lastTimeUs()));
      return run.done();
    }
  }

  private static long hour(long timeUs) {
    return Math.floorDiv(timeUs, Duration.ofHours(1).toNanos() / 1000);
  }

  /** Files of each date. */
  private static SortedMap<LocalDate, List<ArchiveFile>> dates(
      TableSnapshot snapshot, Predicate<ArchiveFile> chosen) {
    return snapshot.files().stream()
        .filter(chosen)
        .collect(Collectors.groupingBy(ArchiveFile::date, TreeMap::new, Collectors.toList()));
  }

  /** One going through all tables, with who is gone as it is by then. */
  private final class Run implements AutoCloseable {

    private final GoneList gone = new GoneList(archive, duckDb);
    private Compacted all = new Compacted(0, 0, 0, 0, 0);
    private DamagedFile damage;

    /**
     * @param chosen files that may be replaced
     * @param part what of its date a file belongs to: those of one part become one
     */
    void makeOne(Predicate<ArchiveFile> chosen, Function<ArchiveFile, Long> part)
        throws IOException, SQLException {
      long migrated = 0;
      for (TableName name : TableName.values()) {
        TableSnapshot snapshot = archive.snapshot(name);
        for (var date : dates(snapshot, chosen).entrySet()) {
          for (List<ArchiveFile> files :
              date.getValue().stream()
                  .collect(Collectors.groupingBy(part, TreeMap::new, Collectors.toList()))
                  .values()) {
            boolean ofEarlierFormat =
                migrated < MIGRATED_ROWS && files.stream().allMatch(Compaction::isOfEarlierFormat);
            migrated += ofEarlierFormat ? rows(files) : 0;
            if (areToBeOne(files) || ofEarlierFormat) {
              attempt(snapshot, date.getKey(), files, Optional.empty());
            }
          }
        }
      }
    }

    /**
     * Removes what was deleted since a date was last looked at. Only the deletions of about that
     * time are read, once for all dates that are due, so that this costs little more in an archive
     * of years; all of them now and then, for what came late, or while this did not run.
     */
    void purge(LocalDate today) throws IOException, SQLException {
      LocalDate since = today.minusDays(2L * limits.purgeDays);
      for (TableName name : TableName.EVENTS) {
        TableSnapshot snapshot = archive.snapshot(name);
        var due = dates(snapshot, file -> isDue(file.date(), today));
        if (due.isEmpty()) {
          continue;
        }
        List<ArchiveFile> recent =
            snapshot.files().stream().filter(file -> !file.date().isBefore(since)).toList();
        try (KeptRows deletions = keep(name, List.of(ContentToGo.deletions(recent)))) {
          for (var date : due.entrySet()) {
            List<ArchiveFile> files = date.getValue();
            try (KeptRows going =
                going(
                    name,
                    files,
                    isDueForFullPurge(date.getKey(), today)
                        ? ContentToGo.deletions(ContentToGo.deleting(snapshot, files))
                        : "FROM " + deletions.from())) {
              if (going.hasAny("has_content")) {
                attempt(snapshot, date.getKey(), files, Optional.of(going));
              }
            }
          }
        }
      }
    }

    private boolean isDue(LocalDate date, LocalDate today) {
      long age = ChronoUnit.DAYS.between(date, today);
      return age > 0 && age % limits.purgeDays == 0;
    }

    private boolean isDueForFullPurge(LocalDate date, LocalDate today) {
      return ChronoUnit.DAYS.between(date, today) % (FULL_PURGE_EVERY * (long) limits.purgeDays)
          == 0;
    }

    private KeptRows going(TableName name, List<ArchiveFile> files, String deletions)
        throws IOException, SQLException {
      return keep(name, ContentToGo.selects(name, files, deletions, gone.accounts()));
    }

    private KeptRows keep(TableName name, List<String> selects) throws IOException, SQLException {
      return KeptRows.of(duckDb, archive, name, selects);
    }

    /**
     * @param going as far as it was found already
     */
    private void attempt(
        TableSnapshot snapshot, LocalDate date, List<ArchiveFile> files, Optional<KeptRows> going)
        throws IOException, SQLException {
      TableName name = snapshot.table();
      try {
        underWay = new UnderWay(name, date, Step.CHECK, 0, rows(files), clock.instant());
        all = all.plus(compact(snapshot, date, files, going));
      } catch (LostRace e) {
        LOG.info("This date is left to another instance: {}", e.getMessage(), e);
      } catch (DamagedFile e) {
        LOG.error("{} of {} is not compacted: {}", date, name.label(), e.getMessage());
        damage = damage == null ? e : damage;
      } finally {
        underWay = null;
      }
    }

    private Compacted compact(
        TableSnapshot snapshot, LocalDate date, List<ArchiveFile> files, Optional<KeptRows> going)
        throws IOException, SQLException, LostRace {
      for (ArchiveFile file : files) {
        Checksum.check(file);
      }
      if (!TableName.EVENTS.contains(snapshot.table())) {
        return replace(snapshot, date, files, null);
      }
      if (going.isPresent()) {
        return replace(snapshot, date, files, going.get());
      }
      String deletions = ContentToGo.deletions(ContentToGo.deleting(snapshot, files));
      try (KeptRows found = going(snapshot.table(), files, deletions)) {
        return replace(snapshot, date, files, found);
      }
    }

    Compacted done() throws DamagedFile {
      if (damage != null) {
        throw damage;
      }
      return all;
    }

    @Override
    public void close() throws IOException {
      gone.close();
    }
  }

  /**
   * @param going which rows lose their content: {@link CompactionRows#open}
   */
  private Compacted replace(
      TableSnapshot snapshot, LocalDate date, List<ArchiveFile> files, KeptRows going)
      throws IOException, SQLException, LostRace {
    List<DataFile> replaced = archive.dataFiles(snapshot.table(), snapshot.id(), files);
    List<DataFile> compacted = new ArrayList<>();
    boolean mayBeCommitted = false;
    try {
      write(snapshot, date, files, going, compacted);
      long rows = written(compacted);
      if (rows != rows(files)) {
        throw new IllegalStateException(
            "what is compacted of "
                + date
                + " of "
                + snapshot.table().label()
                + " has "
                + rows
                + " rows, its sources have "
                + rows(files));
      }
      if (snapshot.table() == TableName.POSTS) {
        underWay = underWay.at(Step.PREPARE, rows);
        for (DataFile file : compacted) {
          beforeCommit.prepare(archive.file(snapshot.table(), file));
        }
        CrashPoint.COMPACTION_PREPARED.pass();
      }
      underWay = underWay.at(Step.COMMIT, rows);
      // Whatever fails from here on: the commit may have been made. Left-overs are found later.
      mayBeCommitted = true;
      archive.rewrite(snapshot.table(), replaced, compacted);
      CrashPoint.COMPACTION_COMMITTED.pass();
      Compacted done =
          new Compacted(
              1,
              files.size(),
              rows,
              files.stream().mapToLong(ArchiveFile::bytes).sum(),
              compacted.stream().mapToLong(DataFile::fileSizeInBytes).sum());
      LOG.info("compacted table={} date={} {}", snapshot.table().label(), date, done);
      return done;
    } finally {
      if (!mayBeCommitted) {
        for (DataFile file : compacted) {
          Files.deleteIfExists(archive.file(snapshot.table(), file).path());
        }
      }
    }
  }

  private static long rows(List<ArchiveFile> files) {
    return files.stream().mapToLong(ArchiveFile::rows).sum();
  }

  private static long written(List<DataFile> files) {
    return files.stream().mapToLong(DataFile::recordCount).sum();
  }

  /** Whether something has come since they were compacted, if they ever were. */
  private boolean areToBeOne(List<ArchiveFile> files) {
    return files.size() > 1
        && (files.size() > parts(rows(files))
            || !files.stream().allMatch(ArchiveFile::isCompacted));
  }

  private static boolean isOfEarlierFormat(ArchiveFile file) {
    return file.isCompacted() && !file.isPacked();
  }

  /** How many files so many rows become. */
  private long parts(long rows) {
    return Math.max(1, Math.ceilDiv(rows, limits.rows));
  }

  /** Sorted by DuckDB, written as every data file. */
  private void write(
      TableSnapshot snapshot,
      LocalDate date,
      List<ArchiveFile> files,
      KeptRows going,
      List<DataFile> written)
      throws IOException, SQLException {
    TableName name = snapshot.table();
    Table table = archive.table(name);
    underWay = underWay.at(Step.WRITE, 0);
    long all = rows(files);
    long most = Math.ceilDiv(all, parts(all));
    Path folder = Path.of(table.location(), "data", "date=" + date);
    try (CompactionRows rows = CompactionRows.open(duckDb, name, files, going, folder);
        Ahead<GenericRecord> ready = new Ahead<>(rows::next, "compaction-rows")) {
      Pace.Walk walk = pace.walk();
      for (GenericRecord row = ready.next(); row != null; ) {
        try (TableWriter writer = new TableWriter(table, name, date, TableWriter.Kind.COMPACTED)) {
          for (long n = 0; row != null && n < most; n++) {
            writer.write(row);
            row = ready.next();
            walk.step();
            if (n % TELLING == TELLING - 1) {
              underWay = underWay.at(Step.WRITE, written(written) + n + 1);
            }
          }
          written.add(writer.finish());
        }
      }
    }
  }
}
