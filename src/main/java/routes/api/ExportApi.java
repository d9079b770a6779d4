package routes.api;

import static java.util.Objects.requireNonNull;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.time.Clock;
import java.time.Instant;
import java.time.LocalDate;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.LongConsumer;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangeProperty;
import org.apache.camel.Header;
import routes.archive.Completeness;
import routes.search.Count;
import routes.search.Pin;
import routes.search.PostQuery;
import routes.search.PostSample;
import routes.search.PostSearch;

/** {@code /export}, as the frontend expects it, and {@code /api/v1/export}: posts as files. */
public final class ExportApi {

  private static final Set<String> NAMES =
      Stream.concat(
              PostParameters.NAMES.stream(),
              Stream.of("format", "fields", "sample", "seed", "offset", "spreadsheet"))
          .collect(Collectors.toUnmodifiableSet());

  /** Posts that an estimate is made by. */
  private static final int MEASURED = 2_000;

  private final PostSearch search;
  private final PostParameters postParameters;
  private final Completeness completeness;
  private final ExportQuota quota;
  private final int rowCap;
  private final boolean demo;
  private final Clock clock;

  /**
   * @param quota how much a client may export
   * @param rowCap posts of {@code /export}; 0 for all
   * @param demo whether the archive holds made-up data
   */
  public ExportApi(
      PostSearch search,
      PostParameters postParameters,
      Completeness completeness,
      ExportQuota quota,
      int rowCap,
      boolean demo,
      Clock clock) {
    this.search = requireNonNull(search, "search");
    this.postParameters = requireNonNull(postParameters, "postParameters");
    this.completeness = requireNonNull(completeness, "completeness");
    this.quota = requireNonNull(quota, "quota");
    this.rowCap = rowCap;
    this.demo = demo;
    this.clock = requireNonNull(clock, "clock");
  }

  /** The posts as CSV; the stream holds one batch of rows at a time, and is to be closed. */
  public InputStream frontend(@Header(Exchange.HTTP_QUERY) String query) throws IOException {
    PostParameters.Asked asked = postParameters.read(new Parameters(query, PostParameters.NAMES));
    int rows = rowCap > 0 ? rowCap : Integer.MAX_VALUE;
    return export(FrontendCsv::new, asked.query(), Optional.empty(), 0, rows, count -> {});
  }

  /** How much of the time that an export asks for the archive covers. */
  public Completeness.Summary frontendCompleteness(@Header(Exchange.HTTP_QUERY) String query) {
    Parameters parameters = new Parameters(query, PostParameters.NAMES);
    Optional<Instant> from = PostParameters.start(parameters);
    return completeness.summary(
        search.ledger(Optional.empty()), from, PostParameters.end(parameters, from));
  }

  /** What the browser calls the file: {@code bluesky-posts-2026-07-04.csv}. */
  public String frontendFileName() {
    return fileName(ExportFormat.CSV);
  }

  private String fileName(ExportFormat format) {
    return "bluesky-posts-" + LocalDate.now(clock) + "." + format.label();
  }

  /**
   * An export that was asked for.
   *
   * @param query empty when nothing can match
   * @param client who asked
   * @param reserved rows that were taken from the quota for it
   */
  public record Plan(
      Optional<PostQuery> query,
      ExportFormat format,
      List<PostColumn> columns,
      Optional<PostSample> sample,
      int offset,
      boolean spreadsheetSafe,
      Completeness.Summary completeness,
      String notice,
      String fileName,
      String client,
      long reserved) {

    public String mediaType() {
      return format.mediaType();
    }

    /** The commits that it is made from; empty where it cannot be made from them again. */
    public String pin() {
      return query.flatMap(PostQuery::pin).map(Pin::encode).orElse("");
    }
  }

  /**
   * Reads what is asked for, and takes it from the quota.
   *
   * @param client who asks
   */
  public Plan plan(
      @Header(Exchange.HTTP_QUERY) String query, @Header(ApiClients.HEADER) String client) {
    Plan plan = read(query, client);
    if (quota.left(client).isEmpty()) {
      return plan;
    }
    long rows = plan.query.map(posts -> rows(posts, plan.sample).posts()).orElse(0L);
    long due = Math.max(0, rows - plan.offset);
    quota.take(client, due);
    return new Plan(
        plan.query,
        plan.format,
        plan.columns,
        plan.sample,
        plan.offset,
        plan.spreadsheetSafe,
        plan.completeness,
        plan.notice,
        plan.fileName,
        client,
        due);
  }

  private Plan read(String query, String client) {
    Parameters parameters = new Parameters(query, NAMES);
    ExportFormat format =
        parameters.choice(
            "format", ExportFormat.CSV, Arrays.asList(ExportFormat.values()), ExportFormat::label);
    boolean spreadsheet = parameters.flag("spreadsheet");
    if (spreadsheet && format != ExportFormat.CSV) {
      throw new ProblemException(
          Problem.badParameter(
              "spreadsheet", "Only CSV is read by spreadsheets.", "Leave it out, or ask for CSV."));
    }
    Optional<PostSample> sample = sample(parameters);
    List<PostColumn> columns = PostColumn.read(parameters, PostColumn.ALL);
    PostParameters.Asked asked = postParameters.read(parameters);
    Completeness.Summary complete = asked.completeness(search, completeness);
    return new Plan(
        asked.query().map(posts -> PostColumn.reading(columns, pinned(posts))),
        format,
        columns,
        sample,
        parameters.number("offset", 0, 0, Integer.MAX_VALUE),
        spreadsheet,
        complete,
        asked.notice(),
        fileName(format),
        client,
        0);
  }

  private static Optional<PostSample> sample(Parameters parameters) {
    if (parameters.text("sample").isEmpty()) {
      if (parameters.text("seed").isPresent()) {
        throw new ProblemException(
            Problem.badParameter(
                "seed", "There is no sample that it chooses.", "Give sample as well, or no seed."));
      }
      return Optional.empty();
    }
    return Optional.of(
        new PostSample(
            parameters.number("sample", 1, 1, PostSample.MOST),
            parameters.number("seed", 0, 0, Integer.MAX_VALUE)));
  }

  /** At the newest commits, so that it can be made again; engagement is not that of a commit. */
  private PostQuery pinned(PostQuery query) {
    return query.pin().isPresent() || query.engaged().matters() ? query : query.at(search.newest());
  }

  private Count rows(PostQuery query, Optional<PostSample> sample) {
    Count count = search.count(query);
    return sample
        .map(asked -> new Count(Math.min(asked.size(), count.posts()), count.exact()))
        .orElse(count);
  }

  /** Opens what was planned: it is made while it is read, and is to be closed. */
  public InputStream open(@ExchangeProperty("plan") Plan plan) throws IOException {
    try {
      return export(
          out -> plan.format.writer(layout(plan), out),
          plan.query,
          plan.sample,
          plan.offset,
          Integer.MAX_VALUE,
          rows -> quota.giveBack(plan.client, plan.reserved - rows));
    } catch (IOException | RuntimeException e) {
      quota.giveBack(plan.client, plan.reserved);
      throw e;
    }
  }

  private static ExportFormat.Layout layout(Plan plan) {
    Map<String, String> notes = new LinkedHashMap<>();
    notes.put("explorer.pin", plan.pin());
    notes.put("explorer.complete", Boolean.toString(plan.completeness.complete()));
    plan.sample.ifPresent(
        sample -> {
          notes.put("explorer.sample", Integer.toString(sample.size()));
          notes.put("explorer.seed", Long.toString(sample.seed()));
        });
    return new ExportFormat.Layout(plan.columns, plan.spreadsheetSafe, notes);
  }

  private InputStream export(
      PostWriter.Opening format,
      Optional<PostQuery> query,
      Optional<PostSample> sample,
      int offset,
      int limit,
      LongConsumer atEnd)
      throws IOException {
    return new Export(
        format,
        query.map(posts -> search.stream(posts, sample, offset, limit)).orElse(null),
        atEnd);
  }

  /** A column of an export. */
  public record Column(String name, String type, String description) {}

  /**
   * What there is to know of an export, for a paper to cite.
   *
   * @param parameters as they were understood to be given
   * @param pin to be given to get the same rows again, as long as its commits are kept; left out
   *     where there is none
   * @param rows posts in it, counted
   * @param columns of each row
   * @param completeness how much of the time asked for the archive covers
   * @param demo whether all data is made up
   * @param made when this was answered
   * @param notice what else there is to know; left out when there is nothing
   */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Manifest(
      Map<String, String> parameters,
      String pin,
      long rows,
      List<Column> columns,
      Completeness.Summary completeness,
      boolean demo,
      Instant made,
      String notice) {}

  /** What there is to know of an export. */
  public Manifest manifest(
      @Header(Exchange.HTTP_QUERY) String query, @Header(ApiClients.HEADER) String client) {
    Plan plan = read(query, client);
    Map<String, String> parameters = new LinkedHashMap<>(new Parameters(query, NAMES).all());
    parameters.put("format", plan.format.label());
    plan.sample.ifPresent(sample -> parameters.put("seed", Long.toString(sample.seed())));
    long rows = plan.query.map(posts -> search.size(posts, plan.sample)).orElse(0L);
    return new Manifest(
        parameters,
        plan.pin().isEmpty() ? null : plan.pin(),
        Math.max(0, rows - plan.offset),
        plan.columns.stream()
            .map(
                column ->
                    new Column(
                        column.label(),
                        column.kind().name().toLowerCase(Locale.ROOT),
                        column.description()))
            .toList(),
        plan.completeness,
        demo,
        clock.instant(),
        plan.notice);
  }

  /**
   * What an export takes.
   *
   * @param rows posts in it
   * @param rowsAreExact whether they were counted; if not, that is an estimate
   * @param bytes of the file, by the first 2,000 posts
   * @param seconds to make it, by the first 2,000 posts; sending it may take longer
   * @param quotaLeft rows that the client may still export today; left out where there is no limit
   */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Estimate(
      long rows, boolean rowsAreExact, long bytes, double seconds, Long quotaLeft) {}

  /** What an export takes. */
  public Estimate estimate(
      @Header(Exchange.HTTP_QUERY) String query, @Header(ApiClients.HEADER) String client)
      throws IOException {
    Plan plan = read(query, client);
    Count count =
        plan.query.map(posts -> rows(posts, plan.sample)).orElseGet(() -> new Count(0, true));
    // The first time, what is needed is read from the disk, and is not for those that follow.
    measure(plan);
    Measured measured = measure(plan);
    long rows = Math.max(0, count.posts() - plan.offset);
    double parts = measured.rows == 0 ? 1 : Math.max(1, (double) rows / measured.rows);
    return new Estimate(
        rows,
        count.exact(),
        Math.round(measured.bytes * parts),
        Math.round(measured.seconds * parts * 1000) / 1000.0,
        quota.left(client).isPresent() ? quota.left(client).getAsLong() : null);
  }

  private record Measured(long rows, long bytes, double seconds) {}

  /** Makes the first posts of an export, for nobody. */
  private Measured measure(Plan plan) throws IOException {
    long start = System.nanoTime();
    long[] rows = new long[1];
    long bytes;
    try (InputStream export =
        export(
            out -> plan.format.writer(layout(plan), out),
            plan.query,
            Optional.empty(),
            0,
            MEASURED,
            count -> rows[0] = count)) {
      bytes = export.transferTo(OutputStream.nullOutputStream());
    }
    return new Measured(rows[0], bytes, (System.nanoTime() - start) / 1e9);
  }
}
