package routes.search;

import java.util.List;

/**
 * Some of the posts found, newest first.
 *
 * @param total how many there are in all
 * @param exact whether that was counted; if not, it is an estimate
 */
public record PostPage(List<Post> posts, long total, boolean exact) {

  public PostPage {
    posts = List.copyOf(posts);
  }
}
