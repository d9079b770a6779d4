package routes.archive;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Properties;
import java.util.UUID;
import java.util.stream.Collectors;
import org.duckdb.DuckDBConnection;

/**
 * One DuckDB in memory that reads the archive's files. It holds no data of its own, and installs
 * and loads nothing.
 */
public final class DuckDb implements AutoCloseable {

  private final DuckDBConnection root;
  private final Path tempFolder;

  private DuckDb(DuckDBConnection root, Path tempFolder) {
    this.root = root;
    this.tempFolder = tempFolder;
  }

  /**
   * @param tempFolder where it spills what does not fit its memory
   * @param memoryLimit for example {@code 512MB}
   * @param threads at most
   */
  public static DuckDb open(Path tempFolder, String memoryLimit, int threads)
      throws SQLException, IOException {
    // Several processes may share a data folder.
    Path own = tempFolder.resolve(UUID.randomUUID().toString());
    Properties properties = new Properties();
    properties.setProperty("jdbc_stream_results", "true");
    properties.setProperty("temp_directory", Files.createDirectories(own).toRealPath().toString());
    properties.setProperty("memory_limit", memoryLimit);
    properties.setProperty("threads", Integer.toString(threads));
    // What a task needed for a while goes back to the system when it is done.
    properties.setProperty("allocator_flush_threshold", "16MB");
    properties.setProperty("allocator_bulk_deallocation_flush_threshold", "32MB");
    properties.setProperty("allocator_background_threads", "true");
    properties.setProperty("autoinstall_known_extensions", "false");
    properties.setProperty("autoload_known_extensions", "false");
    DuckDBConnection connection =
        (DuckDBConnection) DriverManager.getConnection("jdbc:duckdb:", properties);
    Packing.register(connection);
    try (Statement statement = connection.createStatement()) {
      statement.execute("SET GLOBAL parquet_metadata_cache = true");
      statement.execute("SET GLOBAL TimeZone = 'UTC'");
      statement.execute("SET GLOBAL lock_configuration = true");
    }
    return new DuckDb(connection, own);
  }

  /** A connection for one caller, to be closed by it. */
  public Connection connect() throws SQLException {
    return root.duplicate();
  }

  /** The files as something to select from; at least one. */
  public static String from(List<ArchiveFile> files) {
    return read(files, "hive_partitioning = false");
  }

  /** One file with the numbers of its rows, from 0, as the column {@code file_row_number}. */
  public static String numbered(ArchiveFile file) {
    return read(List.of(file), "hive_partitioning = false, file_row_number = true");
  }

  /**
   * Files with the number of each row in its file, and that file as the column {@code filename}.
   */
  public static String numbered(List<ArchiveFile> files) {
    return read(files, "hive_partitioning = false, file_row_number = true, filename = true");
  }

  /** The same where older files may lack columns: these are null then. */
  static String fromAny(List<ArchiveFile> files) {
    return read(files, "hive_partitioning = false, union_by_name = true");
  }

  private static String read(List<ArchiveFile> files, String options) {
    if (files.isEmpty()) {
      throw new IllegalArgumentException("no files to read");
    }
    return files.stream()
        .map(file -> literal(file.path().toString()))
        .collect(Collectors.joining(", ", "read_parquet([", "], " + options + ")"));
  }

  /** Text as an SQL literal. */
  public static String literal(String text) {
    return "'" + text.replace("'", "''") + "'";
  }

  @Override
  public void close() throws SQLException, IOException {
    root.close();
    Files.deleteIfExists(tempFolder);
  }
}
