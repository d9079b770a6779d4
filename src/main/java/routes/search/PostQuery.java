package routes.search;

import static java.util.Objects.requireNonNull;

import java.time.Instant;
import java.util.Optional;

/**
 * What posts are asked for. Posts that are known to be deleted are left out, and of an edited post
 * only the newest version counts.
 *
 * @param text what they contain
 * @param did who wrote them
 * @param from the earliest {@code sort_at}, inclusive
 * @param to the end of {@code sort_at}, exclusive
 */
public record PostQuery(
    Optional<TextMatch> text, Optional<String> did, Optional<Instant> from, Optional<Instant> to) {

  public PostQuery {
    requireNonNull(text, "text");
    requireNonNull(did, "did");
    requireNonNull(from, "from");
    requireNonNull(to, "to");
  }
}
