package routes.search;

import java.util.List;

/**
 * Some of the posts found, newest first.
 *
 * @param total how many there are in all
 * @param exact whether that was counted; if not, it is an estimate
 * @param next the place where the next page begins; null where this is the last
 * @param pin the commits that it was answered from, what was not archived yet left aside; null
 *     where nothing can match
 * @param explanation how the answer came about
 */
public record PostPage(
    List<Post> posts,
    long total,
    boolean exact,
    PostCursor next,
    Pin pin,
    Explanation explanation) {

  /** The answer where nothing can match. */
  public static final PostPage EMPTY =
      new PostPage(List.of(), 0, true, null, null, new Explanation(0, 0, 0, 0, 0, 0, 0));

  public PostPage {
    posts = List.copyOf(posts);
  }

  /**
   * What an answer took.
   *
   * @param postsSnapshot commit of the posts that it was answered from; 0 for an empty archive
   * @param files of posts in that commit
   * @param indexes looked into, for the page and for the count
   * @param filesScanned from end to end, for want of an index
   * @param rowsRead by their number, to show them or to look at them
   * @param pageMillis time for the posts of this page
   * @param countMillis time for their number
   */
  public record Explanation(
      long postsSnapshot,
      int files,
      int indexes,
      int filesScanned,
      long rowsRead,
      long pageMillis,
      long countMillis) {}
}
