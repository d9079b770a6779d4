package routes.archive;

import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.nio.file.Files;
import java.sql.SQLException;
import java.time.Duration;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.iceberg.DataFile;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import routes.buffer.BlockStream;
import routes.buffer.StoredBlock;
import routes.buffer.StreamId;

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

  private static final int READ_BLOCKS = 8;

  private final BlockStream stream;
  private final Archive archive;
  private final SeenEvents seen;
  private final Limits limits;
  private Optional<ArchivePosition> sealed = Optional.empty();

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
    long start = System.nanoTime();
    Map<TableName, Optional<ArchivePosition>> positions = new EnumMap<>(TableName.class);
    // The ledger first: what it says is done is done in every table, whatever is committed
    // meanwhile.
    Optional<ArchivePosition> from = archive.position();
    for (TableName table : TableName.values()) {
      positions.put(table, table == TableName.LEDGER ? from : archive.position(table));
    }
    if (!from.equals(sealed)) {
      seen.forget();
      sealed = from;
    }
    boolean done = false;
    try (Batch batch = new Batch(archive, seen, positions, from)) {
      boolean more = read(batch, from.map(ArchivePosition::streamId).orElse(StreamId.ZERO), start);
      if (batch.isEmpty()) {
        from.ifPresent(at -> stream.trimBefore(at.streamId()));
        done = true;
        return BatchReport.nothing(from, since(start));
      }
      commit(batch, positions);
      sealed = Optional.of(batch.position());
      done = true;
      stream.trimBefore(batch.position().streamId());
      return batch.report(since(start), more);
    } catch (LostRace e) {
      LOG.info("This batch is left to another instance: {}", e.getMessage());
      return BatchReport.nothing(archive.position(), since(start));
    } finally {
      if (done) {
        seen.batchEnded();
      } else {
        seen.forget();
      }
    }
  }

  /** Whether the batch is full and more is waiting. */
  private boolean read(Batch batch, StreamId after, long start) throws IOException, SQLException {
    StreamId last = after;
    while (true) {
      List<StoredBlock> blocks = stream.readAfter(last, READ_BLOCKS);
      if (blocks.isEmpty()) {
        return false;
      }
      for (StoredBlock block : blocks) {
        if (isFull(batch, start)) {
          return true;
        }
        batch.add(block);
        last = block.id();
      }
    }
  }

  private boolean isFull(Batch batch, long start) {
    return batch.events() >= limits.events
        || batch.bytes() >= limits.bytes
        || !batch.isEmpty() && since(start).compareTo(limits.duration) >= 0;
  }

  private void commit(Batch batch, Map<TableName, Optional<ArchivePosition>> positions)
      throws IOException, LostRace {
    Map<TableName, List<DataFile>> files = new EnumMap<>(batch.finish());
    try {
      for (TableName table : TableName.values()) {
        if (files.containsKey(table) || table == TableName.LEDGER) {
          archive.append(
              table, files.getOrDefault(table, List.of()), positions.get(table), batch.position());
          files.remove(table);
        }
      }
    } catch (LostRace e) {
      // The commit was refused, so no snapshot knows these files.
      for (DataFile file : files.values().stream().flatMap(List::stream).toList()) {
        Files.deleteIfExists(LocalFileIO.path(file.location()));
      }
      throw e;
    }
  }

  private static Duration since(long start) {
    return Duration.ofNanos(System.nanoTime() - start);
  }
}
