package routes.wiring;

import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.LoadingCache;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import org.apache.camel.CamelContext;
import org.apache.camel.Route;
import org.apache.camel.component.master.MasterConsumer;
import org.apache.camel.component.master.MasterEndpoint;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.dao.DataAccessException;
import routes.api.StatusApi.Intake;
import routes.archive.Archive;
import routes.archive.ArchivePosition;
import routes.archive.Times;
import routes.buffer.BlockStream;
import routes.buffer.StoredBlock;
import routes.buffer.StreamId;
import routes.jetstream.JetstreamEndpoint;
import routes.jetstream.JetstreamStatus;

/**
 * Looks at what is before the archive: the connection, where it is ours, and the stream. Asked
 * often, it looks once a second.
 */
final class IntakeProbe implements Supplier<Optional<Intake>> {

  private static final Logger LOG = LoggerFactory.getLogger(IntakeProbe.class);

  private static final int NEWEST_BLOCKS = 20;
  private static final Duration QUIET = Duration.ofSeconds(30);

  private final BlockStream stream;
  private final Archive archive;
  private final CamelContext camel;
  private final Clock clock;
  private final LoadingCache<String, Optional<Intake>> cache =
      Caffeine.newBuilder().expireAfterWrite(Duration.ofSeconds(1)).build(key -> look());

  IntakeProbe(BlockStream stream, Archive archive, CamelContext camel, Clock clock) {
    this.stream = stream;
    this.archive = archive;
    this.camel = camel;
    this.clock = clock;
  }

  /** Empty when Redis cannot be reached. */
  @Override
  public Optional<Intake> get() {
    return cache.get("now");
  }

  /** The connection of this process; empty in a process that does not ingest. */
  Optional<JetstreamStatus> connection() {
    return camel.getEndpoints().stream()
        .filter(JetstreamEndpoint.class::isInstance)
        .map(JetstreamEndpoint.class::cast)
        .filter(endpoint -> !endpoint.isFilling())
        .flatMap(endpoint -> endpoint.status().stream())
        .findFirst()
        .or(this::standby);
  }

  private Optional<JetstreamStatus> standby() {
    return camel.getRoutes().stream()
        .map(Route::getConsumer)
        .filter(MasterConsumer.class::isInstance)
        .map(MasterConsumer.class::cast)
        .filter(consumer -> isOfJetstream(consumer) && !consumer.isMaster())
        .map(
            consumer ->
                new JetstreamStatus(
                    JetstreamStatus.State.STANDBY,
                    "",
                    clock.instant(),
                    "another process with the same data folder reads; this one takes over when that ends"))
        .findFirst();
  }

  private static boolean isOfJetstream(MasterConsumer consumer) {
    return consumer.getEndpoint() instanceof MasterEndpoint master
        && master.getEndpoint() instanceof JetstreamEndpoint;
  }

  private Optional<Intake> look() {
    Optional<JetstreamStatus> connection = connection();
    try {
      List<StoredBlock> newest = stream.newest(NEWEST_BLOCKS);
      Optional<StoredBlock> last =
          newest.stream().filter(block -> block.block().count() > 0).findFirst();
      Optional<ArchivePosition> archived = archive.position();
      // The entry that the archive ends with is kept.
      boolean oldestIsArchived = archived.isPresent() && !newest.isEmpty();
      long waiting = stream.size() - (oldestIsArchived ? 1 : 0);
      boolean nothingWaits =
          archived.map(at -> !lastId(newest).isAfter(at.streamId())).orElse(newest.isEmpty());
      return Optional.of(
          new Intake(
              connection.map(status -> status.state().name()).orElse(null),
              connection
                  .map(JetstreamStatus::host)
                  .filter(host -> !host.isEmpty())
                  .or(() -> last.map(block -> block.block().host()))
                  .orElse(null),
              connection.map(JetstreamStatus::detail).orElse(null),
              newest.stream()
                  .map(block -> block.block().lastTimeUs())
                  .max(Long::compare)
                  .filter(time -> time > 0)
                  .map(Times::instant)
                  .orElse(null),
              last.map(block -> block.block().receivedAt()).orElse(null),
              eventsPerSecond(newest),
              nothingWaits ? 0 : waiting,
              stream.memoryBytes(),
              stream.maxMemoryBytes()));
    } catch (DataAccessException e) {
      LOG.debug("The buffer cannot be reached", e);
      return Optional.empty();
    }
  }

  private static StreamId lastId(List<StoredBlock> newest) {
    return newest.isEmpty() ? StreamId.ZERO : newest.get(0).id();
  }

  private double eventsPerSecond(List<StoredBlock> newestFirst) {
    if (newestFirst.size() < 2) {
      return 0;
    }
    Instant newest = newestFirst.get(0).block().receivedAt();
    Instant oldest = newestFirst.get(newestFirst.size() - 1).block().receivedAt();
    double seconds = Duration.between(oldest, newest).toMillis() / 1000.0;
    if (seconds <= 0 || newest.isBefore(clock.instant().minus(QUIET))) {
      return 0;
    }
    long events =
        newestFirst.stream()
            .limit(newestFirst.size() - 1L)
            .mapToLong(block -> block.block().count())
            .sum();
    return Math.round(events / seconds * 10) / 10.0;
  }
}
