package routes.archive;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.springframework.util.FileSystemUtils;
import routes.jetstream.EventReader;
import routes.jetstream.Json;
import routes.jetstream.UnreadableFrame;
import routes.simulator.World;

/**
 * What each step of a drain costs an event, in one thread: {@code mvn -Pbenchmark verify
 * -Dbenchmark=routes.archive.DrainStages}. Reading the JSON to a tree is the reference.
 */
public final class DrainStages {

  private static final int EVENTS = 200_000;
  private static final int ROUNDS = 8;

  private final List<byte[]> frames = new ArrayList<>(EVENTS);

  private DrainStages() {
    World world = new World(1, 1000);
    for (long n = 1_000_000; frames.size() < EVENTS; n++) {
      frames.add(world.frame(n));
    }
  }

  public static void main(String[] arguments) throws Exception {
    Path folder = Files.createTempDirectory("stages");
    try (Archive archive = Archive.open(folder)) {
      DrainStages stages = new DrainStages();
      for (int round = 1; round <= ROUNDS; round++) {
        System.out.println("round " + round + ", microseconds an event: " + stages.run(archive));
      }
    } finally {
      FileSystemUtils.deleteRecursively(folder);
    }
  }

  private String run(Archive archive) throws Exception {
    long known = 0;
    long start = System.nanoTime();
    for (byte[] frame : frames) {
      known += Json.read(frame).size();
    }
    double tree = micros(start);
    start = System.nanoTime();
    for (byte[] frame : frames) {
      known += event(frame);
    }
    double event = micros(start);
    EventRows rows = new EventRows();
    List<Row> all = new ArrayList<>(EVENTS);
    start = System.nanoTime();
    for (byte[] frame : frames) {
      all.add(rows.row(frame, "ws://simulated", Instant.EPOCH));
    }
    double row = micros(start);
    start = System.nanoTime();
    all.forEach(Row::prepared);
    double key = micros(start);
    KeySet set = new KeySet();
    start = System.nanoTime();
    for (Row each : all) {
      known += set.add(each.key()) ? 1 : 0;
    }
    double seen = micros(start);
    double parquet = 0;
    for (TableName table : TableName.EVENTS) {
      List<Row> of = all.stream().filter(each -> each.table() == table).toList();
      start = System.nanoTime();
      write(archive, table, of);
      parquet += micros(start);
    }
    if (known < EVENTS) {
      throw new IllegalStateException("the events have no fields");
    }
    return String.format(
        Locale.ROOT,
        "tree %.2f, event %.2f, row with it %.2f, key %.2f, duplicates %.2f, Parquet %.2f",
        tree,
        event,
        row,
        key,
        seen,
        parquet);
  }

  private static int event(byte[] frame) {
    try {
      return EventReader.read(frame).did().length();
    } catch (UnreadableFrame e) {
      throw new IllegalStateException(e);
    }
  }

  private static void write(Archive archive, TableName table, List<Row> rows) throws IOException {
    try (TableWriter writer =
        new TableWriter(archive.table(table), table, LocalDate.EPOCH, TableWriter.Kind.BATCH)) {
      for (Row row : rows) {
        writer.write(row.values());
      }
      writer.finish();
    }
  }

  private static double micros(long start) {
    return (System.nanoTime() - start) / 1000.0 / EVENTS;
  }
}
