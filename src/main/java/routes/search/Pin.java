package routes.search;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Commits of the archive. What is answered from them stays the same, whatever is received,
 * archived, compacted or deleted later.
 *
 * @param posts commit of the posts; 0 for none
 * @param actors commit of the accounts; 0 for none
 */
public record Pin(long posts, long actors) {

  private static final int RADIX = 36;
  private static final Pattern TEXT = Pattern.compile("([0-9a-z]{1,13})-([0-9a-z]{1,13})");

  public Pin {
    if (posts < 0 || actors < 0) {
      throw new IllegalArgumentException("no commit has that number");
    }
  }

  /** The archive has forgotten one of the commits, or never had it. */
  public static final class NotKept extends RuntimeException {

    private static final long serialVersionUID = 1;

    NotKept(Pin pin) {
      super("the archive does not have the commits of the pin " + pin.encode() + ", or no longer");
    }
  }

  /** As an address can hold it. */
  public String encode() {
    return Long.toString(posts, RADIX) + "-" + Long.toString(actors, RADIX);
  }

  /**
   * @param text what {@link #encode} gave
   * @throws IllegalArgumentException when it is anything else
   */
  public static Pin decode(String text) {
    Matcher matcher = TEXT.matcher(text);
    if (!matcher.matches()) {
      throw new IllegalArgumentException("it is no pin");
    }
    return new Pin(
        Long.parseLong(matcher.group(1), RADIX), Long.parseLong(matcher.group(2), RADIX));
  }
}
