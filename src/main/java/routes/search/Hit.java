package routes.search;

import java.util.Comparator;
import routes.archive.Times;

/** A post found. Of one that an index has found, nothing is known at first but where it is. */
final class Hit {

  /** The order of answers. Only for hits whose post is known. */
  static final Comparator<Hit> NEWEST_FIRST =
      Comparator.comparingLong(Hit::sortAt)
          .reversed()
          .thenComparing(hit -> hit.post.did())
          .thenComparing(hit -> hit.post.uri())
          .thenComparing(hit -> hit.rev);

  private final PostFile file;
  private final int row;
  private final long sortAt;
  private Post post;
  private String rev;

  Hit(PostFile file, int row, long sortAt) {
    this.file = file;
    this.row = row;
    this.sortAt = sortAt;
  }

  Hit(long sortAt, Post post, String rev) {
    this(null, 0, sortAt);
    this.post = post;
    this.rev = rev;
  }

  PostFile file() {
    return file;
  }

  int row() {
    return row;
  }

  /** Microseconds since 1970. */
  long sortAt() {
    return sortAt;
  }

  /** Null as long as it is not known. */
  Post post() {
    return post;
  }

  void found(PostRow as) {
    rev = as.rev();
    post =
        new Post(
            as.uri(),
            Times.instant(as.sortAt()),
            as.did(),
            null,
            as.text() == null ? "" : as.text());
  }
}
