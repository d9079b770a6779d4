package routes.search;

import java.time.Instant;
import java.util.List;

/**
 * What the archive knows of an account.
 *
 * @param handle the last one; null where none is known
 * @param handles all that are known, the first first
 * @param active whether it is active; null where nothing was heard of that
 * @param status why it is not, such as deactivated or deleted; null where it is, or nothing was
 *     heard
 * @param displayName of the last profile seen; null without one
 * @param description of the last profile seen; null without one
 * @param firstSeen the first event of the account's own that the archive has; null for none
 * @param lastSeen the last one
 * @param posts posts of the account that are not deleted
 */
public record Account(
    String did,
    String handle,
    List<Handle> handles,
    Boolean active,
    String status,
    String displayName,
    String description,
    Instant firstSeen,
    Instant lastSeen,
    long posts) {

  public Account {
    handles = List.copyOf(handles);
  }

  /** The same account with a handle that is known from elsewhere. */
  public Account withHandle(String known) {
    return new Account(
        did, known, handles, active, status, displayName, description, firstSeen, lastSeen, posts);
  }

  /**
   * A handle that it had.
   *
   * @param first when it was first said
   * @param last when it was last said
   */
  public record Handle(String handle, Instant first, Instant last) {}
}
