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
    return "SELECT did FROM "
        + DuckDb.from(actors)
        + " WHERE kind = 'account' GROUP BY did"
        + " HAVING arg_max(NOT active AND coalesce(status, '') IN ('deleted', 'takendown'),"
        + " coalesce(event_time, time_us))";
  }

  /** Whether this row of the table {@code actors} says that its account is gone. */
  public static boolean says(GenericRecord row) {
    return "account".equals(String.valueOf(row.get("kind")))
        && Boolean.FALSE.equals(row.get("active"))
        && GONE.contains(String.valueOf(row.get("status")));
  }
}
