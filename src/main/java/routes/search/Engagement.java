package routes.search;

import java.util.Locale;

/**
 * How often others have taken part in a post, by what the archive holds.
 *
 * @param likes records that like it
 * @param reposts records that repost it
 * @param replies posts that answer it itself, not others of its thread
 * @param quotes posts that quote it
 */
public record Engagement(int likes, int reposts, int replies, int quotes) {

  /** How often, in one way. */
  public int of(Kind kind) {
    return switch (kind) {
      case LIKES -> likes;
      case REPOSTS -> reposts;
      case REPLIES -> replies;
      case QUOTES -> quotes;
    };
  }

  /** One way to take part. */
  public enum Kind {
    LIKES,
    REPOSTS,
    REPLIES,
    QUOTES;

    /** As parameters write it. */
    public String label() {
      return name().toLowerCase(Locale.ROOT);
    }
  }
}
