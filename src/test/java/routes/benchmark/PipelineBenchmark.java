package routes.benchmark;

import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisFuture;
import io.lettuce.core.RedisURI;
import io.lettuce.core.codec.ByteArrayCodec;
import io.vertx.core.http.ServerWebSocket;
import java.io.File;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.camel.builder.RouteBuilder;
import org.apache.camel.impl.DefaultCamelContext;
import org.springframework.data.redis.connection.lettuce.LettuceConnectionFactory;
import org.springframework.util.FileSystemUtils;
import routes.archive.Archive;
import routes.archive.BatchReport;
import routes.archive.Drain;
import routes.archive.DuckDb;
import routes.buffer.BlockStream;
import routes.buffer.EmbeddedRedis;
import routes.buffer.StreamId;
import routes.fixtures.ScriptedJetstream;
import routes.jetstream.Block;
import routes.jetstream.Json;
import routes.jetstream.PositionSource;
import routes.simulator.World;

/**
 * How fast events come into Redis, and from there into the archive: {@code mvn -Pbenchmark verify}.
 * Each figure stands beside a reference from the same run, since machines differ, and the same
 * machine from hour to hour.
 */
public final class PipelineBenchmark {

  private static final int EVENTS = Integer.getInteger("benchmark.events", 300_000);
  private static final int BATCH = 28_000;
  private static final int ROUNDS = 5;
  private static final Optional<Path> REDIS_BENCHMARK =
      Arrays.stream(System.getenv().getOrDefault("PATH", "").split(File.pathSeparator))
          .map(folder -> Path.of(folder, "redis-benchmark"))
          .filter(Files::isExecutable)
          .findFirst();
  private static final Drain.Limits LIMITS =
      new Drain.Limits(250_000, 256 << 20, Duration.ofSeconds(20));

  private final List<byte[]> frames;
  private final Path folder;
  private final EmbeddedRedis redis;
  private final LettuceConnectionFactory factory;

  private PipelineBenchmark() throws Exception {
    World world = new World(1, 1000);
    frames = new ArrayList<>(EVENTS);
    for (long n = 1_000_000; frames.size() < EVENTS; n++) {
      frames.add(world.frame(n));
    }
    folder = Files.createTempDirectory("benchmark");
    redis = EmbeddedRedis.start(folder.resolve("redis"), "4gb");
    factory =
        new LettuceConnectionFactory(LettuceConnectionFactory.createRedisConfiguration(uri()));
    factory.afterPropertiesSet();
    factory.start();
  }

  private RedisURI uri() {
    return RedisURI.builder()
        .withHost("127.0.0.1")
        .withPort(redis.port())
        .withPassword(redis.password().toCharArray())
        .build();
  }

  public static void main(String[] arguments) throws Exception {
    measure();
  }

  /**
   * Prints all, and gives the medians.
   *
   * @return events a second but for {@code batch_s}; {@code redis_benchmark} only where that
   *     program is installed
   */
  static Map<String, Double> measure() throws Exception {
    PipelineBenchmark benchmark = new PipelineBenchmark();
    try {
      return benchmark.run();
    } finally {
      benchmark.factory.destroy();
      benchmark.redis.close();
      FileSystemUtils.deleteRecursively(benchmark.folder);
    }
  }

  private Map<String, Double> run() throws Exception {
    Map<String, Double> medians = new TreeMap<>();
    long bytes = frames.stream().mapToLong(frame -> frame.length).sum();
    System.out.printf(
        Locale.ROOT,
        "%,d simulated events, %.0f bytes each, %d processors, Java %s%n",
        EVENTS,
        (double) bytes / EVENTS,
        Runtime.getRuntime().availableProcessors(),
        Runtime.version());

    double[] reference = rates(3, this::writeSingly);
    double[] ingest = rates(ROUNDS, this::ingest);
    row("websocket -> jetstream: -> Redis, blocks", ingest, "events/s");
    row("  reference: one XADD an event, pipelined", reference, "events/s");
    System.out.printf(Locale.ROOT, "  ratio %.1f%n", median(ingest) / median(reference));
    medians.put("ingest", median(ingest));
    medians.put("xadd", median(reference));
    if (REDIS_BENCHMARK.isPresent()) {
      double[] redisBenchmark = rates(3, this::redisBenchmark);
      row("  reference: redis-benchmark, the same XADDs", redisBenchmark, "events/s");
      System.out.printf(Locale.ROOT, "  ratio %.1f%n", median(ingest) / median(redisBenchmark));
      medians.put("redis_benchmark", median(redisBenchmark));
    }

    double[] parse = rates(3, this::parse);
    double[] drain = rates(ROUNDS, this::drain);
    row("Redis -> committed Parquet", drain, "events/s");
    row("  reference: reading the same JSON to a tree, nothing else", parse, "events/s");
    System.out.printf(Locale.ROOT, "  ratio %.2f%n", median(drain) / median(parse));

    medians.put("drain", median(drain));
    medians.put("parse", median(parse));
    medians.put("batch_s", batches());
    return medians;
  }

  private interface Work {
    /** Handles all events; gives the seconds that it took. */
    double run() throws Exception;
  }

  private double[] rates(int rounds, Work work) throws Exception {
    work.run(); // not counted
    double[] rates = new double[rounds];
    for (int round = 0; round < rounds; round++) {
      rates[round] = EVENTS / work.run();
    }
    return rates;
  }

  private double writeSingly() {
    RedisClient client = RedisClient.create(uri());
    try (var connection = client.connect(ByteArrayCodec.INSTANCE)) {
      byte[] key = "single".getBytes(StandardCharsets.UTF_8);
      byte[] field = "frame".getBytes(StandardCharsets.UTF_8);
      long start = System.nanoTime();
      connection.setAutoFlushCommands(false);
      List<RedisFuture<String>> answers = new ArrayList<>();
      for (byte[] frame : frames) {
        answers.add(connection.async().xadd(key, Map.of(field, frame)));
        if (answers.size() == 1000) {
          connection.flushCommands();
          answers.forEach(answer -> answer.toCompletableFuture().join());
          answers.clear();
        }
      }
      connection.flushCommands();
      answers.forEach(answer -> answer.toCompletableFuture().join());
      double seconds = seconds(start);
      connection.setAutoFlushCommands(true);
      connection.sync().del(key);
      return seconds;
    } finally {
      client.shutdown();
    }
  }

  /** Redis' own program, that sends the text of one event again and again. */
  private double redisBenchmark() throws Exception {
    byte[] middle =
        frames.stream()
            .sorted(Comparator.comparingInt(frame -> frame.length))
            .toList()
            .get(EVENTS / 2);
    Process process =
        new ProcessBuilder(
                REDIS_BENCHMARK.orElseThrow().toString(),
                "-p",
                Integer.toString(redis.port()),
                "-a",
                redis.password(),
                "-n",
                Integer.toString(EVENTS),
                "-c",
                "1",
                "-P",
                "1000",
                "-q",
                "XADD",
                "benchmark",
                "*",
                "frame",
                new String(middle, StandardCharsets.UTF_8))
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .start();
    long start = System.nanoTime();
    int status = process.waitFor();
    double seconds = seconds(start);
    delete("benchmark");
    if (status != 0) {
      throw new IllegalStateException("redis-benchmark ended with " + status);
    }
    return seconds;
  }

  private double ingest() throws Exception {
    BlockStream stream = new BlockStream(factory, "ingest", () -> StreamId.ZERO);
    AtomicInteger received = new AtomicInteger();
    CountDownLatch all = new CountDownLatch(1);
    CountDownLatch go = new CountDownLatch(1);
    long[] start = new long[1];
    try (ScriptedJetstream server =
            new ScriptedJetstream(
                (socket, number) -> {
                  start[0] = System.nanoTime();
                  go.countDown();
                  send(socket, new AtomicInteger());
                });
        DefaultCamelContext camel = new DefaultCamelContext()) {
      camel.getRegistry().bind("position", (PositionSource) Optional::empty);
      camel.getRegistry().bind("stream", stream);
      camel.addRoutes(
          new RouteBuilder() {
            @Override
            public void configure() {
              from("jetstream:" + server.url() + "?position=#bean:position")
                  .to("bean:stream?method=append(${body})")
                  .process(
                      exchange -> {
                        if (received.addAndGet(
                                exchange
                                    .getMessage()
                                    .getHeader("CamelJetstreamCount", Integer.class))
                            >= EVENTS) {
                          all.countDown();
                        }
                      });
            }
          });
      camel.start();
      go.await();
      all.await();
      return seconds(start[0]);
    } finally {
      delete("ingest");
    }
  }

  private void send(ServerWebSocket socket, AtomicInteger next) {
    while (next.get() < EVENTS && !socket.writeQueueFull()) {
      ScriptedJetstream.send(socket, List.of(frames.get(next.getAndIncrement())));
    }
    if (next.get() < EVENTS) {
      socket.drainHandler(nothing -> send(socket, next));
    }
  }

  private double parse() throws Exception {
    long start = System.nanoTime();
    int fields = 0;
    for (byte[] frame : frames) {
      fields += Json.read(frame).size();
    }
    if (fields < EVENTS) {
      throw new IllegalStateException("the events have no fields");
    }
    return seconds(start);
  }

  private double drain() throws Exception {
    Path data = Files.createTempDirectory(folder, "archive");
    BlockStream stream = new BlockStream(factory, "drain", () -> StreamId.ZERO);
    fill(stream, frames);
    try (Archive archive = Archive.open(data);
        DuckDb duckDb = DuckDb.open(data.resolve("tmp"), "512MB", 2)) {
      Drain drain = new Drain(stream, archive, duckDb, LIMITS);
      long start = System.nanoTime();
      long stored = 0;
      BatchReport report;
      do {
        report = drain.batch();
        stored += report.stored();
      } while (report.more());
      double seconds = seconds(start);
      if (stored != EVENTS) {
        throw new IllegalStateException(stored + " of " + EVENTS + " events were stored");
      }
      return seconds;
    } finally {
      delete("drain");
      FileSystemUtils.deleteRecursively(data);
    }
  }

  /** A batch of five minutes at the mission's rate, again and again on a growing archive. */
  private double batches() throws Exception {
    Path data = Files.createTempDirectory(folder, "archive");
    BlockStream stream = new BlockStream(factory, "batch", () -> StreamId.ZERO);
    int batches = Math.min(ROUNDS + 2, EVENTS / BATCH);
    double[] seconds = new double[batches - 2];
    try (Archive archive = Archive.open(data);
        DuckDb duckDb = DuckDb.open(data.resolve("tmp"), "512MB", 2)) {
      Drain drain = new Drain(stream, archive, duckDb, LIMITS);
      for (int batch = 0; batch < batches; batch++) {
        fill(stream, frames.subList(batch * BATCH, (batch + 1) * BATCH));
        long start = System.nanoTime();
        BatchReport report = drain.batch();
        if (report.stored() != BATCH) {
          throw new IllegalStateException(report.stored() + " of " + BATCH + " events were stored");
        }
        if (batch >= 2) {
          seconds[batch - 2] = seconds(start);
        }
      }
    } finally {
      delete("batch");
    }
    row("a batch of " + BATCH + " events", seconds, "s");
    return median(seconds);
  }

  private void fill(BlockStream stream, List<byte[]> events) {
    for (int from = 0; from < events.size(); from += 1000) {
      List<byte[]> block = events.subList(from, Math.min(from + 1000, events.size()));
      stream.append(new Block("ws://benchmark", "c", from > 0, 1, 1 + from, Instant.now(), block));
    }
  }

  private void delete(String key) {
    try (var connection = factory.getConnection()) {
      connection.keyCommands().del(key.getBytes(StandardCharsets.UTF_8));
    }
  }

  private static void row(String name, double[] values, String unit) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    System.out.printf(
        Locale.ROOT,
        "%-62s median %,.2f %s (from %,.2f to %,.2f)%n",
        name,
        median(values),
        unit,
        sorted[0],
        sorted[sorted.length - 1]);
  }

  private static double median(double[] values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    return sorted[sorted.length / 2];
  }

  private static double seconds(long start) {
    return (System.nanoTime() - start) / 1e9;
  }
}
