package routes.search;

import static java.util.Objects.requireNonNull;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import routes.archive.DuckDb;
import routes.archive.TableSnapshot;
import routes.archive.Times;

/**
 * Finds what the archive knows of an account: its handles, its profile, and whether it is there.
 */
final class Accounts {

  private final DuckDb duckDb;

  Accounts(DuckDb duckDb) {
    this.duckDb = requireNonNull(duckDb, "duckDb");
  }

  /**
   * @param posts that it has
   * @return empty when there is nothing of it
   */
  Optional<Account> find(
      TableSnapshot actors, Handles handles, String did, long posts, Deadline deadline) {
    List<Account.Handle> given =
        handles.allOf(did).stream()
            .map(
                each ->
                    new Account.Handle(
                        each.handle(), Times.instant(each.first()), Times.instant(each.last())))
            .toList();
    String handle = handles.handlesOf(List.of(did), Long.MAX_VALUE).get(did);
    Optional<Account> found =
        actors.files().isEmpty()
            ? Optional.empty()
            : read(actors, did, handle, given, posts, deadline);
    return found.or(
        () ->
            posts == 0 && given.isEmpty()
                ? Optional.empty()
                : Optional.of(
                    new Account(did, handle, given, null, null, null, null, null, null, posts)));
  }

  private Optional<Account> read(
      TableSnapshot actors,
      String did,
      String handle,
      List<Account.Handle> handles,
      long posts,
      Deadline deadline) {
    String sql =
        "SELECT count(*), arg_max(active, said) FILTER (kind = 'account'),"
            + " arg_max(coalesce(status, ''), said) FILTER (kind = 'account'),"
            + " arg_max(coalesce(display_name, ''), said) FILTER (kind = 'commit'),"
            + " arg_max(coalesce(description, ''), said) FILTER (kind = 'commit'),"
            + " epoch_us(min(time_us)), epoch_us(max(time_us))"
            + " FROM (SELECT *, coalesce(event_time, time_us) AS said FROM "
            + DuckDb.from(actors.files())
            + ") WHERE did = ?";
    try (Connection connection = duckDb.connect();
        PreparedStatement statement = connection.prepareStatement(sql);
        Cancelling cancelling = new Cancelling(deadline)) {
      statement.setString(1, did);
      cancelling.watch(statement);
      try (ResultSet row = statement.executeQuery()) {
        row.next();
        if (row.getLong(1) == 0) {
          return Optional.empty();
        }
        Boolean active = (Boolean) row.getObject(2);
        return Optional.of(
            new Account(
                did,
                handle,
                handles,
                active,
                text(row.getString(3)),
                text(row.getString(4)),
                text(row.getString(5)),
                instant(row, 6),
                instant(row, 7),
                posts));
      }
    } catch (SQLException e) {
      if (deadline.isPast()) {
        throw deadline.timeout(e);
      }
      throw new IllegalStateException("the account could not be looked up: " + e.getMessage(), e);
    }
  }

  private static String text(String value) {
    return value == null || value.isEmpty() ? null : value;
  }

  private static Instant instant(ResultSet row, int column) throws SQLException {
    return Times.instant(row.getLong(column));
  }
}
