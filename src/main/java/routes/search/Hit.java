package routes.search;

import java.util.Comparator;

/** A post found. Of one that an index has found, nothing is known at first but where it is. */
final class Hit {

  /** The order of answers. Only for hits whose post is known. */
  static final Comparator<Hit> NEWEST_FIRST =
      Comparator.comparingLong(Hit::sortAt)
          .reversed()
          .thenComparing(hit -> hit.post.did())
          .thenComparing(hit -> hit.post.uri())
          .thenComparing(hit -> hit.post.row().rev());

  /** By engagement that is known, and the newest first where it is the same; in one file. */
  static Comparator<Hit> mostFirst(Engagement.Kind kind) {
    return Comparator.comparingInt((Hit hit) -> hit.engagement(kind))
        .thenComparingLong(Hit::sortAt)
        .reversed()
        .thenComparingInt(Hit::row);
  }

  private final PostFile file;
  private final int row;
  private final long sortAt;
  private final boolean deleted;
  private final EngagementFile known;
  private Post post;

  /**
   * @param known the engagement of the file's rows; null where it is not known
   */
  Hit(PostFile file, int row, long sortAt, boolean deleted, EngagementFile known) {
    this.file = file;
    this.row = row;
    this.sortAt = sortAt;
    this.deleted = deleted;
    this.known = known;
  }

  /** Of which all is known. */
  Hit(PostRow row, boolean deleted) {
    this(null, 0, row.sortAt(), deleted, null);
    found(row);
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

  /** How much of one kind of engagement it has. Only where that is known. */
  int engagement(Engagement.Kind kind) {
    return known.of(kind, row);
  }

  /** Null as long as it is not known. */
  Post post() {
    return post;
  }

  /** Whether it comes behind that place. Only for a hit whose post is known. */
  boolean isBehind(PostCursor cursor) {
    if (sortAt != cursor.sortAt()) {
      return sortAt < cursor.sortAt();
    }
    int byPost = post.did().compareTo(cursor.did());
    byPost = byPost == 0 ? rkey().compareTo(cursor.rkey()) : byPost;
    return byPost == 0 ? post.row().rev().compareTo(cursor.rev()) > 0 : byPost > 0;
  }

  PostCursor cursor(long seen) {
    return new PostCursor(seen, sortAt, post.did(), rkey(), post.row().rev());
  }

  private String rkey() {
    return post.row().rkey();
  }

  void found(PostRow as) {
    post = new Post(as, null, deleted, known == null ? null : known.of(row));
  }
}
