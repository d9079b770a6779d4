package routes.archive;

import java.util.List;
import java.util.Set;
import org.apache.avro.generic.GenericRecord;

/** The accounts that are deleted, or taken down, by the newest that was heard of each. */
public final class GoneAccounts {

  private static final Set<String> GONE = Set.of("deleted", "takendown");

  private GoneAccounts() {}

  /**
   * An SQL statement that gives them as {@code did}.
   *
   * @param actors files of the table {@code actors}; at least one
   */
  public static String select(List<ArchiveFile> actors) {
    return "SELECT did FROM (" + newest(actors) + ") WHERE gone";
  }

  /**
   * An SQL statement that gives of each account that is heard of in these files the newest: {@code
   * did}, {@code said}, and {@code gone}, also where something else was said in the same moment.
   *
   * @param actors files of the table {@code actors}; at least one
   */
  public static String newest(List<ArchiveFile> actors) {
    return "SELECT did, max(said) AS said, coalesce(max(said) FILTER (gone) = max(said), false) AS gone"
        + " FROM (SELECT did, coalesce(event_time, time_us) AS said,"
        + " coalesce(NOT active AND status IN ('deleted', 'takendown'), false) AS gone FROM "
        + DuckDb.from(actors)
        + " WHERE kind = 'account') GROUP BY did";
  }

  /** Whether this row of the table {@code actors} says that its account is gone. */
  public static boolean says(GenericRecord row) {
    return "account".equals(String.valueOf(row.get("kind")))
        && Boolean.FALSE.equals(row.get("active"))
        && GONE.contains(String.valueOf(row.get("status")));
  }
}
