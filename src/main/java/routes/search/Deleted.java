package routes.search;

import java.util.Locale;

/** Whether posts are asked for that are known to be deleted, by their author or with an account. */
public enum Deleted {
  /** Only posts that are still there, as far as the archive knows. */
  EXCLUDE,
  /** Only posts that are gone. */
  ONLY,
  /** Both. */
  INCLUDE;

  /** As parameters write it. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** Whether a post that is deleted, or not, is asked for. */
  boolean takes(boolean deleted) {
    return this == INCLUDE || deleted == (this == ONLY);
  }
}
