package routes.api;

import static java.util.Objects.requireNonNull;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import java.time.Clock;
import java.time.Duration;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.OptionalLong;
import java.util.concurrent.atomic.AtomicLong;

/** How many posts a client may export on one day (UTC). Forgotten when the process ends. */
public final class ExportQuota {

  private static final int MOST_CLIENTS = 100_000;

  private final long rowsPerDay;
  private final Clock clock;
  private final Cache<Day, AtomicLong> taken =
      Caffeine.newBuilder().maximumSize(MOST_CLIENTS).expireAfterAccess(Duration.ofDays(1)).build();

  private record Day(String client, LocalDate date) {}

  /**
   * @param rowsPerDay of a client; 0 for no limit
   */
  public ExportQuota(long rowsPerDay, Clock clock) {
    this.rowsPerDay = rowsPerDay;
    this.clock = requireNonNull(clock, "clock");
  }

  private AtomicLong taken(String client) {
    return taken.get(
        new Day(client, LocalDate.ofInstant(clock.instant(), ZoneOffset.UTC)),
        day -> new AtomicLong());
  }

  /** Rows that are left today; empty where there is no limit. */
  OptionalLong left(String client) {
    return rowsPerDay == 0
        ? OptionalLong.empty()
        : OptionalLong.of(Math.max(0, rowsPerDay - taken(client).get()));
  }

  /**
   * @throws ProblemException when so many are not left
   */
  void take(String client, long rows) {
    if (rowsPerDay > 0 && taken(client).addAndGet(rows) > rowsPerDay) {
      taken(client).addAndGet(-rows);
      throw new ProblemException(
          Problem.tooMuch(
              "An export of "
                  + rows
                  + " posts is more than the "
                  + left(client).orElse(0)
                  + " that are left of today's "
                  + rowsPerDay
                  + ".",
              "Narrow it, take a sample, or ask again after midnight UTC; /api/v1/export/estimate says"
                  + " what is left."));
    }
  }

  /** What was taken and not needed, or needed and not taken. */
  void giveBack(String client, long rows) {
    if (rowsPerDay > 0) {
      taken(client).addAndGet(-rows);
    }
  }
}
