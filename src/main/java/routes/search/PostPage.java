package routes.search;

import java.util.List;

/**
 * Some of the posts found, newest first.
 *
 * @param total how many there are in all
 */
public record PostPage(List<Post> posts, long total) {

  public PostPage {
    posts = List.copyOf(posts);
  }
}
