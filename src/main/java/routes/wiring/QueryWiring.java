package routes.wiring;

import java.time.Clock;
import java.util.Optional;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.info.BuildProperties;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import routes.api.Problems;
import routes.api.SearchApi;
import routes.api.StatusApi;
import routes.archive.Archive;
import routes.archive.DuckDb;
import routes.identity.HandleResolver;
import routes.search.PostSearch;
import routes.wiring.ExplorerProperties.Role;

/** What the routes of the API name. */
@Configuration(proxyBeanMethods = false)
@ForRole(Role.QUERY)
class QueryWiring {

  @Bean
  PostSearch postSearch(ExplorerProperties properties, Archive archive, DuckDb duckDb) {
    return new PostSearch(archive, duckDb, properties.query().timeout(), properties.query().maxConcurrent());
  }

  @Bean
  HandleResolver handleResolver(ExplorerProperties properties) {
    ExplorerProperties.Identity identity = properties.identity();
    return new HandleResolver(Optional.ofNullable(identity.url()).filter(url -> !url.toString().isBlank()), identity.timeout());
  }

  @Bean
  SearchApi searchApi(ExplorerProperties properties, PostSearch search, HandleResolver handles, Clock clock) {
    return new SearchApi(search, handles, properties.query().rowCap(), properties.demo(), clock);
  }

  @Bean
  StatusApi statusApi(ExplorerProperties properties, Archive archive, IntakeProbe intake, ObjectProvider<BuildProperties> build, Clock clock) {
    BuildProperties known = build.getIfAvailable();
    return new StatusApi(archive, intake, properties.demo(), known == null ? "development" : known.getVersion(), clock);
  }

  @Bean
  Problems problems() {
    return new Problems();
  }
}
