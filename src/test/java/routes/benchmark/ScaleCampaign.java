package routes.benchmark;

import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import routes.archive.Archive;
import routes.archive.ArchiveFile;
import routes.archive.TableName;
import routes.fixtures.ExplorerProcess;
import routes.fixtures.ExtractedJar;
import routes.fixtures.Processes;
import routes.fixtures.StoppableClock;
import routes.oracle.Archived;
import routes.oracle.Oracle;
import routes.simulator.JetstreamServer;
import routes.simulator.Misbehaviour;
import routes.simulator.World;

/**
 * Days of the network, one after the other, through the whole pipeline as fast as it goes: {@code
 * mvn -Pbenchmark verify -Dbenchmark=routes.benchmark.ScaleCampaign -Ddays=7 -Dfolder=…}. The jar
 * receives each day from a simulated Jetstream, archives, compacts and indexes it, is started
 * again, and is asked; then a line says what that cost, and how many events were not there. Run
 * again with the same folder it goes on behind the last day. With {@code -Doracle=true} all that is
 * stored is compared with the model at the end, which takes a quarter of a kilobyte of memory an
 * event.
 */
public final class ScaleCampaign {

  private static final int DAYS = Integer.getInteger("days", 1);
  private static final double EVENTS_A_DAY = Long.getLong("events", 8_100_000);
  private static final Instant BEGIN = Instant.parse("2026-01-01T00:00:00Z");
  private static final Duration DAY = Duration.ofDays(1);
  private static final Duration PATIENCE = Duration.ofHours(6);
  private static final int ROUNDS = 5;
  private static final String NEVER = "0 0 0 1 1 ? 2099";
  private static final String SOON = "0/5 * * * * ?";

  static final List<String> QUESTIONS =
      List.of(
          "/search",
          "/search?text=volcano",
          "/search?text=the",
          "/search?query=volcano+coffee",
          "/search?query=coffee+-volcano",
          "/search?text=olcan",
          "/search?text=%E6%97%A5%E6%9C%AC",
          "/search?text=qxzqxz",
          "/search?lang=de",
          "/search?has=media&text=music",
          "/search?text=glacier&start=2026-01-01T10:00:00Z&end=2026-01-01T11:00:00Z",
          "/api/v1/status");

  private static final Pattern BATCH = Pattern.compile("batch events=(\\d+) .* seconds=([\\d.]+) ");

  /** Of whole dates, not of hours. */
  private static final Pattern NOTHING_TO_COMPACT =
      Pattern.compile(" compact +Compacted\\[compactions=0,");

  private final Path folder;
  private final Path data;
  private final World world = new World(7, EVENTS_A_DAY / DAY.toSeconds());
  private final StoppableClock clock = new StoppableClock(Duration.ZERO);
  private final List<String> program;
  private final AtomicLong peak = new AtomicLong();
  private double processor;

  private ScaleCampaign(Path folder) throws Exception {
    this.folder = folder;
    this.program = ExtractedJar.deployed();
    this.data = Files.createDirectories(folder.resolve("data"));
  }

  public static void main(String[] arguments) throws Exception {
    measure();
  }

  /** Prints a line for each day, and gives the figures of the last. */
  static Map<String, Double> measure() throws Exception {
    String named = System.getProperty("folder", "");
    return new ScaleCampaign(
            named.isEmpty() ? Files.createTempDirectory("scale") : Path.of(named).toAbsolutePath())
        .run();
  }

  private Map<String, Double> run() throws Exception {
    Files.writeString(data.resolve("origin"), "network\n");
    Path results = folder.resolve("results.txt");
    int done = Files.exists(results) ? Files.readAllLines(results).size() : 0;
    try (JetstreamServer jetstream = new JetstreamServer(world, Misbehaviour.NONE, clock, 0)) {
      for (int day = done + 1; day <= DAYS; day++) {
        clock.stopAt(BEGIN.plus(DAY.multipliedBy(day)));
        String result = day(jetstream, day);
        System.out.println(result);
        Files.writeString(
            results, result + "\n", StandardOpenOption.CREATE, StandardOpenOption.APPEND);
      }
      if (Boolean.getBoolean("oracle")) {
        clock.stopAt(BEGIN.plus(DAY.multipliedBy(DAYS)));
        System.out.println(
            new Oracle(List.of(world), jetstream)
                .compare(data, BEGIN, clock.instant().minusSeconds(1)));
      }
    }
    Map<String, Double> last = new TreeMap<>();
    for (String figure : Files.readAllLines(results).getLast().split(" ")) {
      last.put(
          figure.substring(0, figure.indexOf('=')),
          Double.parseDouble(figure.substring(figure.indexOf('=') + 1)));
    }
    return last;
  }

  private String day(JetstreamServer jetstream, int day) throws Exception {
    peak.set(0);
    long due = due(clock.instant());
    long before = rows();
    Instant start = Instant.now();
    double archiving;
    double archivingProcessor;
    double[] batch;
    try (ExplorerProcess explorer =
        explorer("--explorer.jetstream.hosts=" + jetstream.url(), NEVER)) {
      awaitSampled(explorer, () -> Archived.rows(explorer.json("/api/v1/status")) >= due);
      archiving = seconds(start);
      archivingProcessor = processor;
      batch = usualBatch(explorer.log());
    }
    Instant compactingSince = Instant.now();
    double compacting;
    try (ExplorerProcess explorer = explorer("--explorer.roles=drain", SOON)) {
      // The second where the campaign was cut off behind the compaction of this day.
      awaitSampled(
          explorer,
          () ->
              explorer.log().contains("compacted table=ledger")
                  || NOTHING_TO_COMPACT.matcher(explorer.log()).find());
      compacting = seconds(compactingSince);
    }
    Instant starting = Instant.now();
    try (ExplorerProcess explorer = explorer("--explorer.roles=query", NEVER)) {
      explorer.awaitReadiness(PATIENCE);
      double ready = seconds(starting);
      List<Double> asked = ask(explorer, QUESTIONS);
      List<Double> status = ask(explorer, List.of("/api/v1/status"));
      long rows = Archived.rows(explorer.json("/api/v1/status"));
      return String.format(
          Locale.ROOT,
          "day=%d events=%d missing=%d archiving_s=%.0f events_per_s=%.0f"
              + " archiving_processor_s=%.0f batch_events=%.0f batch_ms=%.0f compacting_s=%.0f"
              + " ready_s=%.1f archive_mb=%d json_bytes_an_event=%.0f bytes_an_event=%.1f bytes_a_post=%.1f index_mb=%d files=%d"
              + " snapshots=%d metadata_mb=%d peak_mb=%d query_p50_ms=%.1f query_p95_ms=%.1f"
              + " status_ms=%.1f",
          day,
          rows,
          Math.max(0, due - rows),
          archiving,
          (rows - before) / archiving,
          archivingProcessor,
          batch[0],
          batch[1],
          compacting,
          ready,
          bytes(List.of(TableName.values())) >> 20,
          jsonBytes(),
          bytes(TableName.EVENTS) / (double) rows,
          bytes(List.of(TableName.POSTS)) / (double) explorer.rows("posts"),
          size(path -> path.toString().contains("/index/")) >> 20,
          count(path -> path.toString().endsWith(".parquet") && path.toString().contains("/data/")),
          count(path -> path.getFileName().toString().matches("snap-.*[.]avro")),
          size(path -> path.toString().contains("/metadata/")) >> 20,
          peak.get() >> 20,
          Shares.at(asked, 0.5),
          Shares.at(asked, 0.95),
          Shares.at(status, 0.5));
    }
  }

  /** The median of batches: how many events, and how many milliseconds. */
  private static double[] usualBatch(String log) {
    List<double[]> batches =
        BATCH
            .matcher(log)
            .results()
            .map(
                batch ->
                    new double[] {
                      Double.parseDouble(batch.group(1)), 1000 * Double.parseDouble(batch.group(2))
                    })
            .toList();
    return new double[] {
      Shares.at(batches.stream().map(batch -> batch[0]).toList(), 0.5),
      Shares.at(batches.stream().map(batch -> batch[1]).toList(), 0.5)
    };
  }

  private ExplorerProcess explorer(String argument, String compaction) {
    return new ExplorerProcess(
            folder,
            program,
            argument,
            "--explorer.jetstream.start=" + BEGIN,
            "--explorer.drain.schedule=* * * * * ?",
            "--explorer.compact.schedule=" + compaction)
        .awaitReady();
  }

  /** Events until that time; those of the last moments may be on their way. */
  private long due(Instant end) {
    long endUs = end.toEpochMilli() * 1000;
    long first = world.numberAt(BEGIN.toEpochMilli() * 1000);
    long last = world.numberAt(endUs - 2 * world.spreadUs() - 10_000_000);
    return last - first;
  }

  private long rows() {
    try (Archive archive = Archive.open(data)) {
      return TableName.EVENTS.stream()
          .flatMap(table -> archive.snapshot(table).files().stream())
          .mapToLong(ArchiveFile::rows)
          .sum();
    }
  }

  /** Of one in a thousand events of the first day. */
  private double jsonBytes() {
    long first = world.numberAt(BEGIN.toEpochMilli() * 1000);
    long bytes = 0;
    int frames = 0;
    for (long n = first; n < first + EVENTS_A_DAY; n += 1_000) {
      bytes += world.frame(n).length;
      frames++;
    }
    return (double) bytes / frames;
  }

  private long bytes(List<TableName> tables) {
    try (Archive archive = Archive.open(data)) {
      return tables.stream()
          .flatMap(table -> archive.snapshot(table).files().stream())
          .mapToLong(ArchiveFile::bytes)
          .sum();
    }
  }

  private interface Choice {
    boolean takes(Path path);
  }

  private long count(Choice choice) throws IOException {
    try (Stream<Path> files = Files.walk(data.resolve("archive"))) {
      return files.filter(Files::isRegularFile).filter(choice::takes).count();
    }
  }

  private long size(Choice choice) throws IOException {
    try (Stream<Path> files = Files.walk(data.resolve("archive"))) {
      long size = 0;
      for (Path file : files.filter(Files::isRegularFile).filter(choice::takes).toList()) {
        size += Files.size(file);
      }
      return size;
    }
  }

  private static List<Double> ask(ExplorerProcess explorer, List<String> questions) {
    List<Double> millis = new ArrayList<>();
    for (int round = -1; round < ROUNDS; round++) {
      for (String question : questions) {
        long start = System.nanoTime();
        int status = explorer.get(question).statusCode();
        if (status != 200) {
          throw new IllegalStateException(status + " for " + question);
        }
        if (round >= 0) {
          millis.add((System.nanoTime() - start) / 1e6);
        }
      }
    }
    return millis;
  }

  private void awaitSampled(ExplorerProcess explorer, BooleanSupplier done) {
    await()
        .pollInterval(Duration.ofMillis(500))
        .atMost(PATIENCE)
        .until(
            () -> {
              peak.accumulateAndGet(Processes.resident(explorer.pid()), Math::max);
              processor = Processes.processorSeconds(explorer.pid());
              return done.getAsBoolean();
            });
  }

  private static double seconds(Instant since) {
    return Duration.between(since, Instant.now()).toMillis() / 1000.0;
  }
}
