package routes.api;

import com.fasterxml.jackson.annotation.JsonInclude;
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
import routes.search.Engagement;
import routes.search.Post;
import routes.search.PostCursor;
import routes.search.PostPage;
import routes.search.PostSearch;

/** {@code /search}, as the frontend expects it, and {@code /api/v1/posts}. */
public final class SearchApi {

  private static final int DEFAULT_PAGE_SIZE = 50;
  private static final int MAX_PAGE_SIZE = 1000;
  private static final int MAX_PAGE = 1_000_000;
  private static final Set<String> PAGED =
      Stream.concat(
              PostParameters.NAMES.stream(),
              Stream.of(PostParameters.SORT, "page", "cursor", "limit", "explain"))
          .collect(Collectors.toUnmodifiableSet());

  private static final Set<String> WITH_FIELDS =
      Stream.concat(PAGED.stream(), Stream.of("fields")).collect(Collectors.toUnmodifiableSet());

  private final PostSearch search;
  private final PostParameters postParameters;
  private final Completeness completeness;
  private final int rowCap;
  private final boolean demo;

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
   * @param rowCap posts of one search that can be seen; 0 for all
   * @param demo whether the archive holds made-up data
   */
  public SearchApi(
      PostSearch search,
      PostParameters postParameters,
      Completeness completeness,
      int rowCap,
      boolean demo) {
    this.search = search;
    this.completeness = completeness;
    this.postParameters = postParameters;
    this.rowCap = rowCap;
    this.demo = demo;
  }

  /** A page of posts, newest first. */
  public Answer search(@Header(Exchange.HTTP_QUERY) String query) {
    Page page = page(new Parameters(query, PAGED), rowCap, PostColumn.SHORT);
    return new Answer(page.posts.stream().map(SearchApi::result).toList(), page.meta);
  }

  /** The answer of {@code /api/v1/posts}: the columns asked for, by their names. */
  public record Posts(List<Map<String, Object>> posts, Meta meta) {}

  /** A page of posts with the columns asked for, newest first. */
  public Posts posts(@Header(Exchange.HTTP_QUERY) String query) {
    Parameters parameters = new Parameters(query, WITH_FIELDS);
    List<PostColumn> columns = PostColumn.read(parameters, PostColumn.SHORT);
    Page page = page(parameters, 0, columns);
    return new Posts(
        page.posts.stream().map(post -> JsonPosts.object(post, columns)).toList(), page.meta);
  }

  private record Page(List<Post> posts, Meta meta) {}

  /**
   * @param cap posts of one search that can be seen; 0 for all
   * @param columns of the posts that are needed
   */
  private Page page(Parameters parameters, int cap, List<PostColumn> columns) {
    long start = System.nanoTime();
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
    if (cap > 0 && offset >= cap) {
      throw new ProblemException(
          Problem.badParameter(
              cursor.isPresent() ? "cursor" : "page",
              "It is beyond the " + cap + " posts that one search shows.",
              "Ask for an earlier page, or narrow the search with start and end."));
    }
    PostParameters.Asked asked = postParameters.read(parameters);
    if (cursor.isPresent() && isSorted(asked)) {
      throw new ProblemException(
          Problem.badParameter(
              "cursor", "It is a place among the newest.", "Give page, or leave out sort."));
    }
    Completeness.Summary complete = asked.completeness(search, completeness);
    int rows = cap > 0 ? (int) Math.min(limit, cap - offset) : limit;
    PostPage found =
        asked
            .query()
            .map(posts -> PostColumn.reading(columns, posts))
            .map(
                posts ->
                    cursor
                        .map(after -> search.page(posts, after, rows))
                        .orElseGet(() -> search.page(posts, Math.toIntExact(offset), rows)))
            .orElseGet(() -> PostPage.EMPTY);
    long reachable = cap > 0 ? Math.min(found.total(), cap) : found.total();
    Meta meta =
        new Meta(
            found.total(),
            found.exact(),
            (int) Math.min(Integer.MAX_VALUE, offset / limit + 1),
            limit,
            (reachable + limit - 1) / limit,
            next(found.next(), cap),
            found.pin() == null ? null : found.pin().encode(),
            cap > 0 ? cap : null,
            cap > 0 && found.total() > cap,
            (System.nanoTime() - start) / 1_000_000 / 1000.0,
            demo,
            complete,
            asked.notice(),
            parameters.flag("explain") ? found.explanation() : null);
    return new Page(found.posts(), meta);
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
  private static String next(PostCursor place, int cap) {
    return place == null || cap > 0 && place.seen() >= cap ? null : place.encode();
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
