package routes.api;

import static java.util.Objects.requireNonNull;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.camel.Exchange;
import org.apache.camel.Header;
import routes.archive.Completeness;
import routes.search.Count;
import routes.search.PostQuery;
import routes.search.PostSearch;
import routes.search.PostTop;
import routes.search.PostVolume;

/** {@code /api/v1/stats}: what a search would find, in numbers. */
public final class StatsApi {

  private static final Set<String> BY_TIME =
      Stream.concat(PostParameters.NAMES.stream(), Stream.of("interval", "by", "limit", "format"))
          .collect(Collectors.toUnmodifiableSet());

  private static final Set<String> BY_VALUE =
      Stream.concat(PostParameters.NAMES.stream(), Stream.of("of", "limit", "format"))
          .collect(Collectors.toUnmodifiableSet());

  private static final Set<String> SUMMED =
      Stream.concat(PostParameters.NAMES.stream(), Stream.of("limit", "format"))
          .collect(Collectors.toUnmodifiableSet());

  private static final int DEFAULT_VALUES = 20;
  private static final int MAX_VALUES = 1000;
  private static final int DEFAULT_SERIES = 5;
  private static final int MAX_SERIES = 20;

  private final PostSearch search;
  private final PostParameters postParameters;
  private final Completeness completeness;

  public StatsApi(PostSearch search, PostParameters postParameters, Completeness completeness) {
    this.search = requireNonNull(search, "search");
    this.postParameters = requireNonNull(postParameters, "postParameters");
    this.completeness = requireNonNull(completeness, "completeness");
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
    Parameters parameters = read(query, BY_TIME);
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
    Completeness.Summary complete = asked.completeness(search, completeness);
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
        seconds(start),
        complete,
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
    Parameters parameters = read(query, BY_VALUE);
    PostTop.Of of = valuesOf(parameters, "of");
    int limit = parameters.number("limit", DEFAULT_VALUES, 1, MAX_VALUES);
    PostParameters.Asked asked = postParameters.read(parameters);
    Completeness.Summary complete = asked.completeness(search, completeness);
    PostTop top =
        asked
            .query()
            .map(posts -> search.top(posts, of, limit))
            .orElseGet(() -> new PostTop(List.of(), 0, true));
    return new Top(
        of.label(),
        values(of, Optional.of(top)),
        top.posts(),
        top.exact(),
        seconds(start),
        complete,
        asked.notice());
  }

  /**
   * What a search would find, at a glance.
   *
   * @param count posts in all
   * @param countIsExact whether they were counted; if not, the numbers are estimates
   * @param top what they have most often, the most frequent first, by what was counted
   * @param seconds that it took
   * @param completeness how much of the time asked for the archive covers
   * @param notice what else there is to know; left out when there is nothing
   */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Summary(
      long count,
      boolean countIsExact,
      Map<String, List<TopValue>> top,
      double seconds,
      Completeness.Summary completeness,
      String notice) {}

  /** What a search would find, at a glance. */
  public Summary summary(@Header(Exchange.HTTP_QUERY) String query) {
    long start = System.nanoTime();
    Parameters parameters = read(query, SUMMED);
    int limit = parameters.number("limit", DEFAULT_SERIES, 1, MAX_SERIES);
    PostParameters.Asked asked = postParameters.read(parameters);
    Completeness.Summary complete = asked.completeness(search, completeness);
    Count count = asked.query().map(search::count).orElseGet(() -> new Count(0, true));
    Map<String, List<TopValue>> top = new LinkedHashMap<>();
    for (PostTop.Of of : PostTop.Of.values()) {
      top.put(of.label(), values(of, asked.query().map(posts -> search.top(posts, of, limit))));
    }
    return new Summary(count.posts(), count.exact(), top, seconds(start), complete, asked.notice());
  }

  private List<TopValue> values(PostTop.Of of, Optional<PostTop> top) {
    List<PostTop.Value> values = top.map(PostTop::values).orElse(List.of());
    Map<String, String> handles = handles(of, values.stream().map(PostTop.Value::value));
    return values.stream()
        .map(value -> new TopValue(value.value(), handles.get(value.value()), value.posts()))
        .toList();
  }

  private static Parameters read(String query, Set<String> known) {
    Parameters parameters = new Parameters(query, known);
    // The route looks at it.
    parameters.choice("format", "json", List.of("json", "csv"), Function.identity());
    return parameters;
  }

  private static double seconds(long start) {
    return (System.nanoTime() - start) / 1_000_000 / 1000.0;
  }

  /** The numbers as CSV: a line for each stretch of time, each value, or both. */
  public static String csv(Object answer) {
    List<List<?>> rows = new ArrayList<>();
    if (answer instanceof Volume volume) {
      boolean split = volume.series() != null;
      rows.add(split ? List.of("start", "value", "posts") : List.of("start", "posts"));
      for (PostVolume.Bucket bucket : volume.buckets()) {
        rows.add(
            split
                ? Arrays.asList(bucket.start(), null, bucket.posts())
                : List.of(bucket.start(), bucket.posts()));
      }
      for (VolumeSeries series : split ? volume.series() : List.<VolumeSeries>of()) {
        series
            .buckets()
            .forEach(bucket -> rows.add(List.of(bucket.start(), series.value(), bucket.posts())));
      }
    } else if (answer instanceof Top top) {
      rows.add(List.of(top.of(), "handle", "posts"));
      top.values()
          .forEach(value -> rows.add(Arrays.asList(value.value(), value.handle(), value.posts())));
    } else if (answer instanceof Summary summary) {
      rows.add(List.of("of", "value", "handle", "posts"));
      rows.add(Arrays.asList("all", null, null, summary.count()));
      summary
          .top()
          .forEach(
              (of, values) ->
                  values.forEach(
                      value ->
                          rows.add(
                              Arrays.asList(of, value.value(), value.handle(), value.posts()))));
    } else {
      throw new IllegalArgumentException("there is no CSV of " + answer);
    }
    return Csv.of(rows);
  }
}
