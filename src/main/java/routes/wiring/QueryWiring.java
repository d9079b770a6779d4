package routes.wiring;

import com.fasterxml.jackson.core.json.JsonWriteFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import jakarta.servlet.DispatcherType;
import jakarta.servlet.Filter;
import java.net.URI;
import java.nio.file.Path;
import java.time.Clock;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import org.apache.catalina.core.StandardHost;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.ApplicationRunner;
import org.springframework.boot.autoconfigure.jackson.Jackson2ObjectMapperBuilderCustomizer;
import org.springframework.boot.info.BuildProperties;
import org.springframework.boot.web.embedded.tomcat.TomcatServletWebServerFactory;
import org.springframework.boot.web.server.WebServerFactoryCustomizer;
import org.springframework.boot.web.servlet.FilterRegistrationBean;
import org.springframework.context.ApplicationListener;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.event.ContextClosedEvent;
import org.springframework.core.Ordered;
import org.springframework.web.cors.CorsConfiguration;
import org.springframework.web.cors.UrlBasedCorsConfigurationSource;
import org.springframework.web.filter.CorsFilter;
import routes.api.AccountApi;
import routes.api.Accounts;
import routes.api.ApiClients;
import routes.api.ApiKeys;
import routes.api.CachedAnswers;
import routes.api.CompletenessApi;
import routes.api.DeadLettersApi;
import routes.api.ExportApi;
import routes.api.ExportQuota;
import routes.api.FlushedStream;
import routes.api.HttpProblems;
import routes.api.OpenApi;
import routes.api.PageSafety;
import routes.api.PostApi;
import routes.api.PostParameters;
import routes.api.ProblemValve;
import routes.api.Problems;
import routes.api.RequestLog;
import routes.api.SearchApi;
import routes.api.SqlApi;
import routes.api.StatsApi;
import routes.api.StatusApi;
import routes.api.StreamApi;
import routes.archive.Archive;
import routes.archive.Compaction;
import routes.archive.Completeness;
import routes.archive.DeadLetters;
import routes.archive.DuckDb;
import routes.buffer.BlockStream;
import routes.identity.AnswerCache;
import routes.identity.HandleResolver;
import routes.search.PostIndexes;
import routes.search.PostSearch;
import routes.search.ScoreTables;
import routes.search.SqlQueries;
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
        archive,
        duckDb,
        indexes,
        stream,
        new PostSearch.Limits(
            query.maxTail(),
            query.timeout(),
            query.maxConcurrent(),
            query.maxExports(),
            query.maxStreams()));
  }

  /** Before the server waits for requests to end: those have no end of their own. */
  @Bean
  ApplicationListener<ContextClosedEvent> endStreams(PostSearch search) {
    return closed -> search.endWatches();
  }

  @Bean
  AnswerCache answerCache(Archive archive, Clock clock) {
    return new AnswerCache(archive.folder().resolveSibling("identity.sqlite"), clock);
  }

  @Bean
  HandleResolver handleResolver(ExplorerProperties properties, AnswerCache cache) {
    ExplorerProperties.Identity identity = properties.identity();
    return new HandleResolver(
        Optional.of(identity.url()).filter(url -> !url.isBlank()).map(URI::create),
        identity.timeout(),
        cache);
  }

  @Bean
  Accounts accounts(PostSearch search, HandleResolver network) {
    return new Accounts(search, network);
  }

  @Bean
  PostParameters postParameters(PostSearch search, Accounts accounts) {
    return new PostParameters(search, accounts);
  }

  @Bean
  SearchApi searchApi(
      ExplorerProperties properties,
      PostSearch search,
      PostParameters parameters,
      Completeness completeness) {
    return new SearchApi(
        search, parameters, completeness, properties.query().rowCap(), properties.demo());
  }

  @Bean
  StatsApi statsApi(PostSearch search, PostParameters parameters, Completeness completeness) {
    return new StatsApi(search, parameters, completeness);
  }

  @Bean
  ExportApi exportApi(
      ExplorerProperties properties,
      PostSearch search,
      PostParameters parameters,
      Completeness completeness,
      Clock clock) {
    return new ExportApi(
        search,
        parameters,
        completeness,
        new ExportQuota(properties.api().exportRowsPerDay(), clock),
        properties.query().rowCap(),
        properties.demo(),
        clock);
  }

  @Bean
  StreamApi streamApi(PostSearch search, PostParameters parameters) {
    return new StreamApi(search, parameters);
  }

  @Bean
  AccountApi accountApi(PostSearch search, Accounts accounts) {
    return new AccountApi(search, accounts);
  }

  @Bean
  SqlApi sqlApi(ExplorerProperties properties, Archive archive) {
    ExplorerProperties.Sql sql = properties.sql();
    Path scores = archive.folder().resolveSibling("scores");
    SqlQueries queries =
        new SqlQueries(
            archive,
            scores,
            archive.folder().resolveSibling("tmp"),
            new SqlQueries.Limits(
                sql.timeout(),
                sql.memory().toBytes(),
                sql.threads(),
                sql.maxRows(),
                sql.maxConcurrent()));
    return new SqlApi(
        sql.enabled() ? Optional.of(queries) : Optional.empty(),
        new ScoreTables(scores, sql.maxUpload().toBytes()));
  }

  /** The first who asks should not have to wait. */
  @Bean
  ApplicationRunner archivePreparation(PostSearch search) {
    return arguments -> search.isPrepared();
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
  HttpProblems httpProblems() {
    return new HttpProblems();
  }

  @Bean
  WebServerFactoryCustomizer<TomcatServletWebServerFactory> problemsOfTheServer() {
    return factory ->
        factory.addContextCustomizers(
            context ->
                ((StandardHost) context.getParent())
                    .setErrorReportValveClass(ProblemValve.class.getName()));
  }

  @Bean
  FilterRegistrationBean<RequestLog> requestLog(ExplorerProperties properties) {
    return inOrder(new RequestLog(properties.api().logQueries()), 0);
  }

  @Bean
  FilterRegistrationBean<PageSafety> pageSafety() {
    return inOrder(new PageSafety(), 1);
  }

  @Bean
  FilterRegistrationBean<ApiClients> apiClients(ExplorerProperties properties, ObjectMapper json) {
    ExplorerProperties.Api api = properties.api();
    ApiKeys keys =
        new ApiKeys(Optional.of(api.keysFile()).filter(file -> !file.isBlank()).map(Path::of));
    return inOrder(new ApiClients(keys, api.keyRequired(), api.requestsPerHour(), json), 3);
  }

  @Bean
  FilterRegistrationBean<FlushedStream> flushedStream() {
    return inOrder(new FlushedStream(), 5);
  }

  @Bean
  FilterRegistrationBean<CachedAnswers> cachedAnswers(PostSearch search) {
    FilterRegistrationBean<CachedAnswers> registration =
        inOrder(new CachedAnswers(search::version), 4);
    registration.setDispatcherTypes(EnumSet.of(DispatcherType.REQUEST, DispatcherType.ASYNC));
    return registration;
  }

  private static <T extends Filter> FilterRegistrationBean<T> inOrder(T filter, int place) {
    FilterRegistrationBean<T> registration = new FilterRegistrationBean<>(filter);
    registration.setOrder(Ordered.HIGHEST_PRECEDENCE + 100 + place);
    return registration;
  }

  /** Lets web pages of other origins use the API. */
  @Bean
  FilterRegistrationBean<CorsFilter> corsFilter(ExplorerProperties properties) {
    CorsConfiguration cors = new CorsConfiguration();
    cors.setAllowedOrigins(List.of(properties.query().corsOrigin()));
    cors.setAllowedMethods(List.of("GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE"));
    cors.addAllowedHeader("*");
    cors.setExposedHeaders(
        List.of(
            "Content-Disposition",
            "Archive-Pin",
            "Archive-Complete",
            "Archive-Covered",
            "RateLimit",
            "RateLimit-Policy",
            "Retry-After",
            "X-Request-Id"));
    UrlBasedCorsConfigurationSource everywhere = new UrlBasedCorsConfigurationSource();
    everywhere.registerCorsConfiguration("/**", cors);
    return inOrder(new CorsFilter(everywhere), 2);
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
