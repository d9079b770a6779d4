package routes.wiring;

import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.ToDoubleFunction;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.stereotype.Component;
import routes.api.StatusApi.Intake;
import routes.archive.Archive;
import routes.archive.BatchReport;
import routes.archive.Compaction;
import routes.archive.Completeness;
import routes.archive.DeadLetters;
import routes.archive.TableName;
import routes.jetstream.RootCause;
import routes.wiring.ExplorerProperties.Role;

/** The pipeline in numbers; routes report batches here. */
@Component("pipelineMetrics")
@ForRole({Role.INGEST, Role.DRAIN, Role.QUERY})
public class PipelineMetrics {

  private static final Logger LOG = LoggerFactory.getLogger(PipelineMetrics.class);

  private static final List<String> UPKEEP =
      List.of("compaction", "engagement", "expire", "retention", "leftovers", "dead-letters");

  private final MeterRegistry registry;
  private final ObjectProvider<Compaction> compaction;
  private final Instant since = Instant.now();
  private volatile Instant lastBatch;
  private volatile String failure;
  private final Map<String, String> upkeepFailures = new ConcurrentHashMap<>();

  PipelineMetrics(
      ExplorerProperties properties,
      MeterRegistry registry,
      IntakeProbe probe,
      Completeness completeness,
      Archive archive,
      ObjectProvider<Compaction> compaction) {
    this.registry = registry;
    // Counters that start when the first failure is counted would hide that one from Prometheus.
    registry.counter("explorer.batch.failures");
    DeadLetters.REASONS.forEach(
        reason -> registry.counter("explorer.dead.letters", "reason", reason));
    UPKEEP.forEach(task -> registry.counter("explorer.upkeep.failures", "task", task));
    if (properties.has(Role.DRAIN)) {
      Gauge.builder(
              "explorer.batch.last.timestamp.seconds",
              this,
              metrics ->
                  Optional.ofNullable(metrics.lastBatch).orElse(since).toEpochMilli() / 1000.0)
          .description("When a batch last ended without an error; at first, when the process began")
          .register(registry);
    }
    for (TableName table : TableName.values()) {
      Gauge.builder("explorer.archive.bytes", () -> archive.snapshot(table).bytes())
          .description("Bytes of the live files of a table")
          .tag("table", table.label())
          .register(registry);
    }
    // A gauge does not keep what it asks.
    this.compaction = compaction;
    Gauge.builder("explorer.compaction.rows", this, PipelineMetrics::rowsToCompact)
        .description("Rows of the table and date that is being compacted; 0 while none is")
        .register(registry);
    Gauge.builder(
            "explorer.gaps",
            completeness,
            known -> known.summary(Optional.empty(), Optional.empty()).gaps())
        .description("Stretches of time of which nothing was received, over the whole archive")
        .register(registry);
    gauge(
        "explorer.ingest.lag.seconds",
        "Seconds between the newest event received and now",
        probe,
        PipelineMetrics::lagSeconds);
    gauge(
        "explorer.ingest.connected",
        "1 while connected to Jetstream, else 0",
        probe,
        intake -> "CONNECTED".equals(intake.state()) ? 1 : 0);
    gauge(
        "explorer.buffer.blocks",
        "Blocks received and not archived",
        probe,
        Intake::bufferedBlocks);
    gauge("explorer.buffer.bytes", "Bytes of the stream in Redis", probe, Intake::bufferedBytes);
    gauge(
        "explorer.buffer.max.bytes",
        "Bytes that Redis may hold; it has no such limit where this is not a number",
        probe,
        intake -> intake.maxBytes() == 0 ? Double.NaN : intake.maxBytes());
  }

  private void gauge(
      String name, String description, IntakeProbe probe, ToDoubleFunction<Intake> value) {
    Gauge.builder(name, probe, known -> known.get().map(value::applyAsDouble).orElse(Double.NaN))
        .description(description)
        .register(registry);
  }

  private double rowsToCompact() {
    return Optional.ofNullable(compaction.getIfAvailable())
        .flatMap(Compaction::underWay)
        .map(Compaction.UnderWay::of)
        .orElse(0L);
  }

  private static double lagSeconds(Intake intake) {
    return intake.lastEvent() == null
        ? Double.NaN
        : Duration.between(intake.lastEvent(), Instant.now()).toMillis() / 1000.0;
  }

  /** Counts what a batch did. */
  public void batch(BatchReport report) {
    lastBatch = Instant.now();
    failure = null;
    if (report.isEmpty()) {
      return;
    }
    registry.timer("explorer.batch").record(report.duration());
    registry.counter("explorer.batch.events").increment(report.events());
    registry.counter("explorer.duplicates").increment(report.duplicates());
    report
        .rows()
        .forEach(
            (table, rows) ->
                registry.counter("explorer.rows", "table", table.label()).increment(rows));
    report
        .deadLetters()
        .forEach(
            (reason, frames) ->
                registry.counter("explorer.dead.letters", "reason", reason).increment(frames));
  }

  /** Counts a batch that failed, and says why. */
  public void batchFailed(Throwable failed) {
    failure = RootCause.message(failed);
    LOG.error(
        "The batch failed; nothing is lost, the next one starts at the same place. The reason: {}",
        failure,
        failed);
    registry.counter("explorer.batch.failures").increment();
  }

  /** Takes down that a task of upkeep went well. */
  public void upkeepDone(String task) {
    upkeepFailures.remove(task);
  }

  /** Counts a task of upkeep that failed, and says why. */
  public void upkeepFailed(String task, Throwable failed) {
    String reason = RootCause.message(failed);
    upkeepFailures.put(task, reason);
    LOG.error("{} failed, and is tried again on schedule. The reason: {}", task, reason, failed);
    registry.counter("explorer.upkeep.failures", "task", task).increment();
  }

  /** Tasks of upkeep that failed when they were last tried, and why. */
  Map<String, String> upkeepFailures() {
    return new TreeMap<>(upkeepFailures);
  }

  /** When a batch was last drained without an error, even an empty one; null before the first. */
  Instant lastBatch() {
    return lastBatch;
  }

  /** Why the last batch failed; empty when it did not. */
  Optional<String> failure() {
    return Optional.ofNullable(failure);
  }
}
