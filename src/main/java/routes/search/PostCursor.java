package routes.search;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;

import java.util.Base64;

/**
 * A post of an answer, behind which the next page begins: whatever comes in meanwhile, no post
 * comes twice and none is left out that was there.
 *
 * @param seen posts of the answer up to that one
 * @param sortAt its time, microseconds since 1970
 * @param did its author
 * @param rkey its key
 * @param rev its version
 */
public record PostCursor(long seen, long sortAt, String did, String rkey, String rev) {

  private static final int PARTS = 5;

  public PostCursor {
    requireNonNull(did, "did");
    requireNonNull(rkey, "rkey");
    requireNonNull(rev, "rev");
    if (seen < 0 || sortAt == Long.MAX_VALUE) {
      throw new IllegalArgumentException("it is no place in an answer");
    }
  }

  /** As an address can hold it. */
  public String encode() {
    String text = seen + "\n" + sortAt + "\n" + did + "\n" + rkey + "\n" + rev;
    return Base64.getUrlEncoder().withoutPadding().encodeToString(text.getBytes(UTF_8));
  }

  /**
   * @param text what {@link #encode} gave
   * @throws IllegalArgumentException when it is anything else
   */
  public static PostCursor decode(String text) {
    String[] parts = new String(Base64.getUrlDecoder().decode(text), UTF_8).split("\n", -1);
    if (parts.length != PARTS) {
      throw new IllegalArgumentException("it has not five parts");
    }
    return new PostCursor(
        Long.parseLong(parts[0]), Long.parseLong(parts[1]), parts[2], parts[3], parts[4]);
  }
}
