package routes.archive;

import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Files;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericRecord;
import org.apache.iceberg.DataFile;
import routes.archive.EventRows.Row;
import routes.buffer.StoredBlock;
import routes.jetstream.Block;

/**
 * What one drain archives: takes blocks, writes their rows to files, counts them. Commits nothing.
 */
final class Batch implements Closeable {

  /** Writers open at once; dates are few, unless someone plays with the clock. */
  private static final int MAX_WRITERS = 40;

  private final Archive archive;
  private final SeenEvents seen;
  private final Map<TableName, Optional<ArchivePosition>> tablePositions;
  private final EventRows eventRows = new EventRows();
  private final Map<Target, TableWriter> writers = new LinkedHashMap<>(16, 0.75f, true);
  private final Map<TableName, List<DataFile>> files = new EnumMap<>(TableName.class);
  private final Map<Line, Count> ledger = new LinkedHashMap<>();
  private final Map<TableName, Long> rows = new EnumMap<>(TableName.class);
  private final Map<String, Long> deadLetters = new TreeMap<>();
  private long blocks;
  private long events;
  private long bytes;
  private long duplicates;
  private ArchivePosition position;
  private boolean handedOver;

  private record Target(TableName table, LocalDate date) {}

  private record Line(Instant minute, String host, String connection) {}

  private static final class Count {
    private boolean continues;
    private long firstTimeUs;
    private long lastTimeUs;
    private long events;
    private long stored;
    private long duplicates;
    private long deadLetters;
  }

  /**
   * @param tablePositions how far each table has come: rows of earlier blocks are in it already
   */
  Batch(
      Archive archive,
      SeenEvents seen,
      Map<TableName, Optional<ArchivePosition>> tablePositions,
      Optional<ArchivePosition> from) {
    this.archive = archive;
    this.seen = seen;
    this.tablePositions = tablePositions;
    this.position = from.orElse(null);
  }

  void add(StoredBlock stored) throws IOException, SQLException {
    Block block = stored.block();
    Count count = count(block);
    List<Row> fresh = new ArrayList<>(block.count());
    for (byte[] frame : block.frames()) {
      Row row = eventRows.row(frame, block.host(), block.receivedAt());
      if (isAlreadyIn(row.table(), stored)) {
        counted(row, count);
      } else {
        fresh.add(row);
      }
    }
    List<Row> unseen = seen.unseen(fresh);
    for (Row row : unseen) {
      write(row.table(), row.values());
      counted(row, count);
    }
    count.duplicates += fresh.size() - unseen.size();
    duplicates += fresh.size() - unseen.size();
    blocks++;
    events += block.count();
    bytes += block.bytes();
    long timeUs = Math.max(block.lastTimeUs(), position == null ? 0 : position.timeUs());
    position = new ArchivePosition(stored.id(), timeUs, block.host());
  }

  private Count count(Block block) {
    Line line =
        new Line(
            block.receivedAt().truncatedTo(ChronoUnit.MINUTES), block.host(), block.connection());
    Count count = ledger.get(line);
    if (count == null) {
      count = new Count();
      count.continues = block.continues();
      ledger.put(line, count);
    }
    count.events += block.count();
    if (block.firstTimeUs() > 0) {
      count.firstTimeUs =
          count.firstTimeUs == 0
              ? block.firstTimeUs()
              : Math.min(count.firstTimeUs, block.firstTimeUs());
    }
    count.lastTimeUs = Math.max(count.lastTimeUs, block.lastTimeUs());
    return count;
  }

  /** After a crash between two commits of a batch, the tables committed first have its rows. */
  private boolean isAlreadyIn(TableName table, StoredBlock stored) {
    return tablePositions.get(table).filter(at -> !stored.id().isAfter(at.streamId())).isPresent();
  }

  private void counted(Row row, Count count) {
    if (row.table() == TableName.DEAD_LETTERS) {
      count.deadLetters++;
      deadLetters.merge(row.reason(), 1L, Long::sum);
    } else {
      count.stored++;
      rows.merge(row.table(), 1L, Long::sum);
    }
  }

  private void write(TableName table, GenericRecord row) throws IOException {
    LocalDate date = LocalDate.ofInstant(Times.instant((Long) row.get("time_us")), ZoneOffset.UTC);
    Target target = new Target(table, date);
    TableWriter writer = writers.get(target);
    if (writer == null) {
      if (writers.size() >= MAX_WRITERS) {
        finish(writers.keySet().iterator().next());
      }
      writer = new TableWriter(archive.table(table), table, date);
      writers.put(target, writer);
    }
    writer.write(row);
  }

  private void finish(Target target) throws IOException {
    files
        .computeIfAbsent(target.table, table -> new ArrayList<>())
        .add(writers.remove(target).finish());
  }

  /** Finishes all files, the ledger's too: they are on the disk, and can be committed. */
  Map<TableName, List<DataFile>> finish() throws IOException {
    for (var line : ledger.entrySet()) {
      if (line.getValue().events > 0) {
        write(TableName.LEDGER, ledgerRow(line.getKey(), line.getValue()));
      }
    }
    for (Target target : List.copyOf(writers.keySet())) {
      finish(target);
    }
    handedOver = true;
    return files;
  }

  private static GenericRecord ledgerRow(Line line, Count count) {
    GenericRecord row = new GenericData.Record(TableName.LEDGER.schema());
    row.put("time_us", Times.micros(line.minute));
    row.put("host", line.host);
    row.put("connection", line.connection);
    row.put("continues", count.continues);
    row.put("first_time_us", count.firstTimeUs == 0 ? null : count.firstTimeUs);
    row.put("last_time_us", count.lastTimeUs == 0 ? null : count.lastTimeUs);
    row.put("events", count.events);
    row.put("stored", count.stored);
    row.put("duplicates", count.duplicates);
    row.put("dead_letters", count.deadLetters);
    return row;
  }

  /** How far the archive has come when this batch is committed. */
  ArchivePosition position() {
    return position;
  }

  long events() {
    return events;
  }

  long bytes() {
    return bytes;
  }

  boolean isEmpty() {
    return blocks == 0;
  }

  BatchReport report(Duration duration, boolean more) {
    return new BatchReport(
        blocks,
        events,
        bytes,
        rows,
        duplicates,
        deadLetters,
        duration,
        Optional.of(position),
        more);
  }

  /** Removes the files, unless {@link #finish()} has handed them over. */
  @Override
  public void close() throws IOException {
    if (!handedOver) {
      for (DataFile file : files.values().stream().flatMap(List::stream).toList()) {
        Files.deleteIfExists(LocalFileIO.path(file.location()));
      }
    }
    for (TableWriter writer : writers.values()) {
      writer.close();
    }
  }
}
