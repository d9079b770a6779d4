package routes.archive;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Finds minutes that are covered and yet have far fewer or far more events than likely: holes that
 * no connection shows, since its host left out a part in silence.
 *
 * <p>What is likely is told by the same time of other days (the five minutes around it, up to seven
 * days away), or where there are none yet, by the ten minutes before and behind. Too few makes a
 * minute suspect; too many only where the minutes around have not as many, for news make many.
 */
final class SuspectMinutes {

  private static final long MINUTE_US = 60_000_000;
  private static final int NEIGHBOURS = 10;
  private static final int DAYS = 7;
  private static final int DAY = 1440;
  private static final int AROUND = 2;
  private static final int ENOUGH_NEIGHBOURS = 6;
  private static final int ENOUGH_OF_OTHER_DAYS = 10;
  private static final double FEW = 0.6;
  private static final double MANY = 3;

  /** How far chance takes a number from what is likely: this many square roots of it. */
  private static final double CHANCE = 5;

  /**
   * @param minuteUs its beginning, microseconds since 1970
   * @param likely how many there should have been, about
   */
  record Suspect(long minuteUs, long events, long likely) {}

  private static final long UNKNOWN = -1;

  private final Coverage coverage;

  /** Events by minute from {@link #first} on; unknown where a minute is not covered as a whole. */
  private long[] counts = {};

  private long first;

  SuspectMinutes(Coverage coverage) {
    this.coverage = coverage;
  }

  /** Those of a stretch, oldest first. */
  List<Suspect> between(long fromUs, long toUs) {
    collect(fromUs, toUs);
    List<Suspect> suspects = new ArrayList<>();
    for (int minute = 0; minute < counts.length; minute++) {
      long at = (first + minute) * MINUTE_US;
      if (counts[minute] != UNKNOWN && at >= fromUs && at < toUs) {
        double near = likelyByNeighbours(minute);
        double otherDays = likelyByOtherDays(minute);
        long events = counts[minute];
        double likely = Double.isNaN(otherDays) ? near : otherDays;
        boolean many = isMany(events, near) && isMany(events, likely);
        if (isFew(events, likely) || many) {
          suspects.add(new Suspect(at, events, Math.round(likely)));
        }
      }
    }
    return suspects;
  }

  private void collect(long fromUs, long toUs) {
    List<Coverage.Stretch> covered = coverage.covered();
    if (covered.isEmpty()) {
      return;
    }
    long days = DAYS * DAY;
    first = Math.max(minute(covered.get(0).fromUs()), minute(fromUs) - days);
    long end = Math.min(minute(covered.get(covered.size() - 1).toUs()), minute(toUs) + days) + 1;
    counts = new long[(int) Math.max(0, end - first)];
    Arrays.fill(counts, UNKNOWN);
    for (Coverage.Stretch stretch : covered) {
      long from = Math.max(first, minute(stretch.fromUs() + MINUTE_US - 1));
      long to = Math.min(end, minute(stretch.toUs()));
      for (long minute = from; minute < to; minute++) {
        counts[(int) (minute - first)] = coverage.minutes().getOrDefault(minute * MINUTE_US, 0L);
      }
    }
  }

  private static long minute(long timeUs) {
    return Math.floorDiv(timeUs, MINUTE_US);
  }

  private double likelyByNeighbours(int minute) {
    List<Long> near = new ArrayList<>();
    for (int i = 1; i <= NEIGHBOURS; i++) {
      add(near, minute - i);
      add(near, minute + i);
    }
    return median(near, ENOUGH_NEIGHBOURS);
  }

  private double likelyByOtherDays(int minute) {
    List<Long> others = new ArrayList<>();
    for (int day = 1; day <= DAYS; day++) {
      for (int i = -AROUND; i <= AROUND; i++) {
        add(others, minute - day * DAY + i);
        add(others, minute + day * DAY + i);
      }
    }
    return median(others, ENOUGH_OF_OTHER_DAYS);
  }

  private void add(List<Long> to, int minute) {
    if (minute >= 0 && minute < counts.length && counts[minute] != UNKNOWN) {
      to.add(counts[minute]);
    }
  }

  private static double median(List<Long> counts, int enough) {
    if (counts.size() < enough) {
      return Double.NaN;
    }
    long[] sorted = counts.stream().mapToLong(Long::longValue).sorted().toArray();
    int middle = sorted.length / 2;
    return sorted.length % 2 == 1
        ? sorted[middle]
        : Arrays.stream(sorted, middle - 1, middle + 1).average().orElseThrow();
  }

  private static boolean isFew(long events, double likely) {
    return events + CHANCE * Math.sqrt(events + 1.0) < FEW * likely;
  }

  private static boolean isMany(long events, double likely) {
    return events - CHANCE * Math.sqrt(events + 1.0) > MANY * likely;
  }
}
