package routes.search;

import java.time.Instant;

/**
 * A post found.
 *
 * @param uri {@code at://did/app.bsky.feed.post/rkey}
 * @param sortAt the time it is sorted by: what its author claims, but not later than it was seen
 * @param did the author
 * @param handle the author's handle; null when the archive has none
 * @param text empty for a post that has none
 * @param deleted whether it is known to be deleted, or its author's account
 * @param parent the post that it answers; null when it answers none
 * @param engagement how often others have taken part in it; null as long as that is not counted
 */
public record Post(
    String uri,
    Instant sortAt,
    String did,
    String handle,
    String text,
    boolean deleted,
    String parent,
    Engagement engagement) {

  Post withHandle(String known) {
    return new Post(uri, sortAt, did, known, text, deleted, parent, engagement);
  }
}
