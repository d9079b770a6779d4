package routes.oracle;

import static routes.crash.CrashPoint.BATCH_WRITTEN;
import static routes.crash.CrashPoint.TABLE_COMMITTED;
import static routes.oracle.CrashCampaign.Damage.KILL;
import static routes.oracle.CrashCampaign.Damage.PAUSE;
import static routes.oracle.CrashCampaign.Damage.REDIS_CUT_UNSEEN;
import static routes.oracle.CrashCampaign.Damage.REDIS_KILLED;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import javax.tools.JavaCompiler;
import javax.tools.ToolProvider;
import routes.crash.CrashPoint;

/**
 * Mistakes that somebody might make, each as a change of one place in the source: so the oracle can
 * be asked whether it would notice. Nothing of them is in the application.
 */
enum DeliberateBug {
  ACKNOWLEDGES_WHAT_WAS_NOT_KEPT(
      "jetstream/JetstreamConsumer.java",
      """
          if (failure == null) {
            failures = 0;
      """,
      """
          if (failure == null || failure != null) {
            failures = 0;
      """,
      Set.of(REDIS_KILLED)),

  SWALLOWS_THE_ERROR_OF_AN_APPEND(
      "buffer/BlockStream.java",
      """
          try (RedisConnection connection = redis.getConnection()) {
            List<byte[]> answer =
      """,
      """
          try (RedisConnection connection = redis.getConnection()) {
            if (connection.ping() == null) { throw new IllegalStateException(); }
          } catch (RuntimeException e) {
            return Optional.of(behind != null ? behind : new Added(StreamId.ZERO, ""));
          }
          try (RedisConnection connection = redis.getConnection()) {
            List<byte[]> answer =
      """,
      Set.of(REDIS_KILLED)),

  DOES_NOT_NOTICE_WHAT_REDIS_HAS_LOST(
      "buffer/BlockStream.java",
      "append(block, expected == null ? null : expected.id)\n",
      "append(block, null)\n",
      Set.of(REDIS_CUT_UNSEEN)),

  TRIMS_BEFORE_THE_COMMIT(
      "archive/Drain.java",
      "      commit(batch, start);\n",
      "      stream.trimBefore(batch.position().streamId());\n      commit(batch, start);\n",
      Set.of(KILL),
      BATCH_WRITTEN,
      TABLE_COMMITTED),

  READS_ON_ONE_BEHIND_THE_POSITION(
      "jetstream/JetstreamEndpoint.java",
      "return Math.max(1, position.timeUs() - 1000 * shortened);",
      "return Math.max(shortened, position.timeUs() + 1);",
      Set.of(KILL)),

  DROPS_NO_DUPLICATES(
      "archive/SeenEvents.java",
      "unseen.set(i, keys.add(rows.get(i).key()));",
      "unseen.set(i, keys.add(rows.get(i).key()) || true);",
      Set.of(KILL)),

  DOES_NOT_ASK_THE_ARCHIVE_FOR_DUPLICATES(
      "archive/SeenEvents.java",
      "      load(stretch, arriving.stream().map(rows::get).toList(), keys);\n",
      "",
      Set.of(KILL)),

  SKIPS_A_TABLE(
      "archive/Drain.java",
      "    batch.handOver();\n",
      "    batch.handOver();\n    files.remove(TableName.REPOSTS);\n",
      Set.of(KILL)),

  SEALS_THE_BATCH_FIRST(
      "archive/Drain.java",
      """
            throwIfLost(workers.start(commits.subList(0, first)).await());
            throwIfLost(workers.start(commits.subList(first, commits.size())).await());
            commit(TableName.LEDGER, ledger, batch, start);
      """,
      """
            commit(TableName.LEDGER, ledger, batch, start);
            throwIfLost(workers.start(commits).await());
      """,
      Set.of(KILL),
      TABLE_COMMITTED),

  LOSES_THE_POSITION_AT_COMPACTION(
      "archive/Archive.java", "      at.writeTo(rewrite);\n", "", Set.of(KILL)),

  GOES_BACK_AT_COMPACTION(
      "archive/Archive.java",
      "      at.writeTo(rewrite);\n",
      "      new ArchivePosition(new StreamId(1, 0), 1, at.host(), at.edition()).writeTo(rewrite);\n",
      Set.of(KILL)),

  COMMITS_ON_TOP_OF_ANYTHING(
      "archive/Archive.java",
      "        return newest.equals(from);",
      "        return newest.equals(from) || true;",
      Set.of(PAUSE)),

  REMOVES_FILES_THAT_ARE_NEEDED(
      "archive/LeftoverFiles.java",
      ".filter(file -> !needed.contains(file) && !isOfIndex(file, needed))",
      ".filter(file -> !needed.isEmpty())",
      Set.of(KILL)),

  PUTS_AN_EVENT_INTO_ANOTHER_TABLE(
      "archive/TableName.java",
      "if (collection.equals(table.collection)) {",
      "if (collection.equals(table.collection) && table != BLOCKS) {",
      Set.of(KILL)),

  CHANGES_A_RECORD(
      "archive/RecordColumns.java",
      "rest.isEmpty() ? null : Json.write(rest)",
      "rest.size() < 3 ? null : Json.write(rest)",
      Set.of(KILL)),

  DROPS_DEAD_LETTERS(
      "archive/Batch.java",
      "    write(unseen);\n",
      "    write(unseen.stream().filter(row -> row.table() != TableName.DEAD_LETTERS).toList());\n",
      Set.of(KILL));

  private static final Path SOURCES = Path.of("src/main/java/routes");

  private final String file;
  private final String right;
  private final String wrong;
  private final Set<CrashCampaign.Damage> damages;
  private final List<CrashPoint> crashPoints;

  DeliberateBug(
      String file,
      String right,
      String wrong,
      Set<CrashCampaign.Damage> damages,
      CrashPoint... crashPoints) {
    this.file = file;
    this.right = right;
    this.wrong = wrong;
    this.damages = damages;
    this.crashPoints = List.of(crashPoints);
  }

  /** What has to be done to the application for the mistake to matter. */
  Set<CrashCampaign.Damage> damages() {
    return damages;
  }

  List<CrashPoint> crashPoints() {
    return crashPoints;
  }

  /** Compiles the source with the mistake in it. */
  void compile(Path to) throws IOException {
    Path source = SOURCES.resolve(file);
    String text = Files.readString(source);
    int at = text.indexOf(right);
    if (at < 0 || text.indexOf(right, at + 1) >= 0) {
      throw new IllegalStateException(
          this + ": what it changes is not there exactly once in " + source + ": " + right);
    }
    Path changed = to.resolve("source").resolve(source.getFileName());
    Files.createDirectories(changed.getParent());
    Files.writeString(changed, text.replace(right, wrong));
    JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
    int status =
        compiler.run(
            null,
            null,
            null,
            "-proc:none",
            "-nowarn",
            "-cp",
            System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")),
            "-d",
            to.toString(),
            changed.toString());
    if (status != 0) {
      throw new IllegalStateException(this + " does not compile");
    }
  }
}
