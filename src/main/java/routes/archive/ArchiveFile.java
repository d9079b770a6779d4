package routes.archive;

import java.nio.file.Path;
import java.time.LocalDate;

/**
 * A live data file: Parquet, never changed once it is committed.
 *
 * @param date its partition: the UTC date of {@code time_us}
 * @param bytes its size
 * @param range what its rows span
 */
public record ArchiveFile(Path path, LocalDate date, long rows, long bytes, Range range) {

  /** What the names of compacted files began with when they left nothing out. */
  private static final String EARLIER_FORMAT = "compacted-";

  /**
   * The least and the greatest of columns that queries narrow; null where a file does not say.
   *
   * @param firstTimeUs of {@code time_us}, microseconds
   * @param lastTimeUs of {@code time_us}, microseconds
   * @param firstRev of {@code rev}
   * @param lastRev of {@code rev}
   * @param firstSortAt of {@code sort_at}, microseconds; null as well for a table without it
   * @param lastSortAt of {@code sort_at}, microseconds; null as well for a table without it
   */
  public record Range(
      Long firstTimeUs,
      Long lastTimeUs,
      String firstRev,
      String lastRev,
      Long firstSortAt,
      Long lastSortAt) {}

  /** Whether a compaction has made it. */
  boolean isCompacted() {
    return isPacked() || name().startsWith(EARLIER_FORMAT);
  }

  /** Whether what follows from the rest of a row was left out: {@link Packing}. */
  boolean isPacked() {
    return name().startsWith(TableWriter.Kind.COMPACTED.prefix());
  }

  private String name() {
    return path.getFileName().toString();
  }

  /**
   * Whether none of its rows has a later {@code rev} than any of the other's, as far as is known.
   */
  public boolean isBefore(ArchiveFile other) {
    return range.lastRev != null
        && other.range.firstRev != null
        && range.lastRev.compareTo(other.range.firstRev) <= 0;
  }

  /** Whether a row with a {@code rev} from {@code first} to {@code last} can be in it. */
  boolean mayHoldRev(String first, String last) {
    return range.firstRev == null
        || range.lastRev == null
        || range.firstRev.compareTo(last) <= 0 && range.lastRev.compareTo(first) >= 0;
  }
}
