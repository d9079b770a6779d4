package routes.archive;

import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.apache.avro.generic.GenericRecord;
import org.apache.iceberg.DataFile;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import routes.crash.CrashPoint;
import routes.jetstream.UnreadableFrame;

/** What could not be read: shows it, and gives it another try. */
public final class DeadLetters {

  private static final Logger LOG = LoggerFactory.getLogger(DeadLetters.class);

  /** Every reason that there is: of frames that cannot be read, and of those that we fail at. */
  public static final List<String> REASONS =
      Stream.concat(
              Arrays.stream(UnreadableFrame.Reason.values()).map(UnreadableFrame.Reason::label),
              Stream.of(EventRows.POISON))
          .toList();

  private static final int TRIES = 5;

  private final Archive archive;
  private final DuckDb duckDb;
  private final Batch.Frames frames;

  /**
   * A frame that could not be read.
   *
   * @param time when it was received
   * @param detail what is wrong, in a sentence
   * @param size of the frame, bytes
   * @param head its beginning
   */
  public record DeadLetter(
      Instant time,
      String host,
      String reason,
      String detail,
      String sha256,
      long size,
      byte[] head) {}

  /**
   * Some of them, newest first.
   *
   * @param total how many there are of the reason asked for
   * @param reasons how many there are of each reason
   */
  public record Page(List<DeadLetter> letters, long total, Map<String, Long> reasons) {}

  /**
   * What another try brought.
   *
   * @param tried dead letters that were read again
   * @param stored events that are in their tables now
   * @param duplicates that were there already
   * @param left dead letters that stay what they are
   */
  public record Retried(long tried, long stored, long duplicates, long left) {

    private Retried plus(Retried other) {
      return new Retried(
          tried + other.tried,
          stored + other.stored,
          duplicates + other.duplicates,
          left + other.left);
    }
  }

  public DeadLetters(Archive archive, DuckDb duckDb) {
    this(archive, duckDb, new EventRows());
  }

  DeadLetters(Archive archive, DuckDb duckDb, Batch.Frames frames) {
    this.archive = requireNonNull(archive, "archive");
    this.duckDb = requireNonNull(duckDb, "duckDb");
    this.frames = requireNonNull(frames, "frames");
  }

  /**
   * @param reason for example {@code not-json}; empty for all
   * @param head bytes to show of each
   */
  public Page page(Optional<String> reason, int offset, int limit, int head) {
    List<ArchiveFile> files = archive.snapshot(TableName.DEAD_LETTERS).files();
    if (files.isEmpty()) {
      return new Page(List.of(), 0, Map.of());
    }
    String from = DuckDb.from(files);
    String letters =
        "SELECT epoch_us(time_us), host, reason, detail, sha256, octet_length(bytes), bytes[:"
            + head
            + "] FROM "
            + from
            + (reason.isPresent() ? " WHERE reason = ?" : "")
            + " ORDER BY time_us DESC, sha256 LIMIT "
            + limit
            + " OFFSET "
            + offset;
    try (Connection connection = duckDb.connect()) {
      Map<String, Long> reasons = new TreeMap<>();
      try (PreparedStatement counting =
              connection.prepareStatement("SELECT reason, count(*) FROM " + from + " GROUP BY 1");
          ResultSet result = counting.executeQuery()) {
        while (result.next()) {
          reasons.put(result.getString(1), result.getLong(2));
        }
      }
      long total =
          reason.isPresent()
              ? reasons.getOrDefault(reason.get(), 0L)
              : reasons.values().stream().mapToLong(Long::longValue).sum();
      return new Page(letters(connection, letters, reason), total, reasons);
    } catch (SQLException e) {
      throw new IllegalStateException("the dead letters cannot be read: " + e.getMessage(), e);
    }
  }

  private static List<DeadLetter> letters(
      Connection connection, String sql, Optional<String> reason) throws SQLException {
    List<DeadLetter> letters = new ArrayList<>();
    try (PreparedStatement statement = connection.prepareStatement(sql)) {
      if (reason.isPresent()) {
        statement.setString(1, reason.get());
      }
      try (ResultSet result = statement.executeQuery()) {
        while (result.next()) {
          letters.add(
              new DeadLetter(
                  Times.instant(result.getLong(1)),
                  result.getString(2),
                  result.getString(3),
                  result.getString(4),
                  result.getString(5),
                  result.getLong(6),
                  result.getBytes(7)));
        }
      }
    }
    return letters;
  }

  /**
   * Reads all dead letters again. What can be read by now goes to its table, unless it is there,
   * and out of the dead letters; the rest stays. May be cut off anywhere: an event that is in its
   * table and still a dead letter is a duplicate the next time.
   */
  public Retried retry() throws IOException, SQLException {
    Retried all = new Retried(0, 0, 0, 0);
    for (ArchiveFile file : archive.snapshot(TableName.DEAD_LETTERS).files()) {
      all = all.plus(retry(file));
    }
    return all;
  }

  private Retried retry(ArchiveFile file) throws IOException, SQLException {
    for (int attempt = 1; ; attempt++) {
      try {
        return tryOnce(file);
      } catch (LostRace e) {
        if (attempt == TRIES) {
          throw new IllegalStateException(
              "other instances keep committing; try again later: " + e.getMessage(), e);
        }
        LOG.debug("Trying again", e);
      }
    }
  }

  private Retried tryOnce(ArchiveFile file) throws IOException, SQLException, LostRace {
    Map<TableName, Optional<ArchivePosition>> positions = new EnumMap<>(TableName.class);
    for (TableName table : TableName.values()) {
      positions.put(table, archive.position(table));
    }
    long snapshot = archive.snapshot(TableName.DEAD_LETTERS).id();
    List<DataFile> live = archive.dataFiles(TableName.DEAD_LETTERS, snapshot, List.of(file));
    if (live.isEmpty()) {
      return new Retried(0, 0, 0, 0); // another instance was faster
    }
    Checksum.check(file);
    List<Row> readable = new ArrayList<>();
    List<GenericRecord> left = new ArrayList<>();
    read(file, readable, left);
    Retried nothing = new Retried(left.size(), 0, 0, left.size());
    if (readable.isEmpty()) {
      return nothing;
    }
    List<Row> unseen = new SeenEvents(archive, duckDb).unseen(readable);
    ArchivePosition ledger = positions.get(TableName.LEDGER).orElseThrow();
    Map<TableName, List<DataFile>> files = write(unseen);
    for (var table : files.entrySet()) {
      archive.insert(
          table.getKey(), table.getValue(), positions.get(table.getKey()).orElse(null), ledger);
    }
    CrashPoint.RETRY_STORED.pass();
    List<DataFile> rest = new ArrayList<>();
    if (!left.isEmpty()) {
      try (TableWriter writer = writer(TableName.DEAD_LETTERS, file.date())) {
        for (GenericRecord row : left) {
          writer.write(row);
        }
        rest.add(writer.finish());
      }
    }
    archive.replaceRows(TableName.DEAD_LETTERS, live, rest, snapshot);
    return new Retried(
        (long) readable.size() + left.size(),
        unseen.size(),
        (long) readable.size() - unseen.size(),
        left.size());
  }

  private void read(ArchiveFile file, List<Row> readable, List<GenericRecord> left)
      throws IOException {
    try (TableReader rows = new TableReader(TableName.DEAD_LETTERS, file)) {
      for (GenericRecord row = rows.next(); row != null; row = rows.next()) {
        ByteBuffer bytes = ((ByteBuffer) row.get("bytes")).duplicate();
        byte[] frame = new byte[bytes.remaining()];
        bytes.get(frame);
        Row again =
            frames.row(frame, row.get("host").toString(), Times.instant((Long) row.get("time_us")));
        if (again.table() == TableName.DEAD_LETTERS) {
          left.add(row);
        } else {
          readable.add(again);
        }
      }
    }
  }

  private Map<TableName, List<DataFile>> write(List<Row> rows) throws IOException {
    Map<TableName, Map<LocalDate, List<GenericRecord>>> byTable = new EnumMap<>(TableName.class);
    for (Row row : rows) {
      LocalDate date = Times.date(row.timeUs());
      byTable
          .computeIfAbsent(row.table(), table -> new HashMap<>())
          .computeIfAbsent(date, day -> new ArrayList<>())
          .add(row.values());
    }
    Map<TableName, List<DataFile>> files = new EnumMap<>(TableName.class);
    for (var table : byTable.entrySet()) {
      for (var date : table.getValue().entrySet()) {
        try (TableWriter writer = writer(table.getKey(), date.getKey())) {
          for (GenericRecord row : date.getValue()) {
            writer.write(row);
          }
          files.computeIfAbsent(table.getKey(), name -> new ArrayList<>()).add(writer.finish());
        }
      }
    }
    return files;
  }

  private TableWriter writer(TableName table, LocalDate date) throws IOException {
    return new TableWriter(archive.table(table), table, date, TableWriter.Kind.BATCH);
  }
}
