package routes.search;

import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import routes.archive.Times;

/**
 * How many posts there are of each stretch of time, by {@code sort_at}.
 *
 * @param buckets those with posts, the earliest first
 * @param total posts in all of them
 * @param exact whether they were counted; if not, the numbers are estimates
 */
public record PostVolume(List<Bucket> buckets, long total, boolean exact) {

  public PostVolume {
    buckets = List.copyOf(buckets);
  }

  /**
   * A stretch of time.
   *
   * @param start its beginning
   * @param posts of that time
   */
  public record Bucket(Instant start, long posts) {}

  /**
   * The posts that have one value.
   *
   * @param volume how many there are of each stretch of time
   */
  public record Series(String value, PostVolume volume) {}

  /**
   * The same for the posts that have each of the most frequent values.
   *
   * @param all of the posts, whatever they have
   * @param series the most frequent first; a post with several values is in several
   */
  public record Split(PostVolume all, List<Series> series) {

    public Split {
      series = List.copyOf(series);
    }
  }

  /** How long a stretch is. Days and months are those of UTC. */
  public enum Interval {
    MINUTE(60_000_000L),
    HOUR(3_600_000_000L),
    DAY(86_400_000_000L),
    MONTH(0);

    private final long micros;

    Interval(long micros) {
      this.micros = micros;
    }

    /** As parameters write it. */
    public String label() {
      return name().toLowerCase(Locale.ROOT);
    }

    /** The beginning of the stretch that a time belongs to, both in microseconds since 1970. */
    long startOf(long timeUs) {
      if (this == MONTH) {
        LocalDate date = LocalDate.ofInstant(Times.instant(timeUs), ZoneOffset.UTC);
        return Times.micros(date.withDayOfMonth(1).atStartOfDay(ZoneOffset.UTC).toInstant());
      }
      return Math.floorDiv(timeUs, micros) * micros;
    }
  }

  /** There would be more stretches than an answer may have. */
  public static final class TooMany extends RuntimeException {

    private static final long serialVersionUID = 1;

    TooMany(int most) {
      super("there would be more than " + most + " stretches of time");
    }
  }

  /** Counts posts, one after the other. */
  static final class Builder {

    /** Stretches that an answer may have: the minutes of a week. */
    private static final int MOST = 10_080;

    private final Interval interval;
    private final Map<Long, Long> posts = new TreeMap<>();
    private long lastStart = Long.MIN_VALUE;
    private long lastEnd = Long.MIN_VALUE;
    private long[] last;
    private final Map<Long, long[]> counting = new TreeMap<>();
    private boolean exact = true;

    Builder(Interval interval) {
      this.interval = interval;
    }

    /** Neighbours are mostly of the same stretch: that one is at hand. */
    void add(long sortAt) {
      if (last == null || sortAt < lastStart || sortAt >= lastEnd) {
        lastStart = interval.startOf(sortAt);
        lastEnd = interval == Interval.MONTH ? lastStart + 1 : lastStart + interval.micros;
        last = counting.computeIfAbsent(lastStart, start -> new long[1]);
        if (counting.size() > MOST) {
          throw new TooMany(MOST);
        }
      }
      last[0]++;
    }

    /**
     * Adds what another has counted.
     *
     * @param share of it that counts; less than 1 makes an estimate of all
     */
    void add(Builder other, double share) {
      other.counting.forEach(
          (start, count) -> posts.merge(start, Math.round(count[0] * share), Long::sum));
      exact &= share == 1 && other.exact;
      if (posts.size() > MOST) {
        throw new TooMany(MOST);
      }
    }

    /** Adds posts of one stretch, given its beginning. */
    void add(long start, long more) {
      if (more > 0) {
        counting.computeIfAbsent(start, begins -> new long[1])[0] += more;
        if (counting.size() > MOST) {
          throw new TooMany(MOST);
        }
      }
    }

    /** The beginning of the stretch that a time belongs to. */
    long startOf(long sortAt) {
      return interval.startOf(sortAt);
    }

    Builder another() {
      return new Builder(interval);
    }

    PostVolume build() {
      counting.forEach((start, count) -> posts.merge(start, count[0], Long::sum));
      counting.clear();
      last = null;
      List<Bucket> buckets =
          posts.entrySet().stream()
              .filter(bucket -> bucket.getValue() > 0)
              .map(bucket -> new Bucket(Times.instant(bucket.getKey()), bucket.getValue()))
              .toList();
      return new PostVolume(buckets, buckets.stream().mapToLong(Bucket::posts).sum(), exact);
    }
  }
}
