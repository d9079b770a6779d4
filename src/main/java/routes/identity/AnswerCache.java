package routes.identity;

import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What the network answered, in an SQLite file. Where that cannot be had, everything is asked anew:
 * it is made again when it is damaged.
 */
public final class AnswerCache implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(AnswerCache.class);

  private static final Duration KEPT = Duration.ofDays(1);

  /** That there is no answer may change at any time. */
  private static final Duration NOTHING_KEPT = Duration.ofMinutes(10);

  private static final int MOST = 200_000;

  private static final String TABLE =
      """
      CREATE TABLE IF NOT EXISTS answers (
        question TEXT PRIMARY KEY,
        answer TEXT,
        until INTEGER NOT NULL) WITHOUT ROWID;
      CREATE INDEX IF NOT EXISTS answers_until ON answers (until);
      """;

  private final Path file;
  private final Clock clock;
  private Connection store;
  private int sinceTidied;

  /**
   * @param file of the cache
   */
  public AnswerCache(Path file, Clock clock) {
    this.file = requireNonNull(file, "file");
    this.clock = requireNonNull(clock, "clock");
  }

  private interface Use<T> {
    T of(Connection store) throws SQLException;
  }

  /** What was answered; an empty answer where there was none. Empty when it is not known. */
  synchronized Optional<Optional<String>> get(String question) {
    return with(
        open -> {
          try (PreparedStatement statement =
              open.prepareStatement(
                  "SELECT answer FROM answers WHERE question = ? AND until > ?")) {
            statement.setString(1, question);
            statement.setLong(2, clock.millis());
            try (ResultSet found = statement.executeQuery()) {
              return found.next()
                  ? Optional.of(Optional.ofNullable(found.getString(1)))
                  : Optional.empty();
            }
          }
        },
        Optional.empty());
  }

  synchronized void put(String question, Optional<String> answer) {
    with(
        open -> {
          try (PreparedStatement statement =
              open.prepareStatement("INSERT OR REPLACE INTO answers VALUES (?, ?, ?)")) {
            statement.setString(1, question);
            statement.setString(2, answer.orElse(null));
            statement.setLong(
                3, clock.millis() + (answer.isPresent() ? KEPT : NOTHING_KEPT).toMillis());
            statement.executeUpdate();
          }
          if (++sinceTidied >= 1_000) {
            sinceTidied = 0;
            tidy(open);
          }
          return null;
        },
        null);
  }

  private void tidy(Connection open) throws SQLException {
    try (Statement statement = open.createStatement()) {
      statement.executeUpdate("DELETE FROM answers WHERE until <= " + clock.millis());
      statement.executeUpdate(
          "DELETE FROM answers WHERE question IN (SELECT question FROM answers ORDER BY until DESC"
              + " LIMIT -1 OFFSET "
              + MOST
              + ")");
    }
  }

  private <T> T with(Use<T> use, T otherwise) {
    try {
      return use.of(open());
    } catch (SQLException e) {
      LOG.warn("What the network answered cannot be kept, and is made anew: {}", e.toString());
      close();
      try {
        for (String suffix : List.of("", "-wal", "-shm")) {
          Files.deleteIfExists(file.resolveSibling(file.getFileName() + suffix));
        }
      } catch (IOException failure) {
        LOG.debug("The cache could not be removed", failure);
      }
      return otherwise;
    }
  }

  private Connection open() throws SQLException {
    if (store == null) {
      Connection opened =
          DriverManager.getConnection(
              "jdbc:sqlite:" + file + "?journal_mode=WAL&synchronous=NORMAL&busy_timeout=5000");
      try (Statement statement = opened.createStatement()) {
        statement.executeUpdate(TABLE);
      } catch (SQLException e) {
        opened.close();
        throw e;
      }
      store = opened;
    }
    return store;
  }

  @Override
  public synchronized void close() {
    if (store != null) {
      try {
        store.close();
      } catch (SQLException e) {
        LOG.debug("The cache could not be closed", e);
      }
      store = null;
    }
  }
}
