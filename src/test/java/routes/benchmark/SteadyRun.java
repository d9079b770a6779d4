package routes.benchmark;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.springframework.util.FileSystemUtils;
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
 * Hours of 1,000 events a second, as they come: {@code mvn -Pbenchmark verify
 * -Dbenchmark=routes.benchmark.SteadyRun -Dminutes=120 -Dmemory=6g}. The jar with the default
 * schedules does everything in one process, compacts every few minutes (what it receives is of
 * dates that are over), is asked once a second, and is killed now and then. At the end all that is
 * stored is compared with the model.
 */
public final class SteadyRun {

  private static final Duration LENGTH = Duration.ofMinutes(Integer.getInteger("minutes", 30));
  private static final Duration LIFE = Duration.ofMinutes(Integer.getInteger("life", 10));
  private static final double RATE = Integer.getInteger("rate", 1_000);
  private static final Duration BEHIND = Duration.ofHours(26);
  private static final Duration PATIENCE = Duration.ofMinutes(15);
  private static final Pattern PAUSE = Pattern.compile("Pause .* ([\\d.]+)ms$", Pattern.MULTILINE);

  private final Path folder;
  private final World world = new World(11, RATE);
  private final StoppableClock clock = new StoppableClock(BEHIND);
  private final List<Double> times = new ArrayList<>();
  private final Map<String, Integer> failures = new TreeMap<>();
  private final Map<String, Double> most = new TreeMap<>();
  private final List<Double> starts = new ArrayList<>();
  private final List<Path> collections = new ArrayList<>();
  private int kills;

  private SteadyRun(Path folder) {
    this.folder = folder;
  }

  public static void main(String[] arguments) throws Exception {
    measure();
  }

  /** Prints all, and gives what goals are about. */
  static Map<String, Double> measure() throws Exception {
    Path folder = Files.createTempDirectory("steady");
    try {
      return new SteadyRun(folder).run();
    } finally {
      Processes.killRedis(folder.resolve("data"));
      FileSystemUtils.deleteRecursively(folder);
    }
  }

  private Map<String, Double> run() throws Exception {
    Instant begin = clock.instant();
    Instant end = Instant.now().plus(LENGTH);
    try (JetstreamServer jetstream = new JetstreamServer(world, Misbehaviour.NONE, clock, 0)) {
      ExplorerProcess running = null;
      try {
        while (Instant.now().isBefore(end)) {
          running = start(jetstream, begin);
          Instant death = Instant.now().plus(LIFE);
          live(running, death.isBefore(end) ? death : end);
          if (death.isBefore(end)) {
            running.kill();
            kills++;
          }
        }
        clock.stop();
        Archived.awaitAll(running, world, clock.instant(), PATIENCE);
        Archived.awaitWhole(running, PATIENCE);
        report(running);
      } finally {
        if (running != null) {
          running.close();
        }
      }
      Oracle.Verdict verdict =
          new Oracle(List.of(world), jetstream)
              .compare(folder.resolve("data"), begin, clock.instant().minusSeconds(1));
      System.out.println(verdict);
      return Map.of(
          "wrong",
          (double) verdict.wrong(),
          "resident_mb",
          most.get("VmRSS, MB"),
          "pause_p99_ms",
          Shares.at(pauses(), 0.99),
          "ready_s",
          Shares.at(starts, 0.5));
    }
  }

  private ExplorerProcess start(JetstreamServer jetstream, Instant begin) throws Exception {
    Path log = folder.resolve("gc" + collections.size() + ".log");
    collections.add(log);
    List<String> program = new ArrayList<>(List.of("-Xlog:gc:file=" + log));
    program.addAll(ExtractedJar.deployed());
    Instant since = Instant.now();
    ExplorerProcess explorer =
        new ExplorerProcess(
                folder,
                program,
                "--explorer.jetstream.hosts=" + jetstream.url(),
                "--explorer.jetstream.start=" + begin,
                "--explorer.compact.schedule=0 7/10 * * * ?")
            .awaitReadiness(PATIENCE);
    starts.add(Duration.between(since, Instant.now()).toMillis() / 1000.0);
    return explorer;
  }

  private void live(ExplorerProcess explorer, Instant until) throws Exception {
    Random random = new Random(kills);
    while (Instant.now().isBefore(until)) {
      ask(explorer, ScaleCampaign.QUESTIONS.get(random.nextInt(ScaleCampaign.QUESTIONS.size())));
      observe(explorer);
      TimeUnit.SECONDS.sleep(1);
    }
  }

  private void ask(ExplorerProcess explorer, String question) {
    long start = System.nanoTime();
    int status = explorer.get(question).statusCode();
    times.add((System.nanoTime() - start) / 1e6);
    if (status != 200) {
      failures.merge(status + " " + question, 1, Integer::sum);
    }
  }

  private void observe(ExplorerProcess explorer) {
    Map<String, Long> memory = Processes.memory(explorer.pid());
    for (String kind : List.of("VmRSS", "RssAnon", "RssFile")) {
      greatest(kind + ", MB", memory.getOrDefault(kind, 0L) / (double) (1 << 20));
    }
    JsonNode status = explorer.json("/api/v1/status");
    greatest("bytes in the buffer", status.at("/buffer/bytes").asDouble());
    JsonNode position = status.at("/archive/position");
    if (position.isTextual()) {
      greatest(
          "seconds that the archive is behind the network",
          Duration.between(Instant.parse(position.textValue()), clock.instant()).toMillis()
              / 1000.0);
    }
  }

  private void greatest(String what, double value) {
    most.merge(what, value, Math::max);
  }

  private List<Double> pauses() throws IOException {
    List<Double> pauses = new ArrayList<>();
    for (Path log : collections) {
      Matcher pause = PAUSE.matcher(Files.readString(log));
      while (pause.find()) {
        pauses.add(Double.parseDouble(pause.group(1)));
      }
    }
    return pauses;
  }

  private void report(ExplorerProcess explorer) throws IOException {
    System.out.printf(
        Locale.ROOT,
        "%d minutes of %.0f events/s, %d kills, %d processors, Java %s%n",
        LENGTH.toMinutes(),
        RATE,
        kills,
        Runtime.getRuntime().availableProcessors(),
        Runtime.version());
    line("ready after seconds", starts);
    line("answers, ms", times);
    line("pauses of the collector, ms", pauses());
    failures.forEach((what, count) -> System.out.println(count + " times " + what));
    most.forEach(
        (what, value) -> System.out.printf(Locale.ROOT, "at most %,.0f %s%n", value, what));
    JsonNode status = explorer.json("/api/v1/status");
    System.out.printf(
        Locale.ROOT,
        "%,d rows, %,d files of data, %,d snapshots%n",
        Archived.rows(status),
        count("[^/]*[.]parquet"),
        count("snap-.*[.]avro"));
  }

  private long count(String name) throws IOException {
    try (Stream<Path> files = Files.walk(folder.resolve("data/archive"))) {
      return files.filter(file -> file.getFileName().toString().matches(name)).count();
    }
  }

  private static void line(String what, List<Double> values) {
    System.out.printf(
        Locale.ROOT,
        "%s: %,d, p50 %.1f, p95 %.1f, p99 %.1f, most %.1f%n",
        what,
        values.size(),
        Shares.at(values, 0.5),
        Shares.at(values, 0.95),
        Shares.at(values, 0.99),
        Shares.at(values, 1));
  }
}
