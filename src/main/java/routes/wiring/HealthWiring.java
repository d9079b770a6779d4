package routes.wiring;

import java.util.Optional;
import org.springframework.boot.actuate.health.Health;
import org.springframework.boot.actuate.health.HealthIndicator;
import org.springframework.boot.actuate.health.Status;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import routes.api.StatusApi.Intake;
import routes.archive.Archive;
import routes.jetstream.JetstreamStatus;
import routes.search.PostSearch;
import routes.wiring.ExplorerProperties.Role;

/**
 * What {@code /observe/health} says.
 *
 * <p>Being cut off from Jetstream is shown, but makes nobody unready: the process waits and goes on
 * by itself, and can still be asked.
 */
@Configuration(proxyBeanMethods = false)
class HealthWiring {

  /** Redis, for roles that cannot work without it. */
  @Bean
  @ForRole({Role.INGEST, Role.DRAIN})
  HealthIndicator bufferHealthIndicator(IntakeProbe probe) {
    return () -> {
      Optional<Intake> intake = probe.get();
      return intake
          .map(
              known ->
                  Health.up()
                      .withDetail("blocks", known.bufferedBlocks())
                      .withDetail("bytes", known.bufferedBytes())
                      .build())
          .orElseGet(
              () ->
                  Health.down()
                      .withDetail("reason", "Redis cannot be reached; ingest and drain wait for it")
                      .build());
    };
  }

  /** The catalog and the tables. */
  @Bean
  @ForRole({Role.DRAIN, Role.QUERY})
  HealthIndicator archiveHealthIndicator(Archive archive) {
    return () -> {
      Health.Builder up = Health.up();
      archive.position().ifPresent(at -> up.withDetail("position", at.lastEntry()));
      return up.build();
    };
  }

  /** Whether queries are answered at once: not while the archive is opened for them at a start. */
  @Bean
  @ForRole(Role.QUERY)
  HealthIndicator searchHealthIndicator(PostSearch search) {
    return () ->
        search.isPrepared()
            ? Health.up().build()
            : Health.outOfService()
                .withDetail("reason", "the archive is being prepared for queries")
                .build();
  }

  @Bean
  @ForRole(Role.INGEST)
  HealthIndicator jetstreamHealthIndicator(IntakeProbe probe) {
    return () -> {
      Optional<JetstreamStatus> connection = probe.connection();
      if (connection.isEmpty()) {
        return Health.status(new Status("STOPPED"))
            .withDetail("reason", "there is no route that reads from Jetstream")
            .build();
      }
      JetstreamStatus status = connection.get();
      boolean connected = status.state() == JetstreamStatus.State.CONNECTED;
      Health.Builder health =
          connected ? Health.up() : Health.status(new Status(status.state().name()));
      health.withDetail("host", status.host()).withDetail("since", status.since().toString());
      return (status.detail() == null ? health : health.withDetail("reason", status.detail()))
          .build();
    };
  }

  @Bean
  @ForRole(Role.DRAIN)
  HealthIndicator drainHealthIndicator(PipelineMetrics metrics) {
    return () -> {
      Health.Builder health = metrics.failure().isPresent() ? Health.down() : Health.up();
      metrics.failure().ifPresent(reason -> health.withDetail("reason", reason));
      return (metrics.lastBatch() == null
              ? health
              : health.withDetail("lastBatch", metrics.lastBatch().toString()))
          .build();
    };
  }

  /** Compaction, the removal of old commits and left-over files, another try for dead letters. */
  @Bean
  @ForRole(Role.DRAIN)
  HealthIndicator upkeepHealthIndicator(PipelineMetrics metrics) {
    return () ->
        metrics.upkeepFailures().isEmpty()
            ? Health.up().build()
            : Health.status(new Status("UPKEEP_FAILED"))
                .withDetails(metrics.upkeepFailures())
                .build();
  }

  /** Route files of the operator that could not be loaded. */
  @Bean
  HealthIndicator routesHealthIndicator(RouteFiles files) {
    return () ->
        files.failures().isEmpty()
            ? Health.up().build()
            : Health.status(new Status("BROKEN_ROUTES")).withDetails(files.failures()).build();
  }
}
