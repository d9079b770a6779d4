package routes.archive;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Collection;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericRecord;
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

  private static final int MAX_KEYS = 1_000_000;

  private final Archive archive;
  private final DuckDb duckDb;
  private final int maxKeys;
  private final Map<Stretch, KeySet> loaded = new LinkedHashMap<>(64, 0.75f, true);
  private final Map<Stretch, Set<EventKey>> stragglers = new HashMap<>();

  private record Stretch(TableName table, long number) {}

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
    Map<Stretch, List<Integer>> byStretch = new LinkedHashMap<>();
    for (int i = 0; i < rows.size(); i++) {
      byStretch.computeIfAbsent(stretch(rows.get(i)), unknown -> new ArrayList<>()).add(i);
    }
    BitSet unseen = new BitSet(rows.size());
    Map<TableName, List<Integer>> alone = new EnumMap<>(TableName.class);
    for (var stretch : byStretch.entrySet()) {
      KeySet keys = keys(stretch.getKey(), rows, stretch.getValue());
      if (keys == null) {
        alone
            .computeIfAbsent(stretch.getKey().table, table -> new ArrayList<>())
            .addAll(stretch.getValue());
      } else {
        for (int i : stretch.getValue()) {
          unseen.set(i, keys.add(rows.get(i).key()));
        }
      }
    }
    for (var table : alone.entrySet()) {
      Set<EventKey> archived =
          lookUp(table.getKey(), table.getValue().stream().map(rows::get).toList());
      for (int i : table.getValue()) {
        EventKey key = rows.get(i).key();
        Set<EventKey> known =
            stragglers.computeIfAbsent(stretch(rows.get(i)), stretch -> new HashSet<>());
        unseen.set(i, !archived.contains(key) && known.add(key));
      }
    }
    return unseen.stream().mapToObj(rows::get).toList();
  }

  private static Stretch stretch(Row row) {
    if (row.table() == TableName.LEDGER) {
      throw new IllegalArgumentException("the ledger has no events");
    }
    long time = row.ownTime().orElse(-1);
    return new Stretch(row.table(), time >= 0 && time < 1L << 52 ? time / STRETCH_US : -1);
  }

  /** The keys of all rows in these files. */
  Set<EventKey> keysIn(TableName table, List<ArchiveFile> files) throws SQLException {
    Set<EventKey> keys = new HashSet<>();
    select(table, files, "true", keys::add);
    return keys;
  }

  /** The keys of a stretch; null when it is not loaded, and not worth it. */
  private KeySet keys(Stretch stretch, List<Row> rows, List<Integer> arriving) throws SQLException {
    KeySet keys = loaded.get(stretch);
    if (keys == null && stretch.number >= 0 && arriving.size() >= WORTH_LOADING) {
      keys = new KeySet();
      load(stretch, arriving.stream().map(rows::get).toList(), keys);
      // Single events of it may have come before, in this batch.
      stragglers.getOrDefault(stretch, Set.of()).forEach(keys::add);
      loaded.put(stretch, keys);
    }
    return keys;
  }

  private void load(Stretch stretch, List<Row> arriving, KeySet keys) throws SQLException {
    long from = stretch.number * STRETCH_US;
    long to = from + STRETCH_US - 1;
    String first = Tid.of(from, 0);
    String last = Tid.of(to, 1023);
    List<ArchiveFile> byRev = files(stretch.table, first, last);
    if (stretch.table == TableName.ACTORS) {
      List<ArchiveFile> since = filesSince(stretch.table, arriving);
      select(
          stretch.table,
          since,
          "rev IS NULL AND event_time BETWEEN make_timestamptz(%d) AND make_timestamptz(%d)"
              .formatted(from, to),
          keys::add);
      // Older ones that have no revision at all have account events only.
      byRev =
          byRev.stream()
              .filter(file -> file.range().firstRev() != null || since.contains(file))
              .toList();
    }
    select(stretch.table, byRev, "rev BETWEEN '" + first + "' AND '" + last + "'", keys::add);
  }

  private Set<EventKey> lookUp(TableName table, List<Row> candidates) throws SQLException {
    Set<EventKey> found = new HashSet<>();
    String column =
        switch (table) {
          case DEAD_LETTERS -> "sha256";
          case ACTORS -> "did";
          default -> "rev";
        };
    TreeSet<String> values =
        candidates.stream()
            .map(candidate -> candidate.values().get(column).toString())
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
  private List<ArchiveFile> filesSince(TableName table, List<Row> candidates) {
    long earliest = candidates.stream().mapToLong(SeenEvents::earliest).min().orElse(0);
    return archive.snapshot(table).files().stream()
        .filter(
            file ->
                file.range().lastTimeUs() == null
                    || file.range().lastTimeUs() >= earliest - REPEATED_US)
        .toList();
  }

  private static long earliest(Row row) {
    return Math.min(row.timeUs(), row.ownTime().orElse(row.timeUs()));
  }

  private List<ArchiveFile> files(TableName table, String firstRev, String lastRev) {
    return archive.snapshot(table).files().stream()
        .filter(file -> file.mayHoldRev(firstRev, lastRev))
        .toList();
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
