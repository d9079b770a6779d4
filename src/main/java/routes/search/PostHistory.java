package routes.search;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Instant;
import java.util.List;

/**
 * All that the archive holds of one post.
 *
 * @param uri {@code at://did/app.bsky.feed.post/rkey}
 * @param handle the author's; null where the archive knows none
 * @param deleted whether it is known to be deleted, or its author's account
 * @param engagement how often others have taken part in it; null as long as that is not counted
 * @param versions what happened to it, the first first; at least one
 */
public record PostHistory(
    String uri,
    String did,
    String handle,
    boolean deleted,
    Engagement engagement,
    List<Version> versions) {

  public PostHistory {
    versions = List.copyOf(versions);
  }

  PostHistory withHandle(String known) {
    return new PostHistory(uri, did, known, deleted, engagement, versions);
  }

  /**
   * A creation, a change or a deletion.
   *
   * @param operation create, update or delete
   * @param rev the revision of the author's repository
   * @param cid of the record; null for a deletion, and where the content is gone
   * @param seenAt when the network passed it on
   * @param createdAt when the record says that it was made; null where that cannot be read
   * @param record the whole record; null for a deletion, and where the content is gone
   */
  public record Version(
      String operation,
      String rev,
      String cid,
      Instant seenAt,
      Instant createdAt,
      ObjectNode record) {}
}
