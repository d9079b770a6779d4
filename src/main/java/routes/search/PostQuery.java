package routes.search;

import static java.util.Objects.requireNonNull;

import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * What posts are asked for. Of an edited post only the newest version counts.
 *
 * @param filter what they are
 * @param from the earliest {@code sort_at}, inclusive
 * @param to the end of {@code sort_at}, exclusive
 * @param deleted whether they are posts that are known to be deleted
 * @param engaged what engagement they have
 * @param pin the commits that are asked; empty for the newest, and what is not archived yet
 * @param whole whether answers have all columns of the posts, and not only those of {@link
 *     PostRow#SHOWN}
 */
public record PostQuery(
    PostFilter filter,
    Optional<Instant> from,
    Optional<Instant> to,
    Deleted deleted,
    Engaged engaged,
    Optional<Pin> pin,
    boolean whole) {

  public PostQuery {
    requireNonNull(filter, "filter");
    requireNonNull(from, "from");
    requireNonNull(to, "to");
    requireNonNull(deleted, "deleted");
    requireNonNull(engaged, "engaged");
    requireNonNull(pin, "pin");
    if (engaged.matters() && pin.isPresent()) {
      throw new IllegalArgumentException("engagement is counted anew, and not that of a commit");
    }
  }

  /** Of which answers have few columns. */
  public PostQuery(
      PostFilter filter,
      Optional<Instant> from,
      Optional<Instant> to,
      Deleted deleted,
      Engaged engaged,
      Optional<Pin> pin) {
    this(filter, from, to, deleted, engaged, pin, false);
  }

  /** Posts that are not known to be deleted. */
  public PostQuery(PostFilter filter, Optional<Instant> from, Optional<Instant> to) {
    this(filter, from, to, Deleted.EXCLUDE, Engaged.ANYHOW, Optional.empty());
  }

  /** Those of them that are this as well. */
  PostQuery and(PostFilter more) {
    return new PostQuery(
        new PostFilter.And(List.of(filter, more)), from, to, deleted, engaged, pin, whole);
  }

  /** The same posts with all columns. */
  public PostQuery withAllColumns() {
    return new PostQuery(filter, from, to, deleted, engaged, pin, true);
  }

  /** The same posts as they were at these commits. */
  public PostQuery at(Pin commits) {
    return new PostQuery(filter, from, to, deleted, engaged, Optional.of(commits), whole);
  }

  /** The columns that answers have. */
  List<String> columns() {
    return whole ? PostRow.ALL : PostRow.SHOWN;
  }
}
