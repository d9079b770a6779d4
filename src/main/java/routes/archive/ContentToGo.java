package routes.archive;

import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * SQL that finds the rows whose content is to go: of records that are deleted since, and of
 * accounts that are gone.
 */
final class ContentToGo {

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
   * A statement that gives the rows of these files whose content is to go as {@code did}, {@code
   * collection}, {@code rkey} and {@code rev}, some of them twice; {@code has_content} is false
   * where it is gone already. What it needs of memory grows with the rows of these files by 30
   * bytes each, and not with the deletions: they are told apart by numbers before they are
   * compared.
   *
   * @param files of a table of events, at least one
   * @param deletions a statement that gives them: {@link #deletions}
   * @param gone a statement that gives the accounts as {@code did}
   */
  static String select(List<ArchiveFile> files, String deletions, Optional<String> gone) {
    String event =
        "(SELECT did, collection, rkey, rev, cid IS NOT NULL AS has_content, %s FROM %s WHERE operation <> 'delete')"
            .formatted(KEY, DuckDb.fromAny(files));
    String deletion = "(SELECT did, collection, rkey, rev, %s FROM (%s))".formatted(KEY, deletions);
    String deleted =
        "WITH common AS MATERIALIZED (SELECT DISTINCT key FROM "
            + deletion
            + " WHERE key IN (SELECT key FROM "
            + event
            + ")) SELECT event.did, event.collection, event.rkey, event.rev, event.has_content FROM"
            + " (SELECT * FROM "
            + event
            + " WHERE key IN (FROM common)) event JOIN (SELECT * FROM "
            + deletion
            + " WHERE key IN (FROM common)) deletion ON deletion.did = event.did"
            + " AND deletion.collection = event.collection AND deletion.rkey = event.rkey"
            + " AND deletion.rev > event.rev";
    return "("
        + deleted
        + ") UNION ALL SELECT did, collection, rkey, rev, has_content FROM "
        + event
        + " WHERE "
        + gone.map(accounts -> "did IN (" + accounts + ")").orElse("false");
  }
}
