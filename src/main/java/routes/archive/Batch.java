package routes.archive;

import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Files;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.apache.avro.generic.GenericRecord;
import org.apache.iceberg.DataFile;
import routes.archive.EventRows.Row;
import routes.archive.LedgerLines.Line;
import routes.buffer.StoredBlock;
import routes.buffer.StreamId;
import routes.crash.CrashPoint;
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
  private final Frames frames;
  private final StreamId from;
  private final Map<Target, TableWriter> writers = new LinkedHashMap<>(16, 0.75f, true);
  private final Map<TableName, List<DataFile>> files = new EnumMap<>(TableName.class);
  private final LedgerLines ledger = new LedgerLines();
  private final Map<TableName, Set<EventKey>> committed = new EnumMap<>(TableName.class);
  private final Map<TableName, Long> rows = new EnumMap<>(TableName.class);
  private final Map<String, Long> deadLetters = new TreeMap<>();
  private long blocks;
  private long events;
  private long bytes;
  private long duplicates;
  private ArchivePosition position;
  private boolean handedOver;

  /** What makes rows of frames: {@link EventRows}, in tests something worse. */
  interface Frames {

    Row row(byte[] frame, String host, Instant receivedAt);
  }

  private record Target(TableName table, LocalDate date) {}

  /**
   * @param tablePositions how far each table has come: rows of earlier blocks are in it already
   */
  Batch(
      Archive archive,
      SeenEvents seen,
      Map<TableName, Optional<ArchivePosition>> tablePositions,
      Optional<ArchivePosition> from,
      Frames frames) {
    this.archive = archive;
    this.seen = seen;
    this.frames = frames;
    this.from = from.map(ArchivePosition::streamId).orElse(StreamId.ZERO);
    this.tablePositions = tablePositions;
    this.position = from.orElse(null);
  }

  /**
   * Adds blocks that follow each other; duplicates are looked for among all of them at once, since
   * a look-up costs as much for many events as for one.
   *
   * @param poison frames that cannot be processed, by entry and index, and why: they become dead
   *     letters
   */
  void add(List<StoredBlock> added, Map<StreamId, Map<Integer, Throwable>> poison)
      throws IOException, SQLException {
    List<Row> fresh = new ArrayList<>();
    List<Line> lines = new ArrayList<>();
    for (StoredBlock stored : added) {
      Block block = stored.block();
      if (block.isStop()) {
        ledger.stopped(block);
      }
      Map<Integer, Throwable> poisoned = poison.getOrDefault(stored.id(), Map.of());
      for (int i = 0; i < block.count(); i++) {
        Row row = row(block, i, poisoned);
        boolean dead = row.table() == TableName.DEAD_LETTERS;
        Line line = ledger.received(block, dead ? 0 : (Long) row.values().get("time_us"));
        if (isAlreadyIn(row.table(), stored)) {
          recount(row, line);
        } else {
          fresh.add(row);
          lines.add(line);
        }
      }
      blocks++;
      events += block.count();
      bytes += block.bytes();
      move(stored);
    }
    store(fresh, lines);
  }

  private void store(List<Row> fresh, List<Line> lines) throws IOException, SQLException {
    List<Row> unseen = seen.unseen(fresh);
    int next = 0;
    for (int i = 0; i < fresh.size(); i++) {
      Row row = fresh.get(i);
      if (next < unseen.size() && unseen.get(next) == row) {
        next++;
        write(row.table(), row.values());
        stored(row, lines.get(i));
      } else {
        duplicate(lines.get(i));
      }
    }
  }

  private Row row(Block block, int index, Map<Integer, Throwable> poison) {
    byte[] frame = block.frames().get(index);
    Throwable known = poison.get(index);
    if (known != null) {
      return EventRows.poison(frame, block.host(), block.receivedAt(), known);
    }
    try {
      return frames.row(frame, block.host(), block.receivedAt());
    } catch (VirtualMachineError e) {
      throw e;
    } catch (RuntimeException | Error e) {
      return EventRows.poison(frame, block.host(), block.receivedAt(), e);
    }
  }

  /** A block that fills a gap says nothing of how far reading has come. */
  private void move(StoredBlock stored) {
    Block block = stored.block();
    long timeUs = position == null ? 0 : position.timeUs();
    String host = position == null ? "" : position.host();
    position =
        block.isFilling()
            ? new ArchivePosition(stored.id(), timeUs, host, 0)
            : new ArchivePosition(
                stored.id(), Math.max(block.lastTimeUs(), timeUs), block.host(), 0);
  }

  /** After a crash between two commits of a batch, the tables committed first have its rows. */
  private boolean isAlreadyIn(TableName table, StoredBlock stored) {
    return tablePositions.get(table).filter(at -> !stored.id().isAfter(at.streamId())).isPresent();
  }

  /** Which of these rows that batch stored can be told from its files. */
  private void recount(Row row, Line line) throws SQLException {
    Set<EventKey> keys = committed.get(row.table());
    if (keys == null) {
      keys = seen.keysIn(row.table(), archive.filesSince(row.table(), from));
      committed.put(row.table(), keys);
    }
    if (keys.remove(EventKey.of(row.table(), row.values()))) {
      stored(row, line);
    } else {
      duplicate(line);
    }
  }

  private void stored(Row row, Line line) {
    if (row.table() == TableName.DEAD_LETTERS) {
      line.deadLetter();
      deadLetters.merge(row.reason(), 1L, Long::sum);
    } else {
      line.stored();
      rows.merge(row.table(), 1L, Long::sum);
    }
  }

  private void duplicate(Line line) {
    line.duplicate();
    duplicates++;
  }

  private void write(TableName table, GenericRecord row) throws IOException {
    LocalDate date = LocalDate.ofInstant(Times.instant((Long) row.get("time_us")), ZoneOffset.UTC);
    Target target = new Target(table, date);
    TableWriter writer = writers.get(target);
    if (writer == null) {
      if (writers.size() >= MAX_WRITERS) {
        finish(writers.keySet().iterator().next());
      }
      writer = new TableWriter(archive.table(table), table, date, TableWriter.Kind.BATCH);
      writers.put(target, writer);
    }
    writer.write(row);
  }

  private void finish(Target target) throws IOException {
    files
        .computeIfAbsent(target.table, table -> new ArrayList<>())
        .add(writers.get(target).finish());
    writers.remove(target);
  }

  /** Finishes all files, the ledger's too: they are on the disk, and can be committed. */
  Map<TableName, List<DataFile>> finish() throws IOException {
    for (GenericRecord row : ledger.rows()) {
      write(TableName.LEDGER, row);
    }
    for (Target target : List.copyOf(writers.keySet())) {
      finish(target);
    }
    CrashPoint.BATCH_WRITTEN.pass();
    return files;
  }

  /** The files are about to be committed: from now on they are not removed here. */
  void handOver() {
    handedOver = true;
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

  /** Removes the files, unless they were handed over. */
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
