package routes.search;

import static java.util.Objects.requireNonNull;

import java.lang.Character.UnicodeScript;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * What a text has to contain.
 *
 * <ul>
 *   <li>{@code word} or {@code some words}: that run of characters, anywhere, upper and lower case
 *       alike, as SQL {@code ILIKE '%…%'}
 *   <li>{@code *} and {@code %} stand for any run of characters
 *   <li>{@code #word}: the hashtag, marked as one or written in the text
 *   <li>exact: the same letters in the same case, as whole words; in scripts without spaces between
 *       words, anywhere
 * </ul>
 *
 * @param text as the user wrote it, not blank
 * @param exact whether case and the ends of words count
 */
public record TextMatch(String text, boolean exact) {

  private static final Pattern HASHTAG = Pattern.compile("[#＃]([\\p{L}\\p{N}\\p{M}_*%-]+)");
  private static final Pattern WILDCARD = Pattern.compile("[*%]+");
  private static final String WORD = "\\pL\\pN\\pM_";
  private static final Set<UnicodeScript> WITHOUT_SPACES =
      EnumSet.of(
          UnicodeScript.HAN,
          UnicodeScript.HIRAGANA,
          UnicodeScript.KATAKANA,
          UnicodeScript.HANGUL,
          UnicodeScript.THAI,
          UnicodeScript.LAO,
          UnicodeScript.KHMER,
          UnicodeScript.MYANMAR);

  public TextMatch {
    requireNonNull(text, "text");
    if (text.isBlank()) {
      throw new IllegalArgumentException("the text to look for is blank");
    }
  }

  /**
   * An SQL condition on the columns {@code text} and {@code tags}, and the values for its question
   * marks.
   */
  Condition condition() {
    var hashtag = HASHTAG.matcher(text);
    if (hashtag.matches()) {
      return hashtag(hashtag.group(1));
    }
    if (exact) {
      return new Condition("regexp_matches(text, ?)", List.of(wholeWords("", text)));
    }
    return new Condition("text ILIKE ? ESCAPE '\\'", List.of("%" + likePattern(text) + "%"));
  }

  private Condition hashtag(String tag) {
    String like = exact ? "LIKE" : "ILIKE";
    return new Condition(
        "(len(list_filter(tags, lambda tag: tag "
            + like
            + " ? ESCAPE '\\')) > 0 OR regexp_matches(text, ?))",
        List.of(likePattern(tag), (exact ? "" : "(?i)") + wholeWords("[#＃]", tag)));
  }

  private static String likePattern(String text) {
    StringBuilder pattern = new StringBuilder();
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      switch (c) {
        case '*', '%' -> pattern.append('%');
        case '_', '\\' -> pattern.append('\\').append(c);
        default -> pattern.append(c);
      }
    }
    return pattern.toString();
  }

  /** A regular expression as RE2 takes it: no look-around, linear in the length of the text. */
  private static String wholeWords(String prefix, String text) {
    List<String> parts = new ArrayList<>();
    for (String part : WILDCARD.split(text, -1)) {
      parts.add(quote(part));
    }
    String before = !prefix.isEmpty() || isWord(text.codePointAt(0)) ? "(?:^|[^" + WORD + "])" : "";
    String after = isWord(text.codePointBefore(text.length())) ? "(?:$|[^" + WORD + "])" : "";
    return "(?s)" + before + prefix + String.join(".*", parts) + after;
  }

  /** Whether the word that begins or ends with this character begins or ends there for good. */
  private static boolean isWord(int codePoint) {
    boolean word = Character.isLetterOrDigit(codePoint) || codePoint == '_';
    return word && !WITHOUT_SPACES.contains(UnicodeScript.of(codePoint));
  }

  private static String quote(String text) {
    StringBuilder quoted = new StringBuilder();
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == 0) {
        quoted.append("\\x00");
      } else if (c < 128 && !Character.isLetterOrDigit(c)) {
        quoted.append('\\').append(c);
      } else {
        quoted.append(c);
      }
    }
    return quoted.toString();
  }

  /** Part of an SQL statement: text of ours, values of the user's. */
  record Condition(String sql, List<Object> values) {}
}
