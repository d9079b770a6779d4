package routes.search;

import static java.util.Objects.requireNonNull;

import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;

/**
 * What engagement is asked for. Where any is, posts are found of which it is known: those of dates
 * that are compacted and counted.
 *
 * @param least how much of each kind a post has at least; kinds that are left out do not matter
 * @param mostFirst the kind that posts are sorted by, those with most first; those without any are
 *     left out. Empty for the newest first.
 */
public record Engaged(Map<Engagement.Kind, Integer> least, Optional<Engagement.Kind> mostFirst) {

  /** None. */
  public static final Engaged ANYHOW = new Engaged(Map.of(), Optional.empty());

  public Engaged {
    requireNonNull(mostFirst, "mostFirst");
    Map<Engagement.Kind, Integer> all = new EnumMap<>(Engagement.Kind.class);
    all.putAll(least);
    mostFirst.ifPresent(kind -> all.putIfAbsent(kind, 1));
    all.forEach(
        (kind, count) -> {
          if (count < 1) {
            throw new IllegalArgumentException("every post has " + count + " " + kind.label());
          }
        });
    least = Map.copyOf(all);
  }

  /** Whether any is asked for. */
  public boolean matters() {
    return !least.isEmpty();
  }
}
