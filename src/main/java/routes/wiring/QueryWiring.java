package routes.wiring;

import com.fasterxml.jackson.core.json.JsonWriteFeature;
import java.net.URI;
import java.time.Clock;
import java.util.List;
import java.util.Optional;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.autoconfigure.jackson.Jackson2ObjectMapperBuilderCustomizer;
import org.springframework.boot.info.BuildProperties;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.web.cors.CorsConfiguration;
import org.springframework.web.cors.UrlBasedCorsConfigurationSource;
import org.springframework.web.filter.CorsFilter;
import routes.api.CompletenessApi;
import routes.api.DeadLettersApi;
import routes.api.OpenApi;
import routes.api.PageSafety;
import routes.api.PostApi;
import routes.api.Problems;
import routes.api.SearchApi;
import routes.api.StatusApi;
import routes.archive.Archive;
import routes.archive.Compaction;
import routes.archive.Completeness;
import routes.archive.DeadLetters;
import routes.archive.DuckDb;
import routes.buffer.BlockStream;
import routes.identity.HandleResolver;
import routes.search.PostIndexes;
import routes.search.PostSearch;
import routes.wiring.ExplorerProperties.Role;

/** What the routes of the API name. */
@Configuration(proxyBeanMethods = false)
@ForRole(Role.QUERY)
class QueryWiring {

  @Bean
  PostSearch postSearch(
      ExplorerProperties properties,
      Archive archive,
      DuckDb duckDb,
      PostIndexes indexes,
      BlockStream stream) {
    ExplorerProperties.Query query = properties.query();
    return new PostSearch(
        archive, duckDb, indexes, stream, query.maxTail(), query.timeout(), query.maxConcurrent());
  }

  @Bean
  HandleResolver handleResolver(ExplorerProperties properties) {
    ExplorerProperties.Identity identity = properties.identity();
    return new HandleResolver(
        Optional.of(identity.url()).filter(url -> !url.isBlank()).map(URI::create),
        identity.timeout());
  }

  @Bean
  SearchApi searchApi(
      ExplorerProperties properties,
      PostSearch search,
      HandleResolver handles,
      Completeness completeness,
      Clock clock) {
    return new SearchApi(
        search, handles, completeness, properties.query().rowCap(), properties.demo(), clock);
  }

  @Bean
  OpenApi openApi() {
    return new OpenApi();
  }

  @Bean
  PostApi postApi(PostSearch search) {
    return new PostApi(search);
  }

  @Bean
  CompletenessApi completenessApi(Completeness completeness) {
    return new CompletenessApi(completeness);
  }

  @Bean
  DeadLettersApi deadLettersApi(DeadLetters deadLetters) {
    return new DeadLettersApi(deadLetters);
  }

  @Bean
  StatusApi statusApi(
      ExplorerProperties properties,
      Archive archive,
      Completeness completeness,
      IntakeProbe intake,
      ObjectProvider<Compaction> compaction,
      ObjectProvider<BuildProperties> build,
      Clock clock) {
    BuildProperties known = build.getIfAvailable();
    return new StatusApi(
        archive,
        completeness,
        intake,
        () -> Optional.ofNullable(compaction.getIfAvailable()).flatMap(Compaction::underWay),
        properties.demo(),
        known == null ? "development" : known.getVersion(),
        clock);
  }

  @Bean
  PageSafety pageSafety() {
    return new PageSafety();
  }

  /** Lets web pages of other origins use the API. */
  @Bean
  CorsFilter corsFilter(ExplorerProperties properties) {
    CorsConfiguration cors = new CorsConfiguration();
    cors.setAllowedOrigins(List.of(properties.query().corsOrigin()));
    cors.setAllowedMethods(List.of("GET", "HEAD", "OPTIONS"));
    cors.addAllowedHeader("*");
    cors.setExposedHeaders(List.of("Content-Disposition"));
    UrlBasedCorsConfigurationSource everywhere = new UrlBasedCorsConfigurationSource();
    everywhere.registerCorsConfiguration("/**", cors);
    return new CorsFilter(everywhere);
  }

  /** Characters beyond the 16-bit plane as themselves, not as two escapes. */
  @Bean
  Jackson2ObjectMapperBuilderCustomizer wholeCharacters() {
    return builder ->
        builder.featuresToEnable(
            JsonWriteFeature.COMBINE_UNICODE_SURROGATES_IN_UTF8.mappedFeature());
  }

  @Bean
  Problems problems() {
    return new Problems();
  }
}
