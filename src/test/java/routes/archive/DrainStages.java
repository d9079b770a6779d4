package routes.archive;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;
import org.openjdk.jmh.infra.Blackhole;
import org.openjdk.jmh.profile.GCProfiler;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.springframework.util.FileSystemUtils;
import routes.jetstream.EventReader;
import routes.jetstream.Json;
import routes.jetstream.UnreadableFrame;
import routes.simulator.World;

/**
 * What each step of a drain costs an event, in one thread: {@code mvn -Pbenchmark verify
 * -Dbenchmark=routes.archive.DrainStages}. {@link #tree} is the reference.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@OperationsPerInvocation(DrainStages.EVENTS)
@Warmup(iterations = 5, time = 2)
@Measurement(iterations = 5, time = 2)
@Fork(1)
public class DrainStages {

  static final int EVENTS = 100_000;

  private final EventRows rows = new EventRows();
  private final List<byte[]> frames = new ArrayList<>(EVENTS);
  private List<Row> prepared;

  public static void main(String[] arguments) throws RunnerException {
    new Runner(
            new OptionsBuilder()
                .include(DrainStages.class.getSimpleName())
                .addProfiler(GCProfiler.class)
                .build())
        .run();
  }

  @Setup
  public void receive() {
    World world = new World(1, 1000);
    for (long n = 1_000_000; frames.size() < EVENTS; n++) {
      frames.add(world.frame(n));
    }
    prepared = rows();
    prepared.forEach(Row::prepared);
  }

  private List<Row> rows() {
    return frames.stream().map(frame -> rows.row(frame, "ws://simulated", Instant.EPOCH)).toList();
  }

  /** JSON to a tree. */
  @Benchmark
  public void tree(Blackhole hole) throws IOException {
    for (byte[] frame : frames) {
      hole.consume(Json.read(frame));
    }
  }

  /** The event, the tree included. */
  @Benchmark
  public void event(Blackhole hole) throws UnreadableFrame {
    for (byte[] frame : frames) {
      hole.consume(EventReader.read(frame));
    }
  }

  /** Its row, the event included. */
  @Benchmark
  public void row(Blackhole hole) {
    for (byte[] frame : frames) {
      hole.consume(rows.row(frame, "ws://simulated", Instant.EPOCH));
    }
  }

  /** The key that a row is known by. */
  @Benchmark
  public void key(Blackhole hole) {
    for (Row row : prepared) {
      hole.consume(EventKey.of(row.table(), row.values()));
    }
  }

  /** Whether the key was seen. */
  @Benchmark
  public KeySet seen() {
    KeySet seen = new KeySet();
    for (Row row : prepared) {
      seen.add(row.key());
    }
    return seen;
  }

  /** The files of all tables, compression and synchronization with the disk included. */
  @Benchmark
  public void parquet(Unwritten unwritten) throws IOException {
    for (TableName table : TableName.EVENTS) {
      try (TableWriter writer =
          new TableWriter(
              unwritten.archive.table(table), table, LocalDate.EPOCH, TableWriter.Kind.BATCH)) {
        for (Row row : unwritten.rows) {
          if (row.table() == table) {
            writer.write(row.values());
          }
        }
        writer.finish();
      }
    }
  }

  /** Rows, each time new ones: whoever writes them changes their texts. */
  @State(Scope.Thread)
  public static class Unwritten {

    private Path folder;
    private Archive archive;
    private List<Row> rows;

    @Setup(Level.Invocation)
    public void make(DrainStages stages) throws IOException {
      folder = Files.createTempDirectory("stages");
      archive = Archive.open(folder);
      rows = stages.rows();
    }

    @TearDown(Level.Invocation)
    public void remove() throws IOException {
      archive.close();
      FileSystemUtils.deleteRecursively(folder);
    }
  }
}
