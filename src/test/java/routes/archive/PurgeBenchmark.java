package routes.archive;

import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import routes.fixtures.TestFolders;

/**
 * What it costs to find the content of a date that is to go, with the memory that a compaction has:
 * {@code mvn -Pbenchmark verify -Dbenchmark=routes.archive.PurgeBenchmark -Ddays=20
 * -Devents=5000000}. So many likes a day, one in twenty events a deletion of a like of any day
 * before; each figure beside a plain reading of the same columns of the date.
 */
public final class PurgeBenchmark {

  private static final LocalDate FIRST = LocalDate.parse("2026-01-01");

  private PurgeBenchmark() {}

  private interface Sql {
    void run(Statement statement) throws SQLException;
  }

  public static void main(String[] arguments) throws Exception {
    int days = Integer.getInteger("days", 20);
    long rows = Long.getLong("events", 5_000_000);
    Path folder = TestFolders.create("purge");
    List<ArchiveFile> files = new ArrayList<>();
    try (DuckDb large = DuckDb.open(folder, "4GB", 2)) {
      for (int day = 0; day < days; day++) {
        files.add(make(large, folder, day, rows));
      }
    }
    Path listed = folder.resolve("deletions.parquet");
    System.out.println("| rows of the date | later days | what | s | rows | to the reading |");
    System.out.println("|---|---|---|---|---|---|");
    for (int later = Math.min(5, days); later <= days; later *= 2) {
      String deletions = ContentToGo.deletions(files.subList(0, later));
      double list = seconds(statement -> copy(statement, deletions, listed));
      print(rows, later, "the deletions", list, count(listed), null);
      for (int parts = 1; parts <= later; parts *= 4) {
        List<ArchiveFile> date = files.subList(0, parts);
        double reading =
            seconds(
                statement -> {
                  try (ResultSet result =
                      statement.executeQuery(
                          "SELECT count(*) FILTER (hash(did, collection, rkey, rev) = 0) FROM "
                              + DuckDb.fromAny(date))) {
                    result.next();
                  }
                });
        List<String> selects =
            ContentToGo.selects(TableName.LIKES, date, "FROM '" + listed + "'", Optional.empty());
        Path found = Files.createDirectories(folder.resolve("found-" + later + "-" + parts));
        double finding =
            seconds(
                statement -> {
                  for (int i = 0; i < selects.size(); i++) {
                    copy(statement, selects.get(i), found.resolve(i + ".parquet"));
                  }
                });
        long rowsFound = count(found.resolve("*.parquet"));
        print(rows * parts, later, "what is to go", finding, rowsFound, finding / reading);
      }
    }
  }

  private static ArchiveFile make(DuckDb duckDb, Path folder, int day, long rows) throws Exception {
    Path file = folder.resolve("day-" + day + ".parquet");
    String like =
        "CASE WHEN deletes THEN (hash(i + %1$d) %% %3$d)::BIGINT ELSE i + %2$d END"
            .formatted(day, day * rows, (day + 1) * rows);
    try (Connection connection = duckDb.connect();
        Statement statement = connection.createStatement()) {
      copy(
          statement,
          ("SELECT 'did:plc:' || substr(md5((n %% 800000)::VARCHAR), 1, 24) AS did,"
                  + " make_timestamptz(%d + i * 10000) AS time_us, 'app.bsky.feed.like' AS collection, '3m' || lpad(n::VARCHAR, 11, '0') AS rkey,"
                  + " '3n' || lpad((i + %d)::VARCHAR, 11, '0') AS rev,"
                  + " CASE WHEN NOT deletes THEN '' END AS cid,"
                  + " CASE WHEN deletes THEN 'delete' ELSE 'create' END AS operation"
                  + " FROM (SELECT i, deletes, %s AS n FROM (SELECT range AS i,"
                  + " hash(range * 7 + %d) %% 20 = 0 AS deletes FROM range(%d))) ORDER BY i")
              .formatted(day * 86_400_000_000L, day * rows, like, day, rows),
          file);
    }
    ArchiveFile.Range range = new ArchiveFile.Range(null, null, null, null, null, null);
    return new ArchiveFile(file, FIRST.plusDays(day), rows, Files.size(file), range);
  }

  private static void copy(Statement statement, String select, Path file) throws SQLException {
    statement.execute(
        "COPY (" + select + ") TO '" + file + "' (FORMAT parquet, PRESERVE_ORDER false)");
  }

  /** Of a database that has read nothing before. */
  private static double seconds(Sql sql) throws Exception {
    try (DuckDb duckDb = DuckDb.open(TestFolders.create("purge-spill"), "256MB", 2);
        Connection connection = duckDb.connect();
        Statement statement = connection.createStatement()) {
      long begun = System.nanoTime();
      sql.run(statement);
      return (System.nanoTime() - begun) / 1e9;
    }
  }

  private static long count(Path file) throws Exception {
    try (DuckDb duckDb = DuckDb.open(TestFolders.create("purge-count"), "256MB", 2);
        Connection connection = duckDb.connect();
        Statement statement = connection.createStatement();
        ResultSet result = statement.executeQuery("SELECT count(*) FROM '" + file + "'")) {
      result.next();
      return result.getLong(1);
    }
  }

  private static void print(
      long rows, int later, String what, double seconds, long found, Double ratio) {
    System.out.printf(
        Locale.ROOT,
        "| %,d | %d | %s | %.1f | %,d | %s |%n",
        rows,
        later,
        what,
        seconds,
        found,
        ratio == null ? "" : String.format(Locale.ROOT, "%.1f", ratio));
  }
}
