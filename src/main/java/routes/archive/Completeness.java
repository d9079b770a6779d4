package routes.archive;

import static java.util.Objects.requireNonNull;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** Tells from the ledger what times the archive covers, and what it lacks. */
public final class Completeness {

  private static final long MINUTE_US = 60_000_000;

  private final Archive archive;
  private final DuckDb duckDb;
  private final Duration replayWindow;
  private final Clock clock;

  /** The ledger of one commit, read. */
  private record Known(long snapshot, Coverage coverage) {}

  private volatile Known known = new Known(-1, new Coverage(List.of()));

  /**
   * A stretch that nothing was received of.
   *
   * @param from time of the last event before it
   * @param to time of the first event behind it
   * @param reason disconnected, host-blind or stopped
   * @param fillable whether a host may still hold it; it is then read again by itself
   */
  public record Gap(Instant from, Instant to, double seconds, String reason, boolean fillable) {}

  /** A stretch that was a gap, and was read again. */
  public record Filled(Instant from, Instant to) {}

  /** A minute whose number of events is far off what is likely. */
  public record Suspect(Instant minute, long events, long likely) {}

  /**
   * What is known of a stretch of time.
   *
   * @param from its beginning
   * @param to its end
   * @param covered how much of it is covered, from 0 to 1
   * @param complete whether all of it is
   * @param begin the earliest time that the archive covers; null for an empty archive
   * @param until the latest time that it covers; null for an empty archive
   * @param events of its minutes, each once: those stored, and dead letters
   */
  public record Report(
      Instant from,
      Instant to,
      double covered,
      boolean complete,
      Instant begin,
      Instant until,
      long events,
      List<Gap> gaps,
      List<Filled> filled,
      List<Suspect> suspect) {}

  /** The same in short, for answers to other questions. */
  public record Summary(
      Instant from, Instant to, double covered, boolean complete, int gaps, Instant until) {}

  /**
   * @param replayWindow how long Jetstream hosts hold what happened
   */
  public Completeness(Archive archive, DuckDb duckDb, Duration replayWindow, Clock clock) {
    this.archive = requireNonNull(archive, "archive");
    this.duckDb = requireNonNull(duckDb, "duckDb");
    this.replayWindow = requireNonNull(replayWindow, "replayWindow");
    this.clock = requireNonNull(clock, "clock");
  }

  /**
   * @param from the beginning; empty for the beginning of the archive
   * @param to the end; empty for as far as the archive has come, else at most now
   */
  public Report report(Optional<Instant> from, Optional<Instant> to) {
    Coverage coverage = coverage();
    Asked asked = asked(coverage, from, to);
    List<Suspect> suspects =
        new SuspectMinutes(coverage)
            .between(asked.fromUs, asked.toUs).stream()
                .map(
                    minute ->
                        new Suspect(
                            Times.instant(minute.minuteUs()), minute.events(), minute.likely()))
                .toList();
    List<Filled> filled =
        coverage.filled().stream()
            .filter(stretch -> asked.meets(stretch.fromUs(), stretch.toUs()))
            .map(
                stretch ->
                    new Filled(Times.instant(stretch.fromUs()), Times.instant(stretch.toUs())))
            .toList();
    Summary summary = summary(coverage, asked);
    return new Report(
        summary.from,
        summary.to,
        summary.covered,
        summary.complete,
        coverage.covered().isEmpty() ? null : Times.instant(coverage.covered().get(0).fromUs()),
        summary.until,
        coverage
            .minutes()
            .subMap(Math.floorDiv(asked.fromUs, MINUTE_US) * MINUTE_US, asked.toUs)
            .values()
            .stream()
            .mapToLong(Long::longValue)
            .sum(),
        gaps(coverage, asked),
        filled,
        suspects);
  }

  /** The same in short. */
  public Summary summary(Optional<Instant> from, Optional<Instant> to) {
    return summary(archive.snapshot(TableName.LEDGER), from, to);
  }

  /** The same by what an earlier ledger says. */
  public Summary summary(TableSnapshot ledger, Optional<Instant> from, Optional<Instant> to) {
    Coverage coverage = coverage(ledger);
    return summary(coverage, asked(coverage, from, to));
  }

  /** All gaps that a host may still hold, oldest first. */
  public List<Gap> fillable() {
    Coverage coverage = coverage();
    return gaps(coverage, new Asked(Long.MIN_VALUE, Long.MAX_VALUE)).stream()
        .filter(Gap::fillable)
        .toList();
  }

  private record Asked(long fromUs, long toUs) {

    private boolean meets(long from, long to) {
      return from < toUs && to > fromUs;
    }
  }

  private Asked asked(Coverage coverage, Optional<Instant> from, Optional<Instant> to) {
    List<Coverage.Stretch> covered = coverage.covered();
    long now = Times.micros(clock.instant());
    long begin = covered.isEmpty() ? now : covered.get(0).fromUs();
    long end = covered.isEmpty() ? now : covered.get(covered.size() - 1).toUs();
    long fromUs = from.map(Times::micros).orElse(begin);
    long toUs = to.map(Times::micros).map(us -> Math.min(us, now)).orElse(end);
    return new Asked(fromUs, Math.max(fromUs, toUs));
  }

  private Summary summary(Coverage coverage, Asked asked) {
    long whole = asked.toUs - asked.fromUs;
    long covered = coverage.coveredUs(asked.fromUs, asked.toUs);
    int last = coverage.covered().size() - 1;
    return new Summary(
        Times.instant(asked.fromUs),
        Times.instant(asked.toUs),
        whole == 0 ? (last < 0 ? 0 : 1) : Math.floor(covered * 1e6 / whole) / 1e6,
        last >= 0 && covered == whole,
        gaps(coverage, asked).size(),
        last < 0 ? null : Times.instant(coverage.covered().get(last).toUs()));
  }

  private List<Gap> gaps(Coverage coverage, Asked asked) {
    Instant held = clock.instant().minus(replayWindow);
    return coverage.gaps().stream()
        .filter(gap -> asked.meets(gap.fromUs(), gap.toUs()))
        .map(
            gap ->
                new Gap(
                    Times.instant(gap.fromUs()),
                    Times.instant(gap.toUs()),
                    (gap.toUs() - gap.fromUs()) / 1e6,
                    gap.reason().name().toLowerCase(Locale.ROOT).replace('_', '-'),
                    Times.instant(gap.toUs()).isAfter(held)))
        .toList();
  }

  private Coverage coverage() {
    return coverage(archive.snapshot(TableName.LEDGER));
  }

  private Coverage coverage(TableSnapshot ledger) {
    Known now = known;
    if (now.snapshot != ledger.id()) {
      now = new Known(ledger.id(), new Coverage(read(ledger)));
      known = now;
    }
    return now.coverage;
  }

  private List<Coverage.Row> read(TableSnapshot ledger) {
    List<Coverage.Row> rows = new ArrayList<>();
    if (ledger.files().isEmpty()) {
      return rows;
    }
    String sql =
        """
        SELECT epoch_us(time_us), connection, coalesce(epoch_us(min(first_time_us)), 0),
          coalesce(epoch_us(max(last_time_us)), 0),
          coalesce(epoch_us(min(first_received)), epoch_us(time_us)),
          coalesce(epoch_us(max(last_received)), epoch_us(time_us)),
          sum(stored + dead_letters)::BIGINT
        FROM (SELECT NULL::TIMESTAMPTZ AS first_received, NULL::TIMESTAMPTZ AS last_received WHERE false
          UNION ALL BY NAME SELECT * FROM %s)
        GROUP BY time_us, connection
        """
            .formatted(DuckDb.fromAny(ledger.files()));
    try (Connection connection = duckDb.connect();
        Statement statement = connection.createStatement();
        ResultSet result = statement.executeQuery(sql)) {
      while (result.next()) {
        rows.add(
            new Coverage.Row(
                result.getLong(1),
                result.getString(2),
                result.getLong(3),
                result.getLong(4),
                result.getLong(5),
                result.getLong(6),
                result.getLong(7)));
      }
    } catch (SQLException e) {
      throw new IllegalStateException("the ledger cannot be read: " + e.getMessage(), e);
    }
    return rows;
  }
}
