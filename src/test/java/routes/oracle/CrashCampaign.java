package routes.oracle;

import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import org.awaitility.core.ConditionTimeoutException;
import routes.archive.Archive;
import routes.archive.ArchiveFile;
import routes.archive.LeftoverFiles;
import routes.archive.TableName;
import routes.archive.Verification;
import routes.crash.CrashPoint;
import routes.fixtures.ExplorerProcess;
import routes.fixtures.Processes;
import routes.fixtures.StoppableClock;
import routes.simulator.JetstreamServer;
import routes.simulator.Misbehaviour;
import routes.simulator.World;

/**
 * Runs the real application as one or two processes against two misbehaving hosts, does damage to
 * it from a seed, and at the end compares all that is stored with the model.
 *
 * <p>The world's clock is more than a day behind, so that everything belongs to a date that is over
 * and compaction has work all the time.
 */
final class CrashCampaign {

  private static final Duration BEHIND = Duration.ofHours(26);
  private static final long SECOND_HOST_LATER_US = 1_300_000;
  private static final int LONGEST_LIFE_MILLIS = 8_000;
  private static final int REDIS_TAIL_BYTES = 64 << 10;
  private static final Duration QUIET = Duration.ofMillis(700);

  private final Settings settings;
  private final Random random;
  private final Map<String, Integer> done = new TreeMap<>();
  private final List<ExplorerProcess> processes = new ArrayList<>();
  private final StoppableClock clock = new StoppableClock(BEHIND);
  private final Instant started = Instant.now();
  private int deaths;
  private long uncut;
  private Duration told = Duration.ZERO;

  /** What can be done to a running application. */
  enum Damage {
    KILL("kill -9", 62),
    TERM("SIGTERM", 8),
    PAUSE("SIGSTOP, then SIGCONT", 6),
    REDIS_KILLED("redis killed", 8),
    REDIS_CUT("redis lost its last part", 6),
    REDIS_CUT_UNSEEN("redis lost its last part while nothing was received", 5),
    REDIS_WIPED("redis wiped", 5);

    private final String label;
    private final int weight;

    Damage(String label, int weight) {
      this.label = label;
      this.weight = weight;
    }
  }

  /**
   * @param folder where everything is
   * @param program what Java is to run
   * @param seed of the world, of its misbehaviour, and of the damage
   * @param deaths how often something has to be done to it
   * @param atLeast how long it has to take
   * @param instances how many processes at once
   * @param eventsPerSecond of the world
   * @param longPause whether one process is stopped for two minutes once
   * @param damages what may be done
   * @param crashPoints where processes die by themselves: one in three, or all with {@code
   *     awaitsReady}
   * @param grace of files that are left over
   * @param patience how long the last process may take to archive the rest
   * @param awaitsReady whether processes are left alone until they are ready
   * @param fillsGaps whether what was missed is soon read again by the second reader, which makes
   *     up for mistakes of the first
   * @param elects whether locks elect who archives; else several processes do at once, and only the
   *     check at each commit keeps them apart
   */
  record Settings(
      Path folder,
      List<String> program,
      long seed,
      int deaths,
      Duration atLeast,
      int instances,
      double eventsPerSecond,
      boolean longPause,
      Set<Damage> damages,
      List<CrashPoint> crashPoints,
      Duration grace,
      Duration patience,
      boolean awaitsReady,
      boolean fillsGaps,
      boolean elects) {

    Settings lasting(Duration duration, int processes, boolean pause) {
      return new Settings(
          folder,
          program,
          seed,
          deaths,
          duration,
          processes,
          eventsPerSecond,
          pause,
          damages,
          crashPoints,
          grace,
          patience,
          awaitsReady,
          fillsGaps,
          elects);
    }

    /** Everything that can be done, at every place. */
    static Settings all(Path folder, List<String> program, long seed, int deaths) {
      return new Settings(
          folder,
          program,
          seed,
          deaths,
          Duration.ZERO,
          1,
          200,
          false,
          EnumSet.allOf(Damage.class),
          Arrays.stream(CrashPoint.values())
              .filter(point -> !point.name().startsWith("BACKUP_"))
              .toList(),
          Duration.ofSeconds(90),
          Duration.ofMinutes(5),
          false,
          true,
          true);
    }
  }

  /**
   * What came of it.
   *
   * @param done what was done, and how often
   * @param verification what {@code verify} found
   * @param gaps stretches that the ledger does not cover, although all was read
   * @param leftovers files that nobody needs and that were not removed
   */
  record Result(
      Oracle.Verdict verdict,
      Map<String, Integer> done,
      int deaths,
      Duration duration,
      Verification.Report verification,
      int gaps,
      int leftovers) {

    boolean isClean() {
      return verdict.isClean() && verification.isWhole() && gaps == 0 && leftovers == 0;
    }

    @Override
    public String toString() {
      return "deaths="
          + deaths
          + " minutes="
          + duration.toSeconds() / 60.0
          + " "
          + verdict
          + " damages_found="
          + verification.damages()
          + " notes="
          + verification.notes()
          + " files="
          + verification.files()
          + " cids="
          + verification.cids()
          + " gaps="
          + gaps
          + " leftovers="
          + leftovers
          + " done="
          + done;
    }
  }

  CrashCampaign(Settings settings) {
    this.settings = settings;
    this.random = new Random(settings.seed);
  }

  Result run() throws Exception {
    World world = new World(settings.seed, settings.eventsPerSecond);
    World later = world.later(SECOND_HOST_LATER_US);
    Instant start = clock.instant().minusSeconds(20);
    writeRoutes();
    try (JetstreamServer one =
            new JetstreamServer(world, Misbehaviour.some(settings.seed).withoutRewind(), clock, 0);
        JetstreamServer two =
            new JetstreamServer(later, Misbehaviour.some(settings.seed), clock, 0)) {
      List<String> arguments = arguments(one, two, start);
      try {
        while (deaths < settings.deaths || isEarly()) {
          damage(arguments);
          progress();
        }
        clock.stop();
        finish(arguments, Map.of(one.url(), world, two.url(), later), clock.instant());
      } finally {
        processes.forEach(ExplorerProcess::kill);
        Processes.killRedis(data());
      }
      return judge(new Oracle(List.of(world, later), one, two), start, clock.instant());
    }
  }

  private void progress() {
    Duration since = Duration.between(started, Instant.now());
    if (since.minus(told).compareTo(Duration.ofMinutes(5)) > 0) {
      told = since;
      System.out.printf("%d minutes, %d deaths: %s%n", since.toMinutes(), deaths, done);
    }
  }

  private boolean isEarly() {
    return Duration.between(started, Instant.now()).compareTo(settings.atLeast) < 0;
  }

  /**
   * The built-in routes, only that they do not wait long for a host that fell silent, or for who is
   * elected.
   */
  private void writeRoutes() throws IOException {
    Path routes = Files.createDirectories(settings.folder.resolve("routes"));
    String ingest = Files.readString(Path.of("src/main/resources/routes/ingest.camel.yaml"));
    Files.writeString(
        routes.resolve("ingest.camel.yaml"),
        ingest.replace(
            "parameters:",
            "parameters:\n        idleTimeout: "
                + (isGentle() ? "30s" : "4s")
                + "\n        rewind: 3s\n        hostRewind: 6s\n        stretchDelay: "
                + (settings.fillsGaps ? "3s" : "1h")));
    if (!settings.elects) {
      String drain = Files.readString(Path.of("src/main/resources/routes/drain.camel.yaml"));
      Files.writeString(
          routes.resolve("drain.camel.yaml"), drain.replace("uri: master:archive:", "uri: "));
    }
  }

  private List<String> arguments(JetstreamServer one, JetstreamServer two, Instant start) {
    return List.of(
        "--explorer.jetstream.hosts=" + one.url() + "," + two.url(),
        "--explorer.jetstream.start=" + start,
        "--explorer.drain.schedule=0/" + (isGentle() ? 10 : 2) + " * * * * ?",
        "--explorer.compact.schedule=1/" + (settings.deaths > 100 ? 20 : 5) + " * * * * ?",
        "--explorer.compact.hours-schedule=2/11 * * * * ?",
        "--explorer.expire.schedule=3/7 * * * * ?",
        "--explorer.expire.after=15s",
        "--explorer.leftovers.schedule=5/9 * * * * ?",
        "--explorer.leftovers.grace=" + settings.grace.toSeconds() + "s",
        "--explorer.dead-letters.schedule=4/10 * * * * ?",
        "--explorer.query.memory=256MB");
  }

  /** Whether nothing is killed but Redis: then time is left for what it loses to matter. */
  private boolean isGentle() {
    return !settings.damages.contains(Damage.KILL);
  }

  private Path data() {
    return settings.folder.resolve("data");
  }

  /** Starts what is missing, lets it live a while, and does something to it. */
  private void damage(List<String> arguments) {
    processes.removeIf(process -> !process.isAlive());
    while (processes.size() < settings.instances) {
      if (!settings.crashPoints.isEmpty() && (settings.awaitsReady || random.nextInt(3) == 0)) {
        CrashPoint point = settings.crashPoints.get(random.nextInt(settings.crashPoints.size()));
        int pass = 1 + random.nextInt(point == CrashPoint.DATA_FILE_WRITTEN ? 20 : 4);
        start(arguments, "-Dexplorer.crash-at=" + point + ":" + pass);
      } else {
        start(arguments);
      }
    }
    ExplorerProcess victim = processes.get(random.nextInt(processes.size()));
    if (diesWithin(victim, random.nextInt(LONGEST_LIFE_MILLIS))) {
      count("died at a crash point");
      deaths++;
      return;
    }
    if (settings.longPause && deaths > 20 && !done.containsKey("stopped for two minutes")) {
      count("stopped for two minutes");
      pause(victim, Duration.ofMinutes(2));
      return;
    }
    Damage damage = pick();
    count(damage.label);
    switch (damage) {
      case KILL -> {
        victim.kill();
        deaths++;
      }
      case TERM -> {
        victim.close();
        deaths++;
      }
      case PAUSE -> pause(victim, Duration.ofMillis(500 + random.nextInt(6000)));
      case REDIS_KILLED -> Processes.killRedis(data());
      case REDIS_CUT -> whileRedisIsDown(this::cutTail);
      case REDIS_CUT_UNSEEN -> {
        // Nothing is received meanwhile, so that no append fails and tells of it.
        clock.pause();
        quiet();
        whileRedisIsDown(
            () -> {
              cutTail();
              startRedis();
            });
        awaitRedisIsReached();
        clock.goOn();
      }
      case REDIS_WIPED ->
          whileRedisIsDown(
              () -> {
                Files.delete(appendOnlyFile());
                uncut = 0;
              });
    }
    if (isGentle()) {
      deaths++; // what is done counts, where nothing is killed
    }
  }

  /** An append that fails would tell of what is lost. */
  private void awaitRedisIsReached() {
    await()
        .atMost(Duration.ofMinutes(1))
        .until(
            () ->
                processes.stream()
                    .filter(ExplorerProcess::isAlive)
                    .allMatch(CrashCampaign::reachesRedis));
  }

  private static boolean reachesRedis(ExplorerProcess process) {
    try {
      return process.json("/api/v1/status").path("buffer").path("blocks").isNumber();
    } catch (IllegalStateException e) {
      return true; // it is not ready yet, and will ask Redis anew
    }
  }

  /** As long as the last block takes to be sent. */
  private static void quiet() {
    Instant since = Instant.now();
    await()
        .pollInterval(Duration.ofMillis(20))
        .until(() -> Duration.between(since, Instant.now()).compareTo(QUIET) > 0);
  }

  private Damage pick() {
    int dice = random.nextInt(settings.damages.stream().mapToInt(damage -> damage.weight).sum());
    for (Damage damage : settings.damages) {
      dice -= damage.weight;
      if (dice < 0) {
        return damage;
      }
    }
    throw new IllegalStateException("no damage");
  }

  private void start(List<String> arguments, String... java) {
    List<String> program = new ArrayList<>(List.of(java));
    program.addAll(settings.program);
    ExplorerProcess process =
        new ExplorerProcess(settings.folder, program, arguments.toArray(String[]::new));
    processes.add(process);
    if (settings.instances > 1 && processes.size() == 1) {
      return;
    }
    // Two processes that start at once on a new folder: also that has to work.
    if (deaths == 0 || settings.awaitsReady) {
      processes.forEach(CrashCampaign::awaitReadyOrDead);
    }
  }

  private static void awaitReadyOrDead(ExplorerProcess process) {
    try {
      process.awaitReady();
    } catch (IllegalStateException e) {
      if (process.isAlive()) {
        throw e;
      }
    }
  }

  private boolean diesWithin(ExplorerProcess victim, int millis) {
    try {
      await()
          .pollInterval(Duration.ofMillis(20))
          .atMost(Duration.ofMillis(Math.max(50, millis)))
          .until(() -> !victim.isAlive());
      return true;
    } catch (ConditionTimeoutException e) {
      return false;
    }
  }

  private void pause(ExplorerProcess victim, Duration duration) {
    victim.signal("STOP");
    diesWithin(victim, (int) duration.toMillis());
    victim.signal("CONT");
  }

  /**
   * What a machine that loses power does to a Redis that flushes every second. A file that Redis
   * has just written anew is on the disk.
   */
  private void cutTail() throws IOException {
    try (RandomAccessFile file = new RandomAccessFile(appendOnlyFile().toFile(), "rw")) {
      long length = file.length();
      if (length > uncut) {
        count("bytes that Redis has lost", cut(file, length));
      }
      uncut = file.length();
    }
  }

  private int cut(RandomAccessFile file, long length) throws IOException {
    int lost = (int) Math.min(length - uncut, 1 + random.nextInt(REDIS_TAIL_BYTES));
    file.setLength(length - lost);
    return lost;
  }

  private Path appendOnlyFile() {
    return data().resolve("redis/appendonly.aof");
  }

  private void startRedis() throws IOException {
    Path folder = data().resolve("redis");
    new ProcessBuilder(
            folder.resolve("redis-server").toString(), folder.resolve("redis.conf").toString())
        .directory(folder.toFile())
        .redirectErrorStream(true)
        .redirectOutput(ProcessBuilder.Redirect.DISCARD)
        .start();
    await().atMost(Duration.ofSeconds(20)).until(() -> Processes.redis(data()).isPresent());
  }

  private interface Action {
    void run() throws IOException;
  }

  /** Nobody starts it again before that is done. */
  private void whileRedisIsDown(Action action) {
    Path folder = data().resolve("redis");
    if (!Files.exists(appendOnlyFile())) {
      count("redis had no file to damage yet");
      return;
    }
    try (FileChannel channel =
            FileChannel.open(
                folder.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        FileLock lock = channel.lock()) {
      Processes.killRedis(data());
      action.run();
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  private void count(String damage) {
    count(damage, 1);
  }

  private void count(String damage, int times) {
    done.merge(damage, times, Integer::sum);
  }

  /**
   * Lets one process archive all that happened, and compact it: every date is over.
   *
   * @param worlds by host: what one of them has sent at the end is yet to come from another
   */
  private void finish(List<String> arguments, Map<String, World> worlds, Instant end) {
    processes.forEach(ExplorerProcess::kill);
    processes.clear();
    start(arguments);
    ExplorerProcess last = processes.get(0).awaitReady();
    Archived.awaitAll(last, worlds, end, settings.patience);
    if (settings.fillsGaps) {
      Archived.awaitWhole(last, settings.patience);
    }
    await("every table has one file a date").atMost(settings.patience).until(this::isCompacted);
    last.close();
  }

  /** Of junk the date is that of its arrival, which is not over. */
  private boolean isCompacted() throws IOException {
    LocalDate today = LocalDate.now(ZoneOffset.UTC);
    try (Archive archive = Archive.open(data())) {
      return Arrays.stream(TableName.values())
          .allMatch(
              table -> {
                List<LocalDate> dates =
                    archive.snapshot(table).files().stream()
                        .map(ArchiveFile::date)
                        .filter(date -> date.isBefore(today))
                        .toList();
                return dates.stream().distinct().count() == dates.size();
              });
    }
  }

  private Result judge(Oracle oracle, Instant start, Instant end) throws Exception {
    Oracle.Verdict verdict =
        oracle.compare(data(), start, end.minusMillis(SECOND_HOST_LATER_US / 1000));
    int leftovers;
    int gaps;
    try (Archive archive = Archive.open(data())) {
      LeftoverFiles files = new LeftoverFiles(archive, data(), Duration.ZERO, Clock.systemUTC());
      files.remove();
      leftovers = files.remove();
      gaps = Gaps.in(data(), archive);
    }
    Verification.Report report = new Verification(data(), what -> {}).run("256MB", 2);
    return new Result(
        verdict, done, deaths, Duration.between(started, Instant.now()), report, gaps, leftovers);
  }
}
