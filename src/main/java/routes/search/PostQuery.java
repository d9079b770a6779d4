package routes.search;

import static java.util.Objects.requireNonNull;

import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * What posts are asked for. Posts that are known to be deleted are left out, and of an edited post
 * only the newest version counts.
 *
 * @param filter what they are
 * @param from the earliest {@code sort_at}, inclusive
 * @param to the end of {@code sort_at}, exclusive
 */
public record PostQuery(PostFilter filter, Optional<Instant> from, Optional<Instant> to) {

  public PostQuery {
    requireNonNull(filter, "filter");
    requireNonNull(from, "from");
    requireNonNull(to, "to");
  }

  /**
   * @param text what they contain
   * @param did who wrote them
   */
  public PostQuery(
      Optional<TextMatch> text,
      Optional<String> did,
      Optional<Instant> from,
      Optional<Instant> to) {
    this(
        new PostFilter.And(
            List.of(
                    text.<PostFilter>map(PostFilter.Text::new),
                    did.<PostFilter>map(PostFilter.Author::new))
                .stream()
                .flatMap(Optional::stream)
                .toList()),
        from,
        to);
  }
}
