package routes.wiring;

import java.io.IOException;
import java.sql.SQLException;
import java.time.Clock;
import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.beans.factory.annotation.Qualifier;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Primary;
import org.springframework.util.unit.DataSize;
import routes.archive.Archive;
import routes.archive.Compaction;
import routes.archive.Completeness;
import routes.archive.DeadLetters;
import routes.archive.Drain;
import routes.archive.DuckDb;
import routes.archive.Expiry;
import routes.archive.LeftoverFiles;
import routes.archive.Pace;
import routes.archive.Retention;
import routes.archive.TableName;
import routes.buffer.BlockStream;
import routes.search.EngagementCounter;
import routes.search.PostIndexes;
import routes.wiring.ExplorerProperties.Role;

/** The archive and what fills it. */
@Configuration(proxyBeanMethods = false)
@ForRole({Role.INGEST, Role.DRAIN, Role.QUERY})
class ArchiveWiring {

  @Bean
  Archive archive(ExplorerProperties properties) throws IOException {
    return Archive.open(DataFolder.claim(properties.dataDir(), properties.demo()));
  }

  @Bean
  @Primary
  DuckDb duckDb(ExplorerProperties properties, Archive archive) throws SQLException, IOException {
    return duckDb(properties, properties.query().memory());
  }

  /** Of its own, so that neither queries nor upkeep take the memory of the other. */
  @Bean
  @ForRole(Role.DRAIN)
  DuckDb upkeepDuckDb(ExplorerProperties properties, Archive archive)
      throws SQLException, IOException {
    return duckDb(properties, properties.compact().memory());
  }

  private static DuckDb duckDb(ExplorerProperties properties, DataSize memory)
      throws SQLException, IOException {
    int threads =
        properties.query().threads() == 0
            ? Runtime.getRuntime().availableProcessors()
            : properties.query().threads();
    return DuckDb.open(properties.dataDir().resolve("tmp"), memory.toMegabytes() + "MB", threads);
  }

  @Bean
  @ForRole(Role.DRAIN)
  Drain drain(ExplorerProperties properties, BlockStream stream, Archive archive, DuckDb duckDb) {
    ExplorerProperties.Drain drain = properties.drain();
    return new Drain(
        stream,
        archive,
        duckDb,
        new Drain.Limits(drain.maxEvents(), drain.maxBytes().toBytes(), drain.maxDuration()));
  }

  @Bean
  @ForRole({Role.DRAIN, Role.QUERY})
  PostIndexes postIndexes(Pace pace) {
    return new PostIndexes(pace);
  }

  /** Compaction and the building of indexes give way to a batch. */
  @Bean
  Pace pace(ObjectProvider<Drain> drain) {
    return new Pace(
        () -> {
          Drain known = drain.getIfAvailable();
          return known != null && known.isRunning();
        });
  }

  @Bean
  @ForRole(Role.DRAIN)
  Expiry expiry(ExplorerProperties properties, Archive archive) {
    return new Expiry(archive, properties.expire().after());
  }

  @Bean
  @ForRole(Role.DRAIN)
  Compaction compaction(
      ExplorerProperties properties,
      Archive archive,
      @Qualifier("upkeepDuckDb") DuckDb duckDb,
      PostIndexes indexes,
      Pace pace,
      Clock clock) {
    ExplorerProperties.Compact compact = properties.compact();
    return new Compaction(
        archive,
        duckDb,
        indexes::build,
        new Compaction.Limits(compact.maxRows(), compact.purgeDays()),
        pace,
        clock);
  }

  @Bean
  @ForRole(Role.DRAIN)
  EngagementCounter engagementCounter(
      Archive archive, @Qualifier("upkeepDuckDb") DuckDb duckDb, Clock clock) {
    return new EngagementCounter(archive, duckDb, clock);
  }

  @Bean
  @ForRole({Role.DRAIN, Role.QUERY})
  Retention retention(ExplorerProperties properties, Archive archive, Clock clock) {
    ExplorerProperties.Retain retain = properties.retain();
    Map<TableName, Retention.Limit> limits = new EnumMap<>(TableName.class);
    Stream.concat(retain.days().keySet().stream(), retain.bytes().keySet().stream())
        .distinct()
        .forEach(
            label ->
                limits.put(
                    TableName.named(label)
                        .orElseThrow(
                            () ->
                                new IllegalArgumentException(
                                    "explorer.retain names the table '"
                                        + label
                                        + "', and there is none of that name")),
                    new Retention.Limit(
                        Optional.ofNullable(retain.days().get(label)),
                        Optional.ofNullable(retain.bytes().get(label)).map(DataSize::toBytes))));
    return new Retention(archive, limits, clock);
  }

  @Bean
  @ForRole(Role.DRAIN)
  LeftoverFiles leftoverFiles(ExplorerProperties properties, Archive archive, Clock clock) {
    return new LeftoverFiles(archive, properties.dataDir(), properties.leftovers().grace(), clock);
  }

  @Bean
  @ForRole({Role.DRAIN, Role.QUERY})
  DeadLetters deadLetters(Archive archive, DuckDb duckDb) {
    return new DeadLetters(archive, duckDb);
  }

  @Bean
  Completeness completeness(
      ExplorerProperties properties, Archive archive, DuckDb duckDb, Clock clock) {
    return new Completeness(archive, duckDb, properties.jetstream().replayWindow(), clock);
  }
}
