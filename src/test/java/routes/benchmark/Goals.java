package routes.benchmark;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.DoublePredicate;

/**
 * Every goal beside what is measured, as a table: {@code mvn -Pbenchmark verify
 * -Dbenchmark=routes.benchmark.Goals -Ddays=1 -Dminutes=30 -Dmemory=6g}. Takes {@code minutes}, and
 * a quarter of an hour for each of {@code days}, more.
 */
public final class Goals {

  private static final Path JAR = Path.of("target/bluesky-post-explorer.jar");

  private Goals() {}

  /** One row of the table. */
  private record Goal(String what, String asked, double measured, DoublePredicate isMet) {

    String row() {
      return String.format(
          Locale.ROOT,
          "| %s | %s | %s | %s |",
          what,
          asked,
          measured >= 1_000
              ? String.format(Locale.ROOT, "%,.0f", measured)
              : String.format(Locale.ROOT, measured < 10 ? "%.2f" : "%.1f", measured),
          isMet.test(measured) ? "yes" : "**no**");
    }
  }

  public static void main(String[] arguments) throws Exception {
    Map<String, Double> figures = PipelineBenchmark.measure();
    Map<String, Double> day = ScaleCampaign.measure();
    Map<String, Double> steady = SteadyRun.measure();
    double reference = figures.getOrDefault("redis_benchmark", figures.get("xadd"));
    double catchingUp =
        day.get("archiving_processor_s") / Runtime.getRuntime().availableProcessors();
    List<Goal> goals =
        List.of(
            atLeast("ingest, events/s", 100_000, figures.get("ingest")),
            atLeast(
                figures.containsKey("redis_benchmark")
                    ? "ingest to redis-benchmark's pipelined XADD"
                    : "ingest to pipelined XADD (redis-benchmark is not installed)",
                1,
                figures.get("ingest") / reference),
            atLeast("drain of a backlog, events/s", 150_000, figures.get("drain")),
            atMost("a batch of five minutes, s", 1, figures.get("batch_s")),
            atMost("a day archived, simulator beside it, s", 180, day.get("archiving_s")),
            atMost("the same by its own processor time alone, s", 180, catchingUp),
            atMost(
                "with compaction and index, s",
                420,
                day.get("archiving_s") + day.get("compacting_s")),
            atMost("bytes a post", 150, day.get("bytes_a_post")),
            atLeast(
                "% smaller than JSON",
                85, 100 * (1 - day.get("bytes_an_event") / day.get("json_bytes_an_event"))),
            atMost("events that are missing after the days", 0, day.get("missing")),
            atMost("p95 of questions, ms", 100, day.get("query_p95_ms")),
            atMost("resident at 1,000 events/s with searches, MB", 1024, steady.get("resident_mb")),
            atMost("pauses of the collector, p99, ms", 50, steady.get("pause_p99_ms")),
            atMost("ready, with a cache of the start, s", 5, steady.get("ready_s")),
            atMost("lost, twice or wrong after kills", 0, steady.get("wrong")),
            atMost("jar, MB", 120, Files.size(JAR) / 1e6));
    System.out.printf(
        Locale.ROOT,
        "Machines differ, and one from hour to hour: this one read %,.0f events/s to trees of JSON in"
            + " one thread, and wrote %,.0f by pipelined XADD.%n",
        figures.get("parse"),
        figures.get("xadd"));
    System.out.println("| goal | asked | measured | met |\n|---|---|---|---|");
    goals.forEach(goal -> System.out.println(goal.row()));
  }

  private static Goal atLeast(String what, double limit, double measured) {
    return new Goal(what, "≥ " + round(limit), measured, value -> value >= limit);
  }

  private static Goal atMost(String what, double limit, double measured) {
    return new Goal(what, "≤ " + round(limit), measured, value -> value <= limit);
  }

  private static String round(double limit) {
    return String.format(Locale.ROOT, "%,.0f", limit);
  }
}
