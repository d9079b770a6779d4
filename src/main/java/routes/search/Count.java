package routes.search;

/**
 * How many posts there are.
 *
 * @param exact whether that was counted; if not, it is estimated
 */
public record Count(long posts, boolean exact) {

  static final Count NONE = new Count(0, true);

  static Count exactly(long posts) {
    return new Count(posts, true);
  }

  Count plus(Count other) {
    return new Count(posts + other.posts, exact && other.exact);
  }
}
