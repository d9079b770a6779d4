package routes.benchmark;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.springframework.util.FileSystemUtils;
import routes.archive.Archive;
import routes.archive.ArchiveFile;
import routes.archive.Compaction;
import routes.archive.DuckDb;
import routes.archive.Pace;
import routes.archive.TableName;
import routes.fixtures.ExplorerProcess;
import routes.fixtures.Processes;
import routes.search.PostIndexes;
import routes.simulator.JetstreamServer;
import routes.simulator.Misbehaviour;
import routes.simulator.World;

/**
 * The jar under all its loads at once: {@code mvn -Pbenchmark verify
 * -Dbenchmark=routes.benchmark.AllAtOnce -Dminutes=30 -Dposts=7600000}. It receives 1,000 events a
 * second, drains them, compacts and indexes a day that was archived before, and answers a hundred
 * clients, each of whom asks something five seconds after the last answer.
 */
public final class AllAtOnce {

  private static final int POSTS = Integer.getInteger("posts", 1_000_000);
  private static final Duration LENGTH = Duration.ofMinutes(Integer.getInteger("minutes", 30));
  private static final int CLIENTS = Integer.getInteger("clients", 100);
  private static final double RATE = 1_000;
  private static final long THINKING_MILLIS = 5_000;
  private static final Duration UNTIL_COMPACTION = Duration.ofMinutes(2);

  private static final List<String> WORDS =
      List.of("volcano", "coffee", "the", "glacier", "日本", "火", "olcan", "qxz", "and", "music");

  private final Map<String, List<Double>> times = new ConcurrentHashMap<>();
  private final Map<String, AtomicInteger> statuses = new ConcurrentHashMap<>();
  private final Map<String, Double> most = new TreeMap<>();
  private volatile boolean compacting;

  private AllAtOnce() {}

  public static void main(String[] arguments) throws Exception {
    String existing = System.getProperty("folder", "");
    Path folder = existing.isEmpty() ? Files.createTempDirectory("all-at-once") : Path.of(existing);
    try {
      new AllAtOnce().run(folder);
    } finally {
      if (existing.isEmpty()) {
        FileSystemUtils.deleteRecursively(folder);
      }
    }
  }

  private void run(Path folder) throws Exception {
    Path data = Files.createDirectories(folder.resolve("data"));
    Instant begin = fill(data);
    if (LENGTH.isZero()) {
      return;
    }
    Files.writeString(data.resolve("origin"), "network\n");
    ZonedDateTime compaction = ZonedDateTime.now(ZoneOffset.UTC).plus(UNTIL_COMPACTION);
    // The network goes on where the day ended.
    Clock network = Clock.offset(Clock.systemUTC(), Duration.between(Instant.now(), begin));
    try (JetstreamServer jetstream =
            new JetstreamServer(new World(2, RATE), Misbehaviour.NONE, network, 0);
        ExplorerProcess explorer =
            new ExplorerProcess(
                folder,
                List.of(
                    "-XX:TieredStopAtLevel=4",
                    "-XX:-UseSerialGC",
                    "-XX:+UseG1GC",
                    "-Xmx" + System.getProperty("heap", "768m"),
                    "-Duser.timezone=UTC",
                    "-jar",
                    Path.of("target/bluesky-post-explorer.jar").toAbsolutePath().toString()),
                "--explorer.jetstream.hosts=" + jetstream.url(),
                "--explorer.compact.schedule="
                    + String.format(
                        Locale.ROOT,
                        "0 %d %d * * ?",
                        compaction.getMinute(),
                        compaction.getHour()))) {
      explorer.awaitReadiness(Duration.ofMinutes(5));
      System.out.printf(
          Locale.ROOT,
          "%d minutes, %.0f events/s, %d clients, %d processors, Java %s%n",
          LENGTH.toMinutes(),
          RATE,
          CLIENTS,
          Runtime.getRuntime().availableProcessors(),
          Runtime.version());
      Instant end = Instant.now().plus(LENGTH);
      try (ExecutorService clients = Executors.newFixedThreadPool(CLIENTS)) {
        for (int i = 0; i < CLIENTS; i++) {
          int seed = i;
          clients.submit(() -> ask(explorer, new Random(seed), end));
        }
        while (Instant.now().isBefore(end)) {
          observe(explorer, network.instant());
          TimeUnit.SECONDS.sleep(5);
        }
      }
      report(explorer);
    }
  }

  /** Archives a day, if there is nothing yet. Gives how far the archive has come. */
  private static Instant fill(Path data) throws Exception {
    try (Archive archive = Archive.open(data);
        DuckDb duckDb = DuckDb.open(data.resolve("tmp"), "512MB", 2)) {
      if (archive.snapshot(TableName.POSTS).files().isEmpty()) {
        SimulatedDay.archive(data, archive, duckDb, POSTS);
      }
      // As it would be after a day: hours compacted while it went on, every file with an index.
      new Compaction(
              archive,
              duckDb,
              new PostIndexes()::build,
              new Compaction.Limits(10_000_000, 30),
              Pace.FULL,
              Clock.fixed(SimulatedDay.END, ZoneOffset.UTC))
          .runHours();
      List<ArchiveFile> files = archive.snapshot(TableName.POSTS).files();
      for (ArchiveFile file : files) {
        new PostIndexes().build(file);
      }
      System.out.printf(
          Locale.ROOT,
          "%,d posts archived before, in %,d files%n",
          files.stream().mapToLong(ArchiveFile::rows).sum(),
          files.size());
      return Instant.ofEpochMilli(archive.position().orElseThrow().timeUs() / 1000);
    }
  }

  private Void ask(ExplorerProcess explorer, Random random, Instant end) throws Exception {
    TimeUnit.MILLISECONDS.sleep(random.nextLong(THINKING_MILLIS));
    while (Instant.now().isBefore(end)) {
      String question = question(random);
      long start = System.nanoTime();
      String status;
      try {
        HttpResponse<String> answer = explorer.get(question);
        status = Integer.toString(answer.statusCode());
      } catch (IllegalStateException e) {
        status = e.getMessage();
      }
      double millis = (System.nanoTime() - start) / 1e6;
      statuses.computeIfAbsent(status, any -> new AtomicInteger()).incrementAndGet();
      times
          .computeIfAbsent(
              compacting ? "while compacting" : "else",
              any -> Collections.synchronizedList(new ArrayList<>()))
          .add(millis);
      TimeUnit.MILLISECONDS.sleep(THINKING_MILLIS);
    }
    return null;
  }

  private static String question(Random random) {
    String word = ExplorerProcess.encode(WORDS.get(random.nextInt(WORDS.size())));
    String other = ExplorerProcess.encode(WORDS.get(random.nextInt(WORDS.size())));
    return switch (random.nextInt(10)) {
      case 0 -> "/search";
      case 1 -> "/search?query=" + word + "+" + other;
      case 2 -> "/search?query=" + word + "+-" + other;
      case 3 -> "/search?lang=de&text=" + word;
      case 4 -> "/search?has=media&page=" + (1 + random.nextInt(20));
      case 5 -> "/api/v1/stats/volume?interval=hour&text=" + word;
      case 6 -> "/api/v1/stats/top?of=hashtag&text=" + word;
      case 7 -> "/search?text=" + word + "&start=2026-07-04T10:00:00Z&end=2026-07-04T12:00:00Z";
      default -> "/search?text=" + word;
    };
  }

  private void observe(ExplorerProcess explorer, Instant now) throws IOException {
    JsonNode status;
    try {
      status = explorer.json("/api/v1/status");
    } catch (IllegalStateException e) {
      statuses.computeIfAbsent("status: " + e, any -> new AtomicInteger()).incrementAndGet();
      return;
    }
    compacting = status.has("compaction");
    late("seconds behind the network", now, status.at("/ingest/lastEvent"));
    late("seconds that the archive is behind it", now, status.at("/archive/position"));
    greatest("bytes in the buffer", status.at("/buffer/bytes").asDouble());
    Map<String, Long> memory = Processes.memory(explorer.pid());
    for (String kind : List.of("RssAnon", "RssFile")) {
      greatest(kind + ", MB", memory.getOrDefault(kind, 0L) / (double) (1 << 20));
    }
  }

  private void late(String what, Instant now, JsonNode time) {
    if (time.isTextual()) {
      greatest(what, Duration.between(Instant.parse(time.textValue()), now).toMillis() / 1000.0);
    }
  }

  private void greatest(String what, double value) {
    most.merge(what, value, Math::max);
  }

  private void report(ExplorerProcess explorer) {
    statuses.forEach(
        (status, count) -> System.out.printf("%s: %,d answers%n", status, count.get()));
    times.forEach(
        (when, all) -> {
          System.out.printf(
              Locale.ROOT,
              "%s: %,d answers, p50 %.0f ms, p95 %.0f ms, p99 %.0f ms, most %.0f ms%n",
              when,
              all.size(),
              Shares.at(all, 0.5),
              Shares.at(all, 0.95),
              Shares.at(all, 0.99),
              Shares.at(all, 1));
        });
    most.forEach(
        (what, value) -> System.out.printf(Locale.ROOT, "at most %,.0f %s%n", value, what));
    explorer
        .log()
        .lines()
        .filter(
            line ->
                line.contains("compacted table=")
                    || line.contains("Counted[")
                    || line.contains("ERROR"))
        .forEach(System.out::println);
  }
}
