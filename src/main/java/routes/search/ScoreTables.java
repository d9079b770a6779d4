package routes.search;

import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Properties;
import java.util.UUID;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Tables of scores by post, that users have computed elsewhere and bring as CSV: {@link SqlQueries}
 * reads them as {@code scores_} and their name. Each is a Parquet file; another one of that name
 * takes its place.
 */
public final class ScoreTables {

  private static final Pattern NAME = Pattern.compile("[a-z][a-z0-9_]{0,40}");
  private static final int MOST_TABLES = 100;

  private final Path folder;
  private final long maxBytes;

  /** What was brought is no table of scores. */
  public static final class Refused extends RuntimeException {

    private static final long serialVersionUID = 1;

    Refused(String message, Throwable cause) {
      super(message, cause);
    }
  }

  /**
   * A table of scores.
   *
   * @param rows one for each post
   * @param columns {@code uri} among them
   */
  public record Stored(String table, long rows, List<String> columns) {}

  /**
   * @param maxBytes of a table as CSV
   */
  public ScoreTables(Path folder, long maxBytes) {
    this.folder = requireNonNull(folder, "folder");
    this.maxBytes = maxBytes;
  }

  /**
   * Stores a table.
   *
   * @param csv with a header; the column {@code uri} names the post
   * @throws Refused when it is none, too large, or there are too many
   */
  public Stored store(String name, InputStream csv) throws IOException {
    requireName(name);
    Files.createDirectories(folder);
    Path target = folder.resolve(name + ".parquet");
    if (!Files.exists(target) && names().size() >= MOST_TABLES) {
      throw new Refused("there are " + MOST_TABLES + " tables already", null);
    }
    Path received = Files.createTempFile(folder, "received-", ".csv");
    Path made = folder.resolve("making-" + UUID.randomUUID());
    try {
      try (var out = Files.newOutputStream(received)) {
        long copied = 0;
        byte[] buffer = new byte[64 << 10];
        for (int read = csv.read(buffer); read >= 0; read = csv.read(buffer)) {
          copied += read;
          if (copied > maxBytes) {
            throw new Refused("it has more than " + maxBytes + " bytes", null);
          }
          out.write(buffer, 0, read);
        }
      }
      Stored stored = convert(name, received, made);
      Files.move(made, target, StandardCopyOption.ATOMIC_MOVE);
      return stored;
    } finally {
      Files.deleteIfExists(received);
      Files.deleteIfExists(made);
    }
  }

  private static void requireName(String name) {
    if (!NAME.matcher(name).matches()) {
      throw new Refused("its name has to be letters from a to z, digits and _", null);
    }
  }

  private Stored convert(String name, Path csv, Path parquet) {
    Properties properties = new Properties();
    properties.setProperty("memory_limit", "128MB");
    properties.setProperty("threads", "1");
    properties.setProperty("temp_directory", "");
    properties.setProperty("autoinstall_known_extensions", "false");
    properties.setProperty("autoload_known_extensions", "false");
    try (Connection connection = DriverManager.getConnection("jdbc:duckdb:", properties);
        Statement statement = connection.createStatement()) {
      String from =
          "read_csv(" + SqlQueries.literal(csv.toString()) + ", header = true, delim = ',')";
      List<String> columns = new java.util.ArrayList<>();
      try (ResultSet described = statement.executeQuery("DESCRIBE SELECT * FROM " + from)) {
        while (described.next()) {
          columns.add(described.getString(1));
        }
      }
      if (!columns.contains("uri")) {
        throw new Refused("it has no column uri, but " + String.join(", ", columns), null);
      }
      statement.execute(
          "COPY (SELECT * FROM "
              + from
              + ") TO "
              + SqlQueries.literal(parquet.toString())
              + " (FORMAT parquet, COMPRESSION zstd)");
      try (ResultSet count =
          statement.executeQuery(
              "SELECT count(*) FROM read_parquet("
                  + SqlQueries.literal(parquet.toString())
                  + ")")) {
        count.next();
        return new Stored("scores_" + name, count.getLong(1), columns);
      }
    } catch (SQLException e) {
      throw new Refused(
          "it cannot be read as CSV: " + String.valueOf(e.getMessage()).split("\n", 2)[0], e);
    }
  }

  /** The names of those that there are. */
  public List<String> names() throws IOException {
    if (!Files.isDirectory(folder)) {
      return List.of();
    }
    try (Stream<Path> files = Files.list(folder)) {
      return files
          .map(file -> file.getFileName().toString())
          .filter(file -> file.endsWith(".parquet"))
          .map(file -> file.substring(0, file.length() - ".parquet".length()))
          .sorted()
          .toList();
    }
  }

  /** Removes a table. Gives whether there was one. */
  public boolean remove(String name) throws IOException {
    requireName(name);
    return Files.deleteIfExists(folder.resolve(name + ".parquet"));
  }
}
