package routes.archive;

import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.time.Clock;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.ToLongFunction;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Removes the oldest dates of tables that may only become so old, or so large. Whole dates go, and
 * never one of the newest three. The ledger stays: it tells what was received, kept or not.
 */
public final class Retention {

  private static final Logger LOG = LoggerFactory.getLogger(Retention.class);

  /** Dates that stay whatever a table takes: hosts send events again that are days old. */
  public static final int LEAST_DAYS = 3;

  private final Archive archive;
  private final Map<TableName, Limit> limits;
  private final Clock clock;

  /**
   * How much of a table is kept.
   *
   * @param days dates, today's included; empty for all
   * @param bytes of its live files; empty for any number
   */
  public record Limit(Optional<Integer> days, Optional<Long> bytes) {

    public Limit {
      if (days.filter(count -> count < LEAST_DAYS).isPresent()) {
        throw new IllegalArgumentException("a table keeps " + LEAST_DAYS + " days at least");
      }
    }
  }

  /** A date of a table that is more than may be kept. */
  public record Due(String table, LocalDate date, int files, long rows, long bytes) {}

  /**
   * @param limits of tables of events or dead letters; tables without one are kept whole
   */
  public Retention(Archive archive, Map<TableName, Limit> limits, Clock clock) {
    this.archive = requireNonNull(archive, "archive");
    this.limits = Map.copyOf(limits);
    this.clock = requireNonNull(clock, "clock");
    if (limits.containsKey(TableName.LEDGER)) {
      throw new IllegalArgumentException("the ledger is always kept");
    }
  }

  /** What the next run removes, by table, the oldest date first. */
  public record Plan(List<Due> due) {}

  /** What the next run removes. */
  public Plan plan() {
    return new Plan(limits.keySet().stream().sorted().flatMap(name -> due(name).stream()).toList());
  }

  private List<Due> due(TableName name) {
    return due(name, dates(archive.snapshot(name)));
  }

  private static List<Due> due(TableName name, Map<LocalDate, List<ArchiveFile>> dates) {
    return dates.entrySet().stream()
        .map(date -> due(name, date.getKey(), date.getValue()))
        .toList();
  }

  private static Due due(TableName name, LocalDate date, List<ArchiveFile> files) {
    return new Due(name.label(), date, files.size(), sum(files, ArchiveFile::rows), bytes(files));
  }

  /** The dates of a table that are more than may be kept. */
  private NavigableMap<LocalDate, List<ArchiveFile>> dates(TableSnapshot snapshot) {
    Limit limit = limits.get(snapshot.table());
    LocalDate today = LocalDate.ofInstant(clock.instant(), ZoneOffset.UTC);
    Map<LocalDate, List<ArchiveFile>> dates =
        snapshot.files().stream()
            .collect(Collectors.groupingBy(ArchiveFile::date, TreeMap::new, Collectors.toList()));
    NavigableMap<LocalDate, List<ArchiveFile>> due = new TreeMap<>();
    long left = snapshot.bytes();
    for (var date : dates.entrySet()) {
      boolean tooOld =
          limit.days.map(days -> !date.getKey().isAfter(today.minusDays(days))).orElse(false);
      long before = left;
      boolean tooMuch = limit.bytes.map(most -> before > most).orElse(false);
      if (tooOld || tooMuch && !date.getKey().isAfter(today.minusDays(LEAST_DAYS))) {
        due.put(date.getKey(), date.getValue());
        left -= bytes(date.getValue());
      }
    }
    return due;
  }

  private static long bytes(List<ArchiveFile> files) {
    return sum(files, ArchiveFile::bytes);
  }

  private static long sum(List<ArchiveFile> files, ToLongFunction<ArchiveFile> of) {
    return files.stream().mapToLong(of).sum();
  }

  /** Removes what is due; gives what was removed. */
  public List<Due> run() throws IOException {
    List<Due> removed = new ArrayList<>();
    for (TableName name : limits.keySet().stream().sorted().toList()) {
      TableSnapshot snapshot = archive.snapshot(name);
      NavigableMap<LocalDate, List<ArchiveFile>> dates = dates(snapshot);
      if (dates.isEmpty()) {
        continue;
      }
      List<Due> due = due(name, dates);
      try {
        archive.remove(
            name,
            archive.dataFiles(
                name, snapshot.id(), dates.values().stream().flatMap(List::stream).toList()),
            dates.lastKey().plusDays(1));
        removed.addAll(due);
        LOG.info("removed by retention table={} {}", name.label(), due);
      } catch (LostRace e) {
        LOG.info("Removing old dates is left to the next run: {}", e.getMessage());
      }
    }
    return removed;
  }
}
