package routes.archive;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericRecord;
import routes.archive.EventRows.Row;
import routes.jetstream.Tid;

/**
 * Tells new events from those that the archive, or the batch, has already.
 *
 * <p>An event's own time is the same in every copy of it. So the keys of the archive are loaded by
 * stretches of ten minutes of that time, when many events of a stretch arrive, and kept while there
 * is room; single stragglers, and events without a readable time, are looked up one by one. Either
 * way only files are read whose span of {@code rev} allows it.
 */
final class SeenEvents {

  private static final long STRETCH_US = 600_000_000L;
  private static final int WORTH_LOADING = 64;

  /** Hosts replay a day and a half; three days. */
  private static final long REPEATED_US = 3 * 86_400_000_000L;

  private static final int MAX_KEYS = 3_000_000;

  private final Archive archive;
  private final DuckDb duckDb;
  private final int maxKeys;
  private final Map<Stretch, KeySet> loaded = new LinkedHashMap<>(64, 0.75f, true);
  private final Set<EventKey> stragglers = new HashSet<>();

  private record Stretch(TableName table, long number) {}

  private record Candidate(Row row, EventKey key) {}

  SeenEvents(Archive archive, DuckDb duckDb) {
    this(archive, duckDb, MAX_KEYS);
  }

  /**
   * @param maxKeys that are kept from one batch to the next
   */
  SeenEvents(Archive archive, DuckDb duckDb, int maxKeys) {
    this.archive = archive;
    this.duckDb = duckDb;
    this.maxKeys = maxKeys;
  }

  /** Forgets all: what is in the archive is not what was thought. */
  void forget() {
    loaded.clear();
    stragglers.clear();
  }

  /** The batch is committed: what was kept for it alone is no longer needed. */
  void batchEnded() {
    stragglers.clear();
    int keys = loaded.values().stream().mapToInt(KeySet::size).sum();
    var eldest = loaded.entrySet().iterator();
    while (keys > maxKeys && eldest.hasNext()) {
      keys -= eldest.next().getValue().size();
      eldest.remove();
    }
  }

  /** Those of the rows that are new, in their order; from now on they count as seen. */
  List<Row> unseen(List<Row> rows) throws SQLException {
    Map<TableName, Map<Long, List<Candidate>>> byStretch = new HashMap<>();
    for (Row row : rows) {
      if (row.table() == TableName.LEDGER) {
        throw new IllegalArgumentException("the ledger has no events");
      }
      OptionalLong time = EventKey.ownTime(row.table(), row.values());
      long stretch =
          time.isPresent() && time.getAsLong() >= 0 && time.getAsLong() < 1L << 52
              ? time.getAsLong() / STRETCH_US
              : -1;
      byStretch
          .computeIfAbsent(row.table(), table -> new HashMap<>())
          .computeIfAbsent(stretch, number -> new ArrayList<>())
          .add(new Candidate(row, EventKey.of(row.table(), row.values())));
    }
    Set<Row> unseen = java.util.Collections.newSetFromMap(new java.util.IdentityHashMap<>());
    for (var table : byStretch.entrySet()) {
      List<Candidate> alone = new ArrayList<>();
      for (var stretch : table.getValue().entrySet()) {
        KeySet keys =
            keys(new Stretch(table.getKey(), stretch.getKey()), stretch.getValue().size());
        if (keys == null) {
          alone.addAll(stretch.getValue());
        } else {
          stretch.getValue().stream()
              .filter(candidate -> keys.add(candidate.key))
              .forEach(candidate -> unseen.add(candidate.row));
        }
      }
      if (!alone.isEmpty()) {
        Set<EventKey> archived = lookUp(table.getKey(), alone);
        alone.stream()
            .filter(candidate -> !archived.contains(candidate.key) && stragglers.add(candidate.key))
            .forEach(candidate -> unseen.add(candidate.row));
      }
    }
    return rows.stream().filter(unseen::contains).toList();
  }

  /** The keys of all rows in these files. */
  Set<EventKey> keysIn(TableName table, List<ArchiveFile> files) throws SQLException {
    Set<EventKey> keys = new HashSet<>();
    select(table, files, "true", keys::add);
    return keys;
  }

  /** The keys of a stretch; null when it is not loaded, and not worth it. */
  private KeySet keys(Stretch stretch, int arriving) throws SQLException {
    KeySet keys = loaded.get(stretch);
    if (keys == null && stretch.number >= 0 && arriving >= WORTH_LOADING) {
      keys = new KeySet();
      load(stretch, keys);
      // Single events of it may have come before, in this batch.
      for (EventKey straggler : stragglers) {
        keys.add(straggler);
      }
      loaded.put(stretch, keys);
    }
    return keys;
  }

  private void load(Stretch stretch, KeySet keys) throws SQLException {
    long from = stretch.number * STRETCH_US;
    long to = from + STRETCH_US - 1;
    String first = Tid.of(from, 0);
    String last = Tid.of(to, 1023);
    String condition = "rev BETWEEN '" + first + "' AND '" + last + "'";
    if (stretch.table == TableName.ACTORS) {
      condition += " OR rev IS NULL AND epoch_us(event_time) BETWEEN " + from + " AND " + to;
    }
    select(stretch.table, files(stretch.table, first, last), condition, keys::add);
  }

  private Set<EventKey> lookUp(TableName table, List<Candidate> candidates) throws SQLException {
    Set<EventKey> found = new HashSet<>();
    String column =
        switch (table) {
          case DEAD_LETTERS -> "sha256";
          case ACTORS -> "did";
          default -> "rev";
        };
    TreeSet<String> values =
        candidates.stream()
            .map(candidate -> candidate.row.values().get(column).toString())
            .collect(Collectors.toCollection(TreeSet::new));
    List<ArchiveFile> files =
        column.equals("rev")
            ? files(table, values.first(), values.last())
            : filesSince(table, candidates);
    String places = values.stream().map(value -> "?").collect(Collectors.joining(", "));
    select(table, files, column + " IN (" + places + ")", found::add, values);
    return found;
  }

  /**
   * Files that can hold another copy of what has no revision: a host passed it on when it happened
   * or later, and repeats it for some days at most.
   */
  private List<ArchiveFile> filesSince(TableName table, List<Candidate> candidates) {
    long earliest =
        candidates.stream().mapToLong(candidate -> earliest(table, candidate)).min().orElse(0);
    return archive.snapshot(table).files().stream()
        .filter(
            file ->
                file.range().lastTimeUs() == null
                    || file.range().lastTimeUs() >= earliest - REPEATED_US)
        .toList();
  }

  private static long earliest(TableName table, Candidate candidate) {
    long seen = (Long) candidate.row.values().get("time_us");
    return Math.min(seen, EventKey.ownTime(table, candidate.row.values()).orElse(seen));
  }

  private List<ArchiveFile> files(TableName table, String firstRev, String lastRev) {
    List<ArchiveFile> files = archive.snapshot(table).files();
    // Identity and account events have no revision: their files do not tell.
    return table == TableName.ACTORS
        ? files
        : files.stream().filter(file -> file.mayHoldRev(firstRev, lastRev)).toList();
  }

  private void select(
      TableName table,
      Collection<ArchiveFile> files,
      String condition,
      Function<EventKey, Boolean> to)
      throws SQLException {
    select(table, files, condition, to, List.of());
  }

  private void select(
      TableName table,
      Collection<ArchiveFile> files,
      String condition,
      Function<EventKey, Boolean> to,
      Collection<String> values)
      throws SQLException {
    if (files.isEmpty()) {
      return;
    }
    List<String> columns = EventKey.columns(table);
    String select =
        columns.stream()
            .map(column -> column.equals("event_time") ? "epoch_us(event_time)" : column)
            .collect(Collectors.joining(", "));
    String sql =
        "SELECT " + select + " FROM " + DuckDb.from(List.copyOf(files)) + " WHERE " + condition;
    try (Connection connection = duckDb.connect();
        PreparedStatement statement = connection.prepareStatement(sql)) {
      int place = 1;
      for (String value : values) {
        statement.setString(place++, value);
      }
      try (ResultSet result = statement.executeQuery()) {
        while (result.next()) {
          GenericRecord row = new GenericData.Record(table.schema());
          for (int i = 0; i < columns.size(); i++) {
            row.put(columns.get(i), result.getObject(i + 1));
          }
          to.apply(EventKey.of(table, row));
        }
      }
    }
  }
}
