package routes.search;

import static java.util.Objects.requireNonNull;

import java.time.Instant;
import routes.archive.Times;

/**
 * A post found.
 *
 * @param row its newest version, as far as its columns were asked for
 * @param handle the author's handle; null when the archive has none
 * @param deleted whether it is known to be deleted, or its author's account
 * @param engagement how often others have taken part in it; null as long as that is not counted
 */
public record Post(PostRow row, String handle, boolean deleted, Engagement engagement) {

  public Post {
    requireNonNull(row, "row");
  }

  /** {@code at://did/app.bsky.feed.post/rkey}. */
  public String uri() {
    return row.uri();
  }

  /** The time it is sorted by: what its author claims, but not later than it was seen. */
  public Instant sortAt() {
    return Times.instant(row.sortAt());
  }

  /** The author. */
  public String did() {
    return row.did();
  }

  /** Empty for a post that has none. */
  public String text() {
    return row.text() == null ? "" : row.text();
  }

  /** The post that it answers; null when it answers none. */
  public String parent() {
    return row.replyParent();
  }

  Post withHandle(String known) {
    return new Post(row, known, deleted, engagement);
  }
}
