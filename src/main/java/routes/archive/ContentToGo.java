package routes.archive;

import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.LongStream;
import java.util.stream.Stream;

/**
 * SQL that finds the rows whose content is to go: of records that are deleted since, and of
 * accounts that are gone.
 */
final class ContentToGo {

  /** Of 2.5 million a join was seen to need more than 120 MB, beside other work. */
  private static final long AT_ONCE = 1_000_000;

  private static final String KEY = "hash(did, collection, rkey) AS key";

  private ContentToGo() {}

  /**
   * A statement that gives the deletions in some files as {@code did}, {@code collection}, {@code
   * rkey} and {@code rev}.
   *
   * @param files of a table of events
   */
  static String deletions(List<ArchiveFile> files) {
    return files.isEmpty()
        ? "SELECT NULL::VARCHAR AS did, NULL::VARCHAR AS collection, NULL::VARCHAR AS rkey,"
            + " NULL::VARCHAR AS rev WHERE false"
        : "SELECT did, collection, rkey, rev FROM "
            + DuckDb.fromAny(files)
            + " WHERE operation = 'delete'";
  }

  /** Those files of a commit in which deletions of rows of these files can be. */
  static List<ArchiveFile> deleting(TableSnapshot snapshot, List<ArchiveFile> files) {
    String first =
        files.stream()
            .map(file -> Objects.requireNonNullElse(file.range().firstRev(), ""))
            .min(Comparator.naturalOrder())
            .orElseThrow();
    return snapshot.files().stream().filter(file -> file.mayHoldRev(first, "\uffff")).toList();
  }

  /**
   * Statements that give the rows of these files whose content is to go as {@code did}, {@code
   * collection}, {@code rkey}, {@code rev} and the time that compacted files are sorted by, some of
   * them twice; {@code has_content} is false where it is gone already. Each looks for a part of
   * them, so that it needs as much memory however many they are: DuckDB runs out of it now and then
   * where it should spill what it joins.
   *
   * @param files of that table, at least one
   * @param deletions a statement that gives them: {@link #deletions}
   * @param gone accounts, each as {@code did}
   */
  static List<String> selects(
      TableName table, List<ArchiveFile> files, String deletions, Optional<KeptRows> gone)
      throws SQLException {
    return selects(table, files, deletions, gone, AT_ONCE);
  }

  /**
   * @param atOnce rows that one statement holds in memory, about; of accounts, which take more,
   *     half as many
   */
  static List<String> selects(
      TableName table,
      List<ArchiveFile> files,
      String deletions,
      Optional<KeptRows> gone,
      long atOnce)
      throws SQLException {
    List<String> selects = new ArrayList<>();
    long rows = files.stream().mapToLong(ArchiveFile::rows).sum();
    for (String part : parts("did, collection, rkey", rows, atOnce)) {
      selects.add(deleted(table, files, part, deletions));
    }
    if (gone.isPresent()) {
      for (String part : parts("did", gone.get().count(), Math.ceilDiv(atOnce, 2))) {
        selects.add(
            "SELECT "
                + columns(table, "")
                + " FROM "
                + rows(table, files, part)
                + " WHERE did IN (SELECT did FROM "
                + gone.get().from()
                + " WHERE "
                + part
                + ")");
      }
    }
    return selects;
  }

  /** Conditions that part what there is by these columns. */
  private static List<String> parts(String columns, long all, long atOnce) {
    long parts = Math.max(1, Math.ceilDiv(all, atOnce));
    return LongStream.range(0, parts)
        .mapToObj(part -> "hash(" + columns + ") % " + parts + " = " + part)
        .toList();
  }

  /** Told apart by numbers first, so that little is held of each row. */
  private static String deleted(
      TableName table, List<ArchiveFile> files, String part, String deletions) {
    String row = rows(table, files, part);
    String deletion =
        "(SELECT did, collection, rkey, rev, %s FROM (%s) WHERE %s)"
            .formatted(KEY, deletions, part);
    return "WITH common AS MATERIALIZED (SELECT DISTINCT key FROM "
        + deletion
        + " WHERE key IN (SELECT key FROM "
        + row
        + ")) SELECT "
        + columns(table, "event.")
        + " FROM (SELECT * FROM "
        + row
        + " WHERE key IN (FROM common)) event JOIN (SELECT * FROM "
        + deletion
        + " WHERE key IN (FROM common)) deletion ON deletion.did = event.did"
        + " AND deletion.collection = event.collection AND deletion.rkey = event.rkey"
        + " AND deletion.rev > event.rev";
  }

  private static String rows(TableName table, List<ArchiveFile> files, String part) {
    return "(SELECT did, collection, rkey, rev, %s, cid IS NOT NULL AS has_content, %s FROM %s WHERE operation <> 'delete' AND %s)"
        .formatted(CompactionRows.time(table), KEY, DuckDb.fromAny(files), part);
  }

  private static String columns(TableName table, String of) {
    return Stream.of("did", "collection", "rkey", "rev", CompactionRows.time(table), "has_content")
        .map(column -> of + column)
        .collect(Collectors.joining(", "));
  }
}
