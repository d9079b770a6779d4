package routes.wiring;

import java.io.IOException;
import java.sql.SQLException;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import routes.archive.Archive;
import routes.archive.Drain;
import routes.archive.DuckDb;
import routes.archive.Expiry;
import routes.buffer.BlockStream;
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
  @ForRole({Role.DRAIN, Role.QUERY})
  DuckDb duckDb(ExplorerProperties properties, Archive archive) throws SQLException, IOException {
    int threads =
        properties.query().threads() == 0
            ? Runtime.getRuntime().availableProcessors()
            : properties.query().threads();
    return DuckDb.open(
        properties.dataDir().resolve("tmp"),
        properties.query().memory().toMegabytes() + "MB",
        threads);
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
  @ForRole(Role.DRAIN)
  Expiry expiry(ExplorerProperties properties, Archive archive) {
    return new Expiry(archive, properties.expire().after());
  }
}
