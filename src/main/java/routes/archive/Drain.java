package routes.archive;

import static java.util.Objects.requireNonNull;
import static java.util.Objects.requireNonNullElse;

import java.io.IOException;
import java.nio.file.Files;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.iceberg.DataFile;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import routes.buffer.BlockStream;
import routes.buffer.StoredBlock;
import routes.buffer.StreamId;
import routes.crash.CrashPoint;

/**
 * Moves what was received from the buffer to the archive, exactly once.
 *
 * <p>A batch starts where the ledger's newest commit says the archive is, commits every table that
 * has rows, the ledger last, and only then trims the stream. Wherever that is cut off, the next
 * batch finds by the tables' positions what is done. Two drains at once, in one process or two, do
 * no harm: the commit of the slower one is refused.
 */
public final class Drain {

  private static final Logger LOG = LoggerFactory.getLogger(Drain.class);

  private static final int READ_BLOCKS = 16;
  private static final long CHUNK_EVENTS = 5_000;
  private static final long CHUNK_BYTES = 8 << 20;

  private final BlockStream stream;
  private final Archive archive;
  private final SeenEvents seen;
  private volatile boolean running;
  private final Limits limits;
  private final DuckDb duckDb;
  private final Batch.Frames frames;
  private final Workers workers = new Workers("drain");

  /** How far each table has come by what this drain knows. */
  private final Map<TableName, Optional<ArchivePosition>> known = new EnumMap<>(TableName.class);

  /** The entry that was being added last. */
  private StreamId attempted = StreamId.ZERO;

  /**
   * When a batch is full; what is left is the next one's.
   *
   * @param events frames
   * @param bytes of frames
   * @param duration of reading and writing, before the commits
   */
  public record Limits(long events, long bytes, Duration duration) {

    public Limits {
      if (events < 1 || bytes < 1 || duration.isNegative() || duration.isZero()) {
        throw new IllegalArgumentException("the limits of a batch have to be greater than zero");
      }
    }
  }

  public Drain(BlockStream stream, Archive archive, DuckDb duckDb, Limits limits) {
    this(stream, archive, duckDb, limits, new EventRows());
  }

  Drain(BlockStream stream, Archive archive, DuckDb duckDb, Limits limits, Batch.Frames frames) {
    this.duckDb = requireNonNull(duckDb, "duckDb");
    this.frames = requireNonNull(frames, "frames");
    this.stream = requireNonNull(stream, "stream");
    this.archive = requireNonNull(archive, "archive");
    this.seen = new SeenEvents(archive, duckDb);
    this.limits = requireNonNull(limits, "limits");
  }

  /**
   * Archives one batch.
   *
   * @return what was done; {@link BatchReport#more()} when the batch was full
   * @throws RuntimeException when it could not be done; nothing is lost, the next batch starts at
   *     the same place
   */
  public synchronized BatchReport batch() throws IOException, SQLException {
    long begun = System.nanoTime();
    boolean done = false;
    running = true;
    try {
      BatchReport report = batch(start());
      done = true;
      return report;
    } catch (LostRace e) {
      LOG.info("This batch is left to another instance: {}", e.getMessage());
      return BatchReport.nothing(archive.position(), since(begun));
    } finally {
      running = false;
      if (done) {
        seen.batchEnded();
      } else {
        seen.forget();
      }
    }
  }

  /** Whether a batch is under way. */
  public boolean isRunning() {
    return running;
  }

  /**
   * What a batch starts from.
   *
   * @param position how far the archive has come
   * @param tables how far each table has come; some are ahead after a crash
   */
  record Start(
      Optional<ArchivePosition> position,
      Map<TableName, Optional<ArchivePosition>> tables,
      long nanos) {

    StreamId entry() {
      return position.map(ArchivePosition::streamId).orElse(StreamId.ZERO);
    }
  }

  private Start start() {
    Map<TableName, Optional<ArchivePosition>> tables = new EnumMap<>(TableName.class);
    // The ledger first: what it says is done is done in every table, whatever is committed
    // meanwhile.
    tables.put(TableName.LEDGER, archive.position());
    for (TableName table : TableName.values()) {
      tables.computeIfAbsent(table, archive::position);
    }
    if (!tables.equals(known)) {
      // Others have committed: what is remembered of the archive may not be all.
      seen.forget();
      known.putAll(tables);
    }
    return new Start(tables.get(TableName.LEDGER), tables, System.nanoTime());
  }

  private BatchReport batch(Start start) throws IOException, SQLException, LostRace {
    Map<StreamId, Map<Integer, Throwable>> poison = Map.of();
    while (true) {
      try {
        return batch(start, poison);
      } catch (RuntimeException | Error e) {
        if (!PoisonHunt.mayBeOfAnEvent(e)) {
          throw e;
        }
        LOG.warn("Processing a batch failed; looking for the events that make it fail", e);
        seen.forget();
        Map<StreamId, Map<Integer, Throwable>> found =
            new PoisonHunt(stream, () -> trial(start)).find(start.entry(), attempted);
        if (found.keySet().equals(poison.keySet())) {
          throw e;
        }
        poison = found;
      }
    }
  }

  /** A batch like this one, that is never committed. */
  private Batch trial(Start start) {
    return new Batch(
        archive, new SeenEvents(archive, duckDb), start.tables, start.position, frames, workers);
  }

  private BatchReport batch(Start start, Map<StreamId, Map<Integer, Throwable>> poison)
      throws IOException, SQLException, LostRace {
    try (Batch batch = new Batch(archive, seen, start.tables, start.position, frames, workers)) {
      boolean more = read(batch, start, poison);
      if (batch.isEmpty()) {
        start.position.ifPresent(at -> stream.trimBefore(at.streamId()));
        return BatchReport.nothing(start.position, since(start.nanos));
      }
      commit(batch, start);
      CrashPoint.BATCH_SEALED.pass();
      stream.trimBefore(batch.position().streamId());
      CrashPoint.STREAM_TRIMMED.pass();
      return batch.report(since(start.nanos), more);
    }
  }

  /** Whether the batch is full and more is waiting. */
  private boolean read(Batch batch, Start start, Map<StreamId, Map<Integer, Throwable>> poison)
      throws IOException, SQLException {
    Workers.Started<Chunk> next = readAfter(new Chunk(List.of(), start.entry(), 0, 0, List.of()));
    try {
      while (true) {
        Chunk chunk = next.await().get(0);
        if (chunk.blocks.isEmpty()) {
          // It was read a while ago.
          chunk = chunkAfter(chunk);
        }
        if (chunk.blocks.isEmpty()) {
          return false;
        }
        attempted = chunk.last;
        next = readAfter(chunk);
        batch.add(chunk.blocks, poison);
        if (isFull(chunk) || since(start.nanos).compareTo(limits.duration) >= 0) {
          return !stream.readAfter(chunk.last, 1).isEmpty();
        }
      }
    } finally {
      try {
        next.await();
      } catch (IOException | RuntimeException e) {
        LOG.debug("Blocks that this batch does not take could not be read", e);
      }
    }
  }

  /**
   * Blocks that are looked at together.
   *
   * @param last the last of them, or of those before
   * @param events of the batch, these included
   * @param bytes of the batch, these included
   * @param rest blocks that follow, and were read already
   */
  private record Chunk(
      List<StoredBlock> blocks, StreamId last, long events, long bytes, List<StoredBlock> rest) {}

  private boolean isFull(Chunk chunk) {
    return chunk.events >= limits.events || chunk.bytes >= limits.bytes;
  }

  /** Reads the next blocks, while these are processed; none where the batch is full with these. */
  private Workers.Started<Chunk> readAfter(Chunk before) {
    return workers.start(isFull(before) ? List.of() : List.of(() -> chunkAfter(before)));
  }

  /** The next blocks, and no more than the batch can take. */
  private Chunk chunkAfter(Chunk before) {
    List<StoredBlock> chunk = new ArrayList<>();
    long events = before.events;
    long bytes = before.bytes;
    long mostEvents = Math.min(events + CHUNK_EVENTS, limits.events);
    long mostBytes = Math.min(bytes + CHUNK_BYTES, limits.bytes);
    StreamId last = before.last;
    List<StoredBlock> blocks = before.rest;
    do {
      for (int i = 0; i < blocks.size(); i++) {
        StoredBlock block = blocks.get(i);
        chunk.add(block);
        events += block.block().count();
        bytes += block.block().bytes();
        last = block.id();
        if (events >= mostEvents || bytes >= mostBytes) {
          return new Chunk(
              chunk, last, events, bytes, List.copyOf(blocks.subList(i + 1, blocks.size())));
        }
      }
      blocks = stream.readAfter(last, READ_BLOCKS);
    } while (!blocks.isEmpty());
    return new Chunk(chunk, last, events, bytes, List.of());
  }

  /**
   * Commits one table alone: who loses the race for it leaves the batch to the other. Then the
   * others, side by side, and the ledger behind them.
   */
  private void commit(Batch batch, Start start) throws IOException, LostRace {
    Map<TableName, List<DataFile>> files = new EnumMap<>(batch.finish());
    batch.handOver();
    List<DataFile> ledger = requireNonNullElse(files.remove(TableName.LEDGER), List.of());
    // Those that no commit knows.
    Map<TableName, List<DataFile>> waiting = new ConcurrentHashMap<>(files);
    waiting.put(TableName.LEDGER, ledger);
    try {
      List<Callable<Optional<LostRace>>> commits = new ArrayList<>();
      files.forEach(
          (table, ofTable) ->
              commits.add(
                  () -> {
                    try {
                      commit(table, ofTable, batch, start);
                      waiting.remove(table);
                      return Optional.empty();
                    } catch (LostRace e) {
                      return Optional.of(e);
                    }
                  }));
      int first = Math.min(1, commits.size());
      throwIfLost(workers.start(commits.subList(0, first)).await());
      throwIfLost(workers.start(commits.subList(first, commits.size())).await());
      commit(TableName.LEDGER, ledger, batch, start);
    } catch (LostRace e) {
      for (DataFile file : waiting.values().stream().flatMap(List::stream).toList()) {
        Files.deleteIfExists(LocalFileIO.path(file.location()));
      }
      throw e;
    }
  }

  private void commit(TableName table, List<DataFile> files, Batch batch, Start start)
      throws LostRace {
    ArchivePosition committed =
        archive.append(table, files, start.tables.get(table), batch.position());
    synchronized (known) {
      known.put(table, Optional.of(committed));
    }
  }

  private static void throwIfLost(List<Optional<LostRace>> commits) throws LostRace {
    for (Optional<LostRace> lost : commits) {
      if (lost.isPresent()) {
        throw lost.get();
      }
    }
  }

  private static Duration since(long start) {
    return Duration.ofNanos(System.nanoTime() - start);
  }
}
