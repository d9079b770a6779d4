package routes.api;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.io.InputStream;
import java.time.Clock;
import java.time.Instant;
import java.time.LocalDate;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.camel.Exchange;
import org.apache.camel.Header;
import routes.archive.Completeness;
import routes.archive.Times;
import routes.identity.HandleResolver;
import routes.search.Post;
import routes.search.PostPage;
import routes.search.PostQuery;
import routes.search.PostSearch;
import routes.search.PostVolume;

/** {@code GET /search} and {@code GET /export}, as the frontend expects them. */
public final class SearchApi {

  private static final int DEFAULT_PAGE_SIZE = 50;
  private static final int MAX_PAGE_SIZE = 1000;
  private static final int MAX_PAGE = 1_000_000;
  private static final Set<String> PAGED =
      Stream.concat(PostParameters.NAMES.stream(), Stream.of("page", "limit", "explain"))
          .collect(Collectors.toUnmodifiableSet());

  private static final Set<String> BY_TIME =
      Stream.concat(PostParameters.NAMES.stream(), Stream.of("interval"))
          .collect(Collectors.toUnmodifiableSet());

  private final PostSearch search;
  private final PostParameters postParameters;
  private final Completeness completeness;
  private final int rowCap;
  private final boolean demo;
  private final Clock clock;

  /** One post found. */
  public record Result(String id, String timestamp, String username, String text) {}

  /**
   * About the answer.
   *
   * @param count posts found in all
   * @param countIsExact whether that was counted; if not, it is an estimate
   * @param page of this answer, from 1
   * @param pageSize posts a page
   * @param pages that can be asked for
   * @param cap posts that can be seen of one search; null without a cap
   * @param capped whether there are more than that
   * @param seconds that the search took
   * @param demo whether the data is made up
   * @param completeness how much of the time asked for the archive covers
   * @param notice what else there is to know; left out when there is nothing
   * @param explanation how the answer came about; left out unless it was asked for
   */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Meta(
      long count,
      boolean countIsExact,
      int page,
      int pageSize,
      long pages,
      Integer cap,
      boolean capped,
      double seconds,
      boolean demo,
      Completeness.Summary completeness,
      String notice,
      PostPage.Explanation explanation) {}

  /** The answer of {@code /search}. */
  public record Answer(List<Result> results, Meta meta) {}

  /**
   * @param rowCap posts of one search that can be seen or exported; 0 for all
   * @param demo whether the archive holds made-up data
   */
  public SearchApi(
      PostSearch search,
      HandleResolver handles,
      Completeness completeness,
      int rowCap,
      boolean demo,
      Clock clock) {
    this.search = search;
    this.completeness = completeness;
    this.postParameters = new PostParameters(search, handles);
    this.rowCap = rowCap;
    this.demo = demo;
    this.clock = clock;
  }

  /** A page of posts, newest first. */
  public Answer search(@Header(Exchange.HTTP_QUERY) String query) {
    long start = System.nanoTime();
    Parameters parameters = new Parameters(query, PAGED);
    int page = parameters.number("page", 1, 1, MAX_PAGE);
    int limit = parameters.number("limit", DEFAULT_PAGE_SIZE, 1, MAX_PAGE_SIZE);
    long offset = (long) (page - 1) * limit;
    if (rowCap > 0 && offset >= rowCap) {
      throw new ProblemException(
          Problem.badParameter(
              "page",
              "Page " + page + " is beyond the " + rowCap + " posts that one search shows.",
              "Ask for an earlier page, or narrow the search with start and end."));
    }
    PostParameters.Asked asked = postParameters.read(parameters);
    int rows = rowCap > 0 ? (int) Math.min(limit, rowCap - offset) : limit;
    PostPage found =
        asked
            .query()
            .map(posts -> search.page(posts, Math.toIntExact(offset), rows))
            .orElseGet(() -> PostPage.EMPTY);
    long reachable = rowCap > 0 ? Math.min(found.total(), rowCap) : found.total();
    Meta meta =
        new Meta(
            found.total(),
            found.exact(),
            page,
            limit,
            (reachable + limit - 1) / limit,
            rowCap > 0 ? rowCap : null,
            rowCap > 0 && found.total() > rowCap,
            (System.nanoTime() - start) / 1_000_000 / 1000.0,
            demo,
            completeness.summary(asked.from(), asked.to()),
            asked.notice(),
            parameters.flag("explain") ? found.explanation() : null);
    return new Answer(found.posts().stream().map(SearchApi::result).toList(), meta);
  }

  /**
   * How many posts there are by time.
   *
   * @param interval length of a stretch of time
   * @param buckets those with posts, the earliest first
   * @param count posts in all
   * @param countIsExact whether they were counted; if not, the numbers are estimates
   * @param seconds that it took
   * @param completeness how much of the time asked for the archive covers
   * @param notice what else there is to know; left out when there is nothing
   */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Volume(
      String interval,
      List<PostVolume.Bucket> buckets,
      long count,
      boolean countIsExact,
      double seconds,
      Completeness.Summary completeness,
      String notice) {}

  /** How many posts there are by time. */
  public Volume volume(@Header(Exchange.HTTP_QUERY) String query) {
    long start = System.nanoTime();
    Parameters parameters = new Parameters(query, BY_TIME);
    PostVolume.Interval interval = interval(parameters.text("interval").orElse("day"));
    PostParameters.Asked asked = postParameters.read(parameters);
    PostVolume volume;
    try {
      volume =
          asked
              .query()
              .map(posts -> search.volume(posts, interval))
              .orElseGet(() -> new PostVolume(List.of(), 0, true));
    } catch (PostVolume.TooMany e) {
      throw new ProblemException(
          Problem.badParameter(
              "interval",
              "At that length " + e.getMessage() + ".",
              "Choose a longer interval, or narrow the time with start and end."));
    }
    return new Volume(
        interval.label(),
        volume.buckets(),
        volume.total(),
        volume.exact(),
        (System.nanoTime() - start) / 1_000_000 / 1000.0,
        completeness.summary(asked.from(), asked.to()),
        asked.notice());
  }

  private static PostVolume.Interval interval(String value) {
    return Arrays.stream(PostVolume.Interval.values())
        .filter(interval -> interval.label().equals(value))
        .findFirst()
        .orElseThrow(
            () ->
                new ProblemException(
                    Problem.badParameter(
                        "interval",
                        "'" + Parameters.shorten(value) + "' is no interval.",
                        "Write minute, hour, day or month.")));
  }

  /** The posts as CSV; the stream holds one batch of rows at a time, and is to be closed. */
  public InputStream export(@Header(Exchange.HTTP_QUERY) String query) {
    PostParameters.Asked asked = postParameters.read(new Parameters(query, PostParameters.NAMES));
    int rows = rowCap > 0 ? rowCap : Integer.MAX_VALUE;
    return new CsvExport(asked.query().map(posts -> stream(posts, rows)).orElse(null));
  }

  private routes.search.PostStream stream(PostQuery query, int rows) {
    return search.stream(query, rows);
  }

  /** How much of the time that an export asks for the archive covers. */
  public Completeness.Summary exportCompleteness(@Header(Exchange.HTTP_QUERY) String query) {
    Parameters parameters = new Parameters(query, PostParameters.NAMES);
    Optional<Instant> from = PostParameters.start(parameters);
    return completeness.summary(from, PostParameters.end(parameters, from));
  }

  /** What the browser calls the file: {@code bluesky-posts-2026-07-04.csv}. */
  public String exportFileName() {
    return "bluesky-posts-" + LocalDate.now(clock) + ".csv";
  }

  static Result result(Post post) {
    return new Result(
        post.uri(), Times.write(Times.micros(post.sortAt())), username(post), post.text());
  }

  static String username(Post post) {
    return post.handle() == null ? post.did() : post.handle();
  }
}
