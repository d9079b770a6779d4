package routes.archive;

import java.time.Duration;
import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * What one batch archived.
 *
 * @param blocks entries of the stream
 * @param events frames in them
 * @param bytes of the frames
 * @param rows written, by table of events
 * @param duplicates events and frames that the archive had already
 * @param deadLetters frames that could not be read, by reason
 * @param duration from the first read to the last commit
 * @param position how far the archive has come with it; empty when nothing was ever archived
 * @param more whether more was waiting when the batch was full
 */
public record BatchReport(
    long blocks,
    long events,
    long bytes,
    Map<TableName, Long> rows,
    long duplicates,
    Map<String, Long> deadLetters,
    Duration duration,
    Optional<ArchivePosition> position,
    boolean more) {

  public BatchReport {
    rows = new EnumMap<>(rows.isEmpty() ? new EnumMap<TableName, Long>(TableName.class) : rows);
    deadLetters = new TreeMap<>(deadLetters);
  }

  static BatchReport nothing(Optional<ArchivePosition> position, Duration duration) {
    return new BatchReport(0, 0, 0, Map.of(), 0, Map.of(), duration, position, false);
  }

  public long stored() {
    return rows.values().stream().mapToLong(Long::longValue).sum();
  }

  /** Whether the batch had nothing to do. */
  public boolean isEmpty() {
    return blocks == 0;
  }

  /** One line for the log. */
  @Override
  public String toString() {
    return "batch events="
        + events
        + " stored="
        + stored()
        + " duplicates="
        + duplicates
        + " dead_letters="
        + deadLetters.values().stream().mapToLong(Long::longValue).sum()
        + " blocks="
        + blocks
        + " bytes="
        + bytes
        + " seconds="
        + duration.toMillis() / 1000.0
        + " position="
        + position.map(at -> at.streamId().toString()).orElse("none")
        + " more="
        + more;
  }
}
