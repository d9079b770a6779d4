package routes.archive;

import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Files;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import org.apache.avro.generic.GenericRecord;
import org.apache.iceberg.DataFile;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import routes.archive.LedgerLines.Line;
import routes.buffer.StoredBlock;
import routes.buffer.StreamId;
import routes.crash.CrashPoint;
import routes.jetstream.Block;

/**
 * What one drain archives: takes blocks, writes their rows to files, counts them. Commits nothing.
 */
final class Batch implements Closeable {

  private static final Logger LOG = LoggerFactory.getLogger(Batch.class);

  /** Writers open at once; dates are few, unless someone plays with the clock. */
  private static final int MAX_WRITERS = 40;

  private final Archive archive;
  private final SeenEvents seen;
  private final Map<TableName, Optional<ArchivePosition>> tablePositions;
  private final Frames frames;
  private final Workers workers;
  private final StreamId from;
  private final Map<Target, TableWriter> writers = new LinkedHashMap<>(16, 0.75f, true);
  private final Map<TableName, List<DataFile>> files = new EnumMap<>(TableName.class);
  private final LedgerLines ledger = new LedgerLines();
  private final Map<TableName, Set<EventKey>> committed = new EnumMap<>(TableName.class);
  private final Map<TableName, Long> rows = new EnumMap<>(TableName.class);
  private final Map<String, Long> deadLetters = new TreeMap<>();
  private Workers.Started<Void> writing;
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
      Frames frames,
      Workers workers) {
    this.workers = workers;
    this.writing = workers.start(List.of());
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
    List<Callable<List<Row>>> reading = new ArrayList<>(added.size());
    for (StoredBlock stored : added) {
      Map<Integer, Throwable> poisoned = poison.getOrDefault(stored.id(), Map.of());
      reading.add(() -> rows(stored.block(), poisoned));
    }
    List<List<Row>> read = workers.start(reading).await();
    List<Row> fresh = new ArrayList<>();
    List<Line> lines = new ArrayList<>();
    for (int i = 0; i < added.size(); i++) {
      StoredBlock stored = added.get(i);
      Block block = stored.block();
      if (block.isStop()) {
        ledger.stopped(block);
      }
      for (Row row : read.get(i)) {
        boolean dead = row.table() == TableName.DEAD_LETTERS;
        Line line = ledger.received(block, dead ? 0 : row.timeUs());
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
        stored(row, lines.get(i));
      } else {
        duplicate(lines.get(i));
      }
    }
    write(unseen);
  }

  /** One task of a worker. */
  private List<Row> rows(Block block, Map<Integer, Throwable> poison) {
    List<Row> rows = new ArrayList<>(block.count());
    for (int i = 0; i < block.count(); i++) {
      rows.add(row(block, i, poison));
    }
    return rows;
  }

  private Row row(Block block, int index, Map<Integer, Throwable> poison) {
    byte[] frame = block.frames().get(index);
    Throwable known = poison.get(index);
    if (known != null) {
      return EventRows.poison(frame, block.host(), block.receivedAt(), known);
    }
    try {
      return frames.row(frame, block.host(), block.receivedAt()).prepared();
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
    if (keys.remove(row.key())) {
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

  /**
   * Starts to write rows, of each file in a task of its own, when those before them are written.
   * Meanwhile others can be read.
   */
  private void write(List<Row> rows) throws IOException {
    Map<Target, List<GenericRecord>> byTarget = new LinkedHashMap<>();
    for (Row row : rows) {
      byTarget
          .computeIfAbsent(
              new Target(row.table(), Times.date(row.timeUs())), target -> new ArrayList<>())
          .add(row.values());
    }
    writing.await();
    List<Callable<Void>> tasks = new ArrayList<>();
    for (var target : byTarget.entrySet()) {
      if (writers.size() >= MAX_WRITERS && !writers.containsKey(target.getKey())) {
        workers.start(tasks).await();
        tasks.clear();
        Map.Entry<Target, TableWriter> eldest = writers.entrySet().iterator().next();
        finish(eldest.getKey(), eldest.getValue());
        writers.remove(eldest.getKey());
      }
      TableWriter writer = writer(target.getKey());
      tasks.add(
          () -> {
            for (GenericRecord row : target.getValue()) {
              writer.write(row);
            }
            return null;
          });
    }
    writing = workers.start(tasks);
  }

  private TableWriter writer(Target target) throws IOException {
    TableWriter writer = writers.get(target);
    if (writer == null) {
      writer =
          new TableWriter(
              archive.table(target.table), target.table, target.date, TableWriter.Kind.BATCH);
      writers.put(target, writer);
    }
    return writer;
  }

  private void finish(Target target, TableWriter writer) throws IOException {
    DataFile file = writer.finish();
    synchronized (files) {
      files.computeIfAbsent(target.table, table -> new ArrayList<>()).add(file);
    }
  }

  /** Finishes all files, the ledger's too: they are on the disk, and can be committed. */
  Map<TableName, List<DataFile>> finish() throws IOException {
    write(ledger.rows().stream().map(row -> new Row(TableName.LEDGER, row)).toList());
    writing.await();
    List<Callable<Void>> finishing = new ArrayList<>();
    writers.forEach(
        (target, writer) ->
            finishing.add(
                () -> {
                  finish(target, writer);
                  return null;
                }));
    workers.start(finishing).await();
    writers.clear();
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
    try {
      writing.await();
    } catch (IOException | RuntimeException | Error e) {
      LOG.debug("What is abandoned could not be written", e);
    }
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
