package routes.benchmark;

import com.sun.management.OperatingSystemMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryMXBean;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.springframework.data.redis.connection.lettuce.LettuceConnectionFactory;
import org.springframework.util.FileSystemUtils;
import routes.archive.Archive;
import routes.archive.Compaction;
import routes.archive.Completeness;
import routes.archive.Drain;
import routes.archive.DuckDb;
import routes.archive.Expiry;
import routes.archive.Pace;
import routes.archive.TableName;
import routes.buffer.BlockStream;
import routes.buffer.StreamId;
import routes.fixtures.RedisServer;
import routes.fixtures.StoppableClock;
import routes.jetstream.Block;
import routes.search.PostIndexes;
import routes.search.PostSearch;
import routes.simulator.World;

/**
 * What costs more as an archive grows older: {@code mvn -Pbenchmark verify
 * -Dbenchmark=routes.benchmark.Growth -Ddays=365}. Every day has few events, so that what is seen
 * to grow does so with the days. After each month a line says what a batch, the compaction of a
 * day, making it searchable, and opening and looking at the archive take (milliseconds of the
 * processor, whatever else runs beside it, the median), and what of the heap is in use then.
 */
public final class Growth {

  private static final int DAYS = Integer.getInteger("days", 365);
  private static final int A_MONTH = 30;
  private static final int BATCHES = 4;
  private static final int EVENTS = 500;
  private static final int ROUNDS = 5;
  private static final Instant BEGIN = Instant.parse("2025-01-01T00:00:00Z");
  private static final Duration DAY = Duration.ofDays(1);

  private static final OperatingSystemMXBean PROCESS =
      ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class);

  private final World world = new World(5, (double) BATCHES * EVENTS / DAY.toSeconds());
  private final StoppableClock clock = new StoppableClock(Duration.ZERO);
  private final Path folder;
  private final List<Double> batches = new ArrayList<>();
  private final List<Double> compactions = new ArrayList<>();
  private final List<Double> expiries = new ArrayList<>();
  private final List<Double> views = new ArrayList<>();

  private Growth(Path folder) {
    this.folder = folder;
  }

  public static void main(String[] arguments) throws Exception {
    Path folder = Files.createTempDirectory("growth");
    RedisServer redis = new RedisServer(folder.resolve("redis"));
    redis.start();
    LettuceConnectionFactory factory = redis.connect();
    try {
      new Growth(folder).run(new BlockStream(factory, "growth", () -> StreamId.ZERO));
    } finally {
      factory.destroy();
      redis.close();
      FileSystemUtils.deleteRecursively(folder);
    }
  }

  private void run(BlockStream stream) throws Exception {
    try (Archive archive = Archive.open(folder);
        DuckDb duckDb = DuckDb.open(folder.resolve("tmp"), "512MB", 2);
        PostSearch search = search(archive, duckDb, stream)) {
      Drain drain =
          new Drain(
              stream, archive, duckDb, new Drain.Limits(250_000, 256 << 20, Duration.ofMinutes(1)));
      Compaction compaction =
          new Compaction(
              archive,
              duckDb,
              new PostIndexes()::build,
              new Compaction.Limits(10_000_000, 30),
              Pace.FULL,
              clock);
      Expiry expiry = new Expiry(archive, Duration.ZERO);
      long number = world.numberAt(BEGIN.toEpochMilli() * 1000);
      for (int day = 1; day <= DAYS; day++) {
        for (int batch = 0; batch < BATCHES; batch++) {
          receive(stream, number);
          number += EVENTS;
          if (timed(batches, drain::batch).stored() != EVENTS) {
            throw new IllegalStateException("a batch on day " + day + " is not whole");
          }
        }
        // The day is over, but for what is late.
        clock.stopAt(BEGIN.plus(DAY.multipliedBy(day + 1)));
        timed(compactions, compaction::run);
        timed(expiries, expiry::run);
        timed(views, () -> prepared(search));
        if (day == 1 || day % A_MONTH == 0) {
          report(day, archive, duckDb, stream);
        }
      }
    }
  }

  private static PostSearch search(Archive archive, DuckDb duckDb, BlockStream stream) {
    return new PostSearch(
        archive,
        duckDb,
        new PostIndexes(),
        stream,
        new PostSearch.Limits(1000, Duration.ofMinutes(10), 2, 1, 1));
  }

  private static boolean prepared(PostSearch search) {
    search.prepare();
    return search.isPrepared();
  }

  private void receive(BlockStream stream, long first) {
    List<byte[]> frames = LongStream.range(first, first + EVENTS).mapToObj(world::frame).toList();
    stream.append(
        new Block(
            "ws://growth",
            "c",
            first > 0,
            world.timeUs(first),
            world.timeUs(first + EVENTS - 1),
            Instant.now(),
            frames));
  }

  private void report(int day, Archive archive, DuckDb duckDb, BlockStream stream)
      throws Exception {
    List<Double> opened = new ArrayList<>();
    List<Double> summed = new ArrayList<>();
    List<Double> searchable = new ArrayList<>();
    Completeness completeness =
        new Completeness(archive, duckDb, Duration.ofHours(36), Clock.systemUTC());
    for (int round = 0; round < ROUNDS; round++) {
      timed(opened, this::open);
      try (PostSearch search = search(archive, duckDb, stream)) {
        timed(searchable, () -> prepared(search));
      }
      timed(summed, () -> completeness.summary(Optional.empty(), Optional.empty()));
    }
    System.out.printf(
        Locale.ROOT,
        "day=%d batch_ms=%.0f compaction_ms=%.0f expiry_ms=%.0f searchable_ms=%.0f open_ms=%.0f"
            + " search_open_ms=%.0f completeness_ms=%.1f files=%d metadata_kb=%d heap_kb=%d%n",
        day,
        Shares.at(batches, 0.5),
        Shares.at(compactions, 0.5),
        Shares.at(expiries, 0.5),
        Shares.at(views, 0.5),
        Shares.at(opened, 0.5),
        Shares.at(searchable, 0.5),
        Shares.at(summed, 0.5),
        files(archive),
        metadata() >> 10,
        heap() >> 10);
    batches.clear();
    compactions.clear();
    expiries.clear();
    views.clear();
  }

  /** As at a start: the catalog, and the files of every table. */
  private int open() throws Exception {
    try (Archive archive = Archive.open(folder)) {
      return files(archive);
    }
  }

  private static int files(Archive archive) {
    return Stream.of(TableName.values())
        .mapToInt(table -> archive.snapshot(table).files().size())
        .sum();
  }

  private static long heap() {
    MemoryMXBean memory = ManagementFactory.getMemoryMXBean();
    memory.gc();
    return memory.getHeapMemoryUsage().getUsed();
  }

  private long metadata() throws IOException {
    try (Stream<Path> files = Files.walk(folder.resolve("archive"))) {
      return files
          .filter(file -> file.getParent().endsWith("metadata"))
          .mapToLong(file -> file.toFile().length())
          .sum();
    }
  }

  private static <T> T timed(List<Double> millis, Callable<T> work) throws Exception {
    long start = PROCESS.getProcessCpuTime();
    T result = work.call();
    millis.add((PROCESS.getProcessCpuTime() - start) / 1e6);
    return result;
  }
}
