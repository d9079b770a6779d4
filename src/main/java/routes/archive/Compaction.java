package routes.archive;

import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Clock;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;
import java.util.stream.Collectors;
import org.apache.iceberg.DataFile;
import org.apache.iceberg.DataFiles;
import org.apache.iceberg.Metrics;
import org.apache.iceberg.MetricsConfig;
import org.apache.iceberg.Table;
import org.apache.iceberg.parquet.ParquetUtil;
import org.apache.iceberg.types.Type;
import org.apache.iceberg.types.Types;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import routes.crash.CrashPoint;

/**
 * Makes one file, sorted by time, of the many that batches have left of a date that is over.
 *
 * <p>A file that is damaged is named and stops the compaction of its table and date: nothing of it
 * gets into another file. May be cut off anywhere, and may run in several instances at once.
 */
public final class Compaction {

  private static final Logger LOG = LoggerFactory.getLogger(Compaction.class);

  /** Rows that are found and decompressed together. */
  private static final int ROW_GROUP = 16_384;

  private final Archive archive;
  private final DuckDb duckDb;
  private final Clock clock;

  /**
   * What was done.
   *
   * @param compactions dates of tables
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

  public Compaction(Archive archive, DuckDb duckDb, Clock clock) {
    this.archive = requireNonNull(archive, "archive");
    this.duckDb = requireNonNull(duckDb, "duckDb");
    this.clock = requireNonNull(clock, "clock");
  }

  /**
   * Compacts every date that is over and has more than one file.
   *
   * @throws DamagedFile when a file is damaged, after all others are compacted
   */
  public Compacted run() throws IOException, SQLException {
    DamagedFile damage = null;
    Compacted all = new Compacted(0, 0, 0, 0, 0);
    LocalDate today = LocalDate.ofInstant(clock.instant(), ZoneOffset.UTC);
    for (TableName name : TableName.values()) {
      TableSnapshot snapshot = archive.snapshot(name);
      Map<LocalDate, List<ArchiveFile>> dates =
          snapshot.files().stream()
              .filter(file -> file.date().isBefore(today))
              .collect(Collectors.groupingBy(ArchiveFile::date, TreeMap::new, Collectors.toList()));
      for (var date : dates.entrySet()) {
        if (date.getValue().size() > 1) {
          try {
            all = all.plus(compact(snapshot, date.getKey(), date.getValue()));
          } catch (LostRace e) {
            LOG.info("This date is left to another instance: {}", e.getMessage());
          } catch (DamagedFile e) {
            LOG.error("{} of {} is not compacted: {}", date.getKey(), name.label(), e.getMessage());
            damage = damage == null ? e : damage;
          }
        }
      }
    }
    if (damage != null) {
      throw damage;
    }
    return all;
  }

  private Compacted compact(TableSnapshot snapshot, LocalDate date, List<ArchiveFile> files)
      throws IOException, SQLException, LostRace {
    for (ArchiveFile file : files) {
      Checksum.check(file);
    }
    List<DataFile> replaced = archive.dataFiles(snapshot.table(), snapshot.id(), files);
    Table table = archive.table(snapshot.table());
    Path path =
        Files.createDirectories(Path.of(table.location(), "data", "date=" + date))
            .resolve("day-" + UUID.randomUUID() + ".parquet");
    boolean committed = false;
    try {
      copy(table, files, path);
      path = Checksum.name(path);
      LocalFileIO.sync(path);
      CrashPoint.COMPACTED_FILE_WRITTEN.pass();
      DataFile compacted = dataFile(table, date, path);
      long rows = files.stream().mapToLong(ArchiveFile::rows).sum();
      if (compacted.recordCount() != rows) {
        throw new IllegalStateException(
            "the compacted file of "
                + date
                + " of "
                + snapshot.table().label()
                + " has "
                + compacted.recordCount()
                + " rows, its sources have "
                + rows);
      }
      archive.rewrite(snapshot.table(), replaced, List.of(compacted));
      committed = true;
      CrashPoint.COMPACTION_COMMITTED.pass();
      Compacted done =
          new Compacted(
              1,
              files.size(),
              rows,
              files.stream().mapToLong(ArchiveFile::bytes).sum(),
              compacted.fileSizeInBytes());
      LOG.info("compacted table={} date={} {}", snapshot.table().label(), date, done);
      return done;
    } finally {
      if (!committed) {
        Files.deleteIfExists(path);
      }
    }
  }

  private void copy(Table table, List<ArchiveFile> files, Path to) throws SQLException {
    String columns =
        table.schema().columns().stream()
            .map(column -> column.name() + ": " + fieldIds(column.fieldId(), column.type()))
            .collect(Collectors.joining(", ", "{", "}"));
    String empty =
        table.schema().columns().stream()
            .map(column -> "NULL::" + duckType(column.type()) + " AS " + column.name())
            .collect(Collectors.joining(", ", "SELECT ", " WHERE false"));
    String order =
        table.schema().findField("did") == null ? "time_us" : "time_us, did, collection, rkey";
    try (Connection connection = duckDb.connect();
        Statement statement = connection.createStatement()) {
      statement.execute(
          "COPY (SELECT * FROM ("
              + empty
              + " UNION ALL BY NAME SELECT * FROM "
              + DuckDb.fromAny(files)
              + ") ORDER BY "
              + order
              + ") TO "
              + DuckDb.literal(to.toString())
              + " (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE "
              + ROW_GROUP
              + ", FIELD_IDS "
              + columns
              + ")");
    }
  }

  private static String fieldIds(int id, Type type) {
    return type.isListType()
        ? "{__duckdb_field_id: " + id + ", element: " + type.asListType().elementId() + "}"
        : Integer.toString(id);
  }

  private static String duckType(Type type) {
    return switch (type.typeId()) {
      case STRING -> "VARCHAR";
      case LONG -> "BIGINT";
      case INTEGER -> "INTEGER";
      case BOOLEAN -> "BOOLEAN";
      case BINARY -> "BLOB";
      case TIMESTAMP ->
          ((Types.TimestampType) type).shouldAdjustToUTC() ? "TIMESTAMPTZ" : "TIMESTAMP";
      case LIST -> duckType(type.asListType().elementType()) + "[]";
      default -> throw new IllegalStateException("no column has the type " + type);
    };
  }

  private static DataFile dataFile(Table table, LocalDate date, Path path) throws IOException {
    Metrics metrics =
        ParquetUtil.fileMetrics(
            org.apache.iceberg.Files.localInput(path.toFile()), MetricsConfig.forTable(table));
    return DataFiles.builder(table.spec())
        .withPath(path.toString())
        .withFormat("PARQUET")
        .withFileSizeInBytes(Files.size(path))
        .withPartitionPath("date=" + date)
        .withMetrics(metrics)
        .build();
  }
}
