package routes.api;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.io.InputStream;
import java.time.Clock;
import java.time.Instant;
import java.time.LocalDate;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.camel.Exchange;
import org.apache.camel.Header;
import routes.archive.Completeness;
import routes.archive.Times;
import routes.identity.HandleResolver;
import routes.search.Engagement;
import routes.search.Post;
import routes.search.PostCursor;
import routes.search.PostPage;
import routes.search.PostQuery;
import routes.search.PostSearch;
import routes.search.PostTop;
import routes.search.PostVolume;

/** {@code GET /search} and {@code GET /export}, as the frontend expects them. */
public final class SearchApi {

  private static final int DEFAULT_PAGE_SIZE = 50;
  private static final int MAX_PAGE_SIZE = 1000;
  private static final int MAX_PAGE = 1_000_000;
  private static final Set<String> PAGED =
      Stream.concat(
              PostParameters.NAMES.stream(),
              Stream.of(PostParameters.SORT, "page", "cursor", "limit", "explain"))
          .collect(Collectors.toUnmodifiableSet());

  private static final Set<String> BY_TIME =
      Stream.concat(PostParameters.NAMES.stream(), Stream.of("interval", "by", "limit"))
          .collect(Collectors.toUnmodifiableSet());

  private static final Set<String> BY_VALUE =
      Stream.concat(PostParameters.NAMES.stream(), Stream.of("of", "limit"))
          .collect(Collectors.toUnmodifiableSet());
  private static final int DEFAULT_VALUES = 20;
  private static final int MAX_VALUES = 1000;
  private static final int DEFAULT_SERIES = 5;
  private static final int MAX_SERIES = 20;

  private final PostSearch search;
  private final PostParameters postParameters;
  private final Completeness completeness;
  private final int rowCap;
  private final boolean demo;
  private final Clock clock;

  /**
   * One post found.
   *
   * @param deleted true for one that is known to be deleted; left out for others
   * @param engagement likes, reposts, replies and quotes; left out as long as they are not counted
   */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Result(
      String id,
      String timestamp,
      String username,
      String text,
      Boolean deleted,
      Engagement engagement) {}

  /**
   * About the answer.
   *
   * @param count posts found in all
   * @param countIsExact whether that was counted; if not, it is an estimate
   * @param page of this answer, from 1
   * @param pageSize posts a page
   * @param pages that can be asked for
   * @param next what to give as {@code cursor} for the next page; null behind the last
   * @param pin what to give as {@code pin} to be answered from the archive as it was, without what
   *     was not archived yet; left out where nothing can match
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
      String next,
      String pin,
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
    int limit = parameters.number("limit", DEFAULT_PAGE_SIZE, 1, MAX_PAGE_SIZE);
    Optional<PostCursor> cursor = parameters.text("cursor").map(SearchApi::cursor);
    if (cursor.isPresent() && parameters.text("page").isPresent()) {
      throw new ProblemException(
          Problem.badParameter(
              "page", "There is a cursor as well.", "Give one of page and cursor."));
    }
    long offset =
        cursor
            .map(PostCursor::seen)
            .orElseGet(() -> (parameters.number("page", 1, 1, MAX_PAGE) - 1L) * limit);
    if (rowCap > 0 && offset >= rowCap) {
      throw new ProblemException(
          Problem.badParameter(
              cursor.isPresent() ? "cursor" : "page",
              "It is beyond the " + rowCap + " posts that one search shows.",
              "Ask for an earlier page, or narrow the search with start and end."));
    }
    PostParameters.Asked asked = postParameters.read(parameters);
    if (cursor.isPresent() && isSorted(asked)) {
      throw new ProblemException(
          Problem.badParameter(
              "cursor", "It is a place among the newest.", "Give page, or leave out sort."));
    }
    int rows = rowCap > 0 ? (int) Math.min(limit, rowCap - offset) : limit;
    PostPage found =
        asked
            .query()
            .map(
                posts ->
                    cursor
                        .map(after -> search.page(posts, after, rows))
                        .orElseGet(() -> search.page(posts, Math.toIntExact(offset), rows)))
            .orElseGet(() -> PostPage.EMPTY);
    long reachable = rowCap > 0 ? Math.min(found.total(), rowCap) : found.total();
    Meta meta =
        new Meta(
            found.total(),
            found.exact(),
            (int) Math.min(Integer.MAX_VALUE, offset / limit + 1),
            limit,
            (reachable + limit - 1) / limit,
            next(found.next()),
            found.pin() == null ? null : found.pin().encode(),
            rowCap > 0 ? rowCap : null,
            rowCap > 0 && found.total() > rowCap,
            (System.nanoTime() - start) / 1_000_000 / 1000.0,
            demo,
            completeness.summary(asked.from(), asked.to()),
            asked.notice(),
            parameters.flag("explain") ? found.explanation() : null);
    return new Answer(found.posts().stream().map(SearchApi::result).toList(), meta);
  }

  private static boolean isSorted(PostParameters.Asked asked) {
    return asked.query().map(query -> query.engaged().mostFirst().isPresent()).orElse(false);
  }

  private static PostCursor cursor(String value) {
    try {
      return PostCursor.decode(value);
    } catch (IllegalArgumentException e) {
      throw new ProblemException(
          Problem.badParameter(
              "cursor",
              "'" + Parameters.shorten(value) + "' is no place in an answer.",
              "Give what meta.next of the page before says, or page."));
    }
  }

  /** Null where there is none, or it is beyond what one search shows. */
  private String next(PostCursor place) {
    return place == null || rowCap > 0 && place.seen() >= rowCap ? null : place.encode();
  }

  /**
   * How many posts there are by time.
   *
   * @param interval length of a stretch of time
   * @param buckets those with posts, the earliest first
   * @param count posts in all
   * @param countIsExact whether they were counted; if not, the numbers are estimates
   * @param series the same for the posts with each of the most frequent values; left out unless a
   *     split was asked for
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
      List<VolumeSeries> series,
      double seconds,
      Completeness.Summary completeness,
      String notice) {}

  /**
   * The posts with one value by time.
   *
   * @param handle of an account; left out where the archive knows none, and for other values
   * @param buckets those with posts, the earliest first
   * @param count posts in all
   * @param countIsExact whether they were counted; if not, the numbers are estimates
   */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record VolumeSeries(
      String value,
      String handle,
      List<PostVolume.Bucket> buckets,
      long count,
      boolean countIsExact) {}

  /** How many posts there are by time. */
  public Volume volume(@Header(Exchange.HTTP_QUERY) String query) {
    long start = System.nanoTime();
    Parameters parameters = new Parameters(query, BY_TIME);
    PostVolume.Interval interval =
        parameters.choice(
            "interval",
            PostVolume.Interval.DAY,
            Arrays.asList(PostVolume.Interval.values()),
            PostVolume.Interval::label);
    Optional<PostTop.Of> by =
        parameters.text("by").isPresent()
            ? Optional.of(valuesOf(parameters, "by"))
            : Optional.empty();
    if (by.isEmpty() && parameters.text("limit").isPresent()) {
      throw new ProblemException(
          Problem.badParameter(
              "limit", "It limits the values of a split.", "Give by as well, or no limit."));
    }
    int limit = parameters.number("limit", DEFAULT_SERIES, 1, MAX_SERIES);
    PostParameters.Asked asked = postParameters.read(parameters);
    PostVolume.Split volume;
    try {
      volume =
          asked
              .query()
              .map(posts -> volume(posts, interval, by, limit))
              .orElseGet(() -> new PostVolume.Split(new PostVolume(List.of(), 0, true), List.of()));
    } catch (PostVolume.TooMany e) {
      throw new ProblemException(
          Problem.badParameter(
              "interval",
              "At that length " + e.getMessage() + ".",
              "Choose a longer interval, or narrow the time with start and end."));
    }
    return new Volume(
        interval.label(),
        volume.all().buckets(),
        volume.all().total(),
        volume.all().exact(),
        by.map(of -> series(of, volume.series())).orElse(null),
        (System.nanoTime() - start) / 1_000_000 / 1000.0,
        completeness.summary(asked.from(), asked.to()),
        asked.notice());
  }

  private PostVolume.Split volume(
      PostQuery posts, PostVolume.Interval interval, Optional<PostTop.Of> by, int limit) {
    return by.map(of -> search.volume(posts, interval, of, limit))
        .orElseGet(() -> new PostVolume.Split(search.volume(posts, interval), List.of()));
  }

  private List<VolumeSeries> series(PostTop.Of of, List<PostVolume.Series> series) {
    Map<String, String> handles = handles(of, series.stream().map(PostVolume.Series::value));
    return series.stream()
        .map(
            each ->
                new VolumeSeries(
                    each.value(),
                    handles.get(each.value()),
                    each.volume().buckets(),
                    each.volume().total(),
                    each.volume().exact()))
        .toList();
  }

  private Map<String, String> handles(PostTop.Of of, Stream<String> values) {
    return of.isAccount() ? search.handlesOf(values.toList()) : Map.of();
  }

  private static PostTop.Of valuesOf(Parameters parameters, String name) {
    return parameters.choice(
        name, PostTop.Of.HASHTAG, Arrays.asList(PostTop.Of.values()), PostTop.Of::label);
  }

  /**
   * What posts have most often.
   *
   * @param of what was counted
   * @param values the most frequent first
   * @param count posts looked at, with or without one
   * @param countIsExact whether they were counted; if not, the numbers are estimates
   * @param seconds that it took
   * @param completeness how much of the time asked for the archive covers
   * @param notice what else there is to know; left out when there is nothing
   */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Top(
      String of,
      List<TopValue> values,
      long count,
      boolean countIsExact,
      double seconds,
      Completeness.Summary completeness,
      String notice) {}

  /**
   * A value.
   *
   * @param handle of an account; left out where the archive knows none, and for other values
   * @param posts that have it
   */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record TopValue(String value, String handle, long posts) {}

  /** What posts have most often. */
  public Top top(@Header(Exchange.HTTP_QUERY) String query) {
    long start = System.nanoTime();
    Parameters parameters = new Parameters(query, BY_VALUE);
    PostTop.Of of = valuesOf(parameters, "of");
    int limit = parameters.number("limit", DEFAULT_VALUES, 1, MAX_VALUES);
    PostParameters.Asked asked = postParameters.read(parameters);
    PostTop top =
        asked
            .query()
            .map(posts -> search.top(posts, of, limit))
            .orElseGet(() -> new PostTop(List.of(), 0, true));
    Map<String, String> handles = handles(of, top.values().stream().map(PostTop.Value::value));
    return new Top(
        of.label(),
        top.values().stream()
            .map(value -> new TopValue(value.value(), handles.get(value.value()), value.posts()))
            .toList(),
        top.posts(),
        top.exact(),
        (System.nanoTime() - start) / 1_000_000 / 1000.0,
        completeness.summary(asked.from(), asked.to()),
        asked.notice());
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
        post.uri(),
        Times.write(Times.micros(post.sortAt())),
        username(post),
        post.text(),
        post.deleted() ? true : null,
        post.engagement());
  }

  static String username(Post post) {
    return post.handle() == null ? post.did() : post.handle();
  }
}
