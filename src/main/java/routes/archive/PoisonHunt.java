package routes.archive;

import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import routes.buffer.BlockStream;
import routes.buffer.StoredBlock;
import routes.buffer.StreamId;
import routes.jetstream.Block;

/**
 * Finds the frames that make a batch fail, by trying halves of it, and halves of those that fail.
 *
 * <p>What fails on a frame is a mistake of ours; the frame becomes a dead letter, and all others
 * are stored. What fails on many is something else, and so is what does not fail again.
 */
final class PoisonHunt {

  private static final Logger LOG = LoggerFactory.getLogger(PoisonHunt.class);

  private static final int MAX_POISON = 200;
  private static final int READ_BLOCKS = 8;

  private final BlockStream stream;
  private final Supplier<Batch> trials;
  private final List<Part> parts = new ArrayList<>();
  private final Map<StreamId, Map<Integer, Throwable>> found = new HashMap<>();

  /** One entry of the stream, and the number of its first frame among all of the batch. */
  private record Part(StreamId before, StreamId id, long first, int frames) {}

  /**
   * @param trials gives batches to try something with; none is ever committed
   */
  PoisonHunt(BlockStream stream, Supplier<Batch> trials) {
    this.stream = requireNonNull(stream, "stream");
    this.trials = requireNonNull(trials, "trials");
  }

  /** Whether an event can be the reason, rather than a disk, Redis, or the archive itself. */
  static boolean mayBeOfAnEvent(Throwable failure) {
    boolean broken =
        failure instanceof VirtualMachineError
            || failure instanceof UncheckedIOException
            || failure instanceof DamagedFile;
    String thrower = failure.getClass().getName();
    return !broken
        && !thrower.startsWith("org.springframework.")
        && !thrower.startsWith("routes.buffer.")
        && !thrower.startsWith("org.apache.iceberg.");
  }

  /**
   * @param after the entry before the batch
   * @param last the last entry of the batch
   * @return by entry and index, why these frames cannot be processed; empty where no single frame
   *     is the reason
   */
  Map<StreamId, Map<Integer, Throwable>> find(StreamId after, StreamId last)
      throws IOException, SQLException {
    long frames = list(after, last);
    search(0, frames);
    if (!found.isEmpty()) {
      LOG.error(
          "{} of {} events cannot be processed, through a mistake of this program: they become dead letters",
          count(),
          frames);
    }
    return found;
  }

  private long list(StreamId after, StreamId last) {
    long frames = 0;
    StreamId before = after;
    while (true) {
      List<StoredBlock> blocks = stream.readAfter(before, READ_BLOCKS);
      for (StoredBlock block : blocks) {
        if (block.id().isAfter(last)) {
          return frames;
        }
        parts.add(new Part(before, block.id(), frames, block.block().count()));
        frames += block.block().count();
        before = block.id();
      }
      if (blocks.isEmpty()) {
        return frames;
      }
    }
  }

  private int count() {
    return found.values().stream().mapToInt(Map::size).sum();
  }

  /** Finds those of these frames that fail, each by itself. */
  private void search(long from, long to) throws IOException, SQLException {
    Throwable failure = attempt(from, to);
    if (failure == null) {
      return;
    }
    if (to - from > 1) {
      long middle = (from + to) / 2;
      search(from, middle);
      search(middle, to);
      return;
    }
    Part part = parts.stream().filter(p -> from < p.first + p.frames).findFirst().orElseThrow();
    found.computeIfAbsent(part.id, id -> new HashMap<>()).put((int) (from - part.first), failure);
    if (count() > MAX_POISON) {
      throw new IllegalStateException(
          "more than " + MAX_POISON + " events of a batch cannot be processed", failure);
    }
  }

  private Throwable attempt(long from, long to) throws IOException, SQLException {
    try (Batch trial = trials.get()) {
      for (Part part : parts) {
        if (part.first < to && part.first + part.frames > from) {
          StoredBlock stored = stream.readAfter(part.before, 1).get(0);
          int first = (int) Math.max(0, from - part.first);
          int end = (int) Math.min(part.frames, to - part.first);
          trial.add(
              List.of(new StoredBlock(stored.id(), cut(stored.block(), first, end))), Map.of());
        }
      }
      trial.finish();
      return null;
    } catch (RuntimeException | Error e) {
      if (!mayBeOfAnEvent(e)) {
        throw e;
      }
      return e;
    }
  }

  private static Block cut(Block block, int first, int end) {
    return new Block(
        block.host(),
        block.connection(),
        block.continues(),
        block.firstTimeUs(),
        block.lastTimeUs(),
        block.receivedAt(),
        block.frames().subList(first, end));
  }
}
