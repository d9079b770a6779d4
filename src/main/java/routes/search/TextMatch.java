package routes.search;

import static java.util.Objects.requireNonNull;

import java.lang.Character.UnicodeScript;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What a text has to contain.
 *
 * <ul>
 *   <li>{@code word} or {@code some words}: that run of characters, anywhere, upper and lower case
 *       alike, as SQL {@code ILIKE '%…%'}
 *   <li>{@code *} and {@code %} stand for any run of characters
 *   <li>{@code #word}: the hashtag, marked as one or written in the text; a wildcard stays within
 *       the word there
 *   <li>exact: the same letters in the same case, as whole words; in scripts without spaces between
 *       words, anywhere
 * </ul>
 */
public final class TextMatch {

  private static final Pattern HASHTAG = Pattern.compile("[#＃]([\\p{L}\\p{N}\\p{M}_*%-]+)");
  private static final Pattern WILDCARD = Pattern.compile("[*%]+");
  private static final String WORD = "\\pL\\pN\\pM_";

  private final String text;
  private final boolean exact;

  // Made once, for they are used for every post that is looked at.
  private final List<String> pieces;
  private final Optional<String> hashtag;
  private final Pattern wholeTag;
  private final Pattern inText;

  /**
   * @param text as the user wrote it, not blank
   * @param exact whether case and the ends of words count
   */
  public TextMatch(String text, boolean exact) {
    this.text = requireNonNull(text, "text");
    this.exact = exact;
    if (text.isBlank()) {
      throw new IllegalArgumentException("the text to look for is blank");
    }
    this.pieces = WILDCARD.splitAsStream(cased(text)).filter(piece -> !piece.isEmpty()).toList();
    Matcher tag = HASHTAG.matcher(text);
    this.hashtag = tag.matches() ? Optional.of(cased(tag.group(1))) : Optional.empty();
    this.wholeTag = hashtag.map(word -> Pattern.compile("(?s)" + parts(word, ".*"))).orElse(null);
    this.inText =
        hashtag
            .map(word -> Pattern.compile(hashtagInText(word)))
            .orElseGet(() -> exact ? Pattern.compile(wholeWords(text, ".*")) : null);
  }

  /** As the user wrote it. */
  public String text() {
    return text;
  }

  /** Whether case and the ends of words count. */
  public boolean exact() {
    return exact;
  }

  /**
   * An SQL condition on the columns {@code text} and {@code tags}, null where these are, and the
   * values for its question marks.
   */
  PostFilter.Condition condition() {
    if (hashtag().isPresent()) {
      String tag = hashtag().get();
      return new PostFilter.Condition(
          "(coalesce(len(list_filter(tags, lambda tag: tag "
              + (exact ? "LIKE" : "ILIKE")
              + " ? ESCAPE '\\')) > 0, false) OR regexp_matches("
              + (exact ? "text" : "lower(text)")
              + ", ?))",
          List.of(likePattern(tag), hashtagInText(tag)));
    }
    if (exact) {
      return new PostFilter.Condition("regexp_matches(text, ?)", List.of(wholeWords(text, ".*")));
    }
    return new PostFilter.Condition(
        "text ILIKE ? ESCAPE '\\'", List.of("%" + likePattern(text) + "%"));
  }

  /**
   * Whether that text, or one of those hashtags, is such a one.
   *
   * @param content null for none
   */
  boolean test(String content, List<String> tags) {
    if (hashtag.isPresent()) {
      return tags.stream().anyMatch(marked -> wholeTag.matcher(cased(marked)).matches())
          || content != null && inText.matcher(cased(content)).find();
    }
    if (content == null) {
      return false;
    }
    if (exact) {
      return inText.matcher(content).find();
    }
    String folded = cased(content);
    int at = 0;
    for (String piece : pieces) {
      int found = folded.indexOf(piece, at);
      if (found < 0) {
        return false;
      }
      at = found + piece.length();
    }
    return true;
  }

  /** What stands between the wildcards, in order; in lower case unless exact. */
  List<String> pieces() {
    return pieces;
  }

  /** The hashtag asked for, without #; empty when it is no hashtag. */
  Optional<String> hashtag() {
    return hashtag;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof TextMatch match && text.equals(match.text) && exact == match.exact;
  }

  @Override
  public int hashCode() {
    return Objects.hash(text, exact);
  }

  @Override
  public String toString() {
    return (exact ? "exactly " : "") + "'" + text + "'";
  }

  /** Whether a word has to begin where it begins, if exact. */
  boolean startsWithAWord() {
    return isWord(text.codePointAt(0));
  }

  /** Whether a word has to end where it ends, if exact or a hashtag: nothing of it may follow. */
  boolean endsWithAWord() {
    return isWord(text.codePointBefore(text.length()));
  }

  private String cased(String value) {
    return exact ? value : TextRuns.fold(value);
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

  private static String hashtagInText(String tag) {
    return "(?s)(?:^|[^" + WORD + "])[#＃]" + parts(tag, "[" + WORD + "]*") + end(tag);
  }

  /** A regular expression as RE2 takes it: no look-around, linear in the length of the text. */
  private static String wholeWords(String text, String wildcard) {
    String before = isWord(text.codePointAt(0)) ? "(?:^|[^" + WORD + "])" : "";
    return "(?s)" + before + parts(text, wildcard) + end(text);
  }

  private static String end(String text) {
    return isWord(text.codePointBefore(text.length())) ? "(?:$|[^" + WORD + "])" : "";
  }

  private static String parts(String text, String wildcard) {
    List<String> parts = new ArrayList<>();
    for (String part : WILDCARD.split(text, -1)) {
      parts.add(quote(part));
    }
    return String.join(wildcard, parts);
  }

  /** Whether the word that begins or ends with this character begins or ends there for good. */
  private static boolean isWord(int codePoint) {
    boolean word = Character.isLetterOrDigit(codePoint) || codePoint == '_';
    return word && !TextRuns.UNSPACED_SCRIPTS.contains(UnicodeScript.of(codePoint));
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
}
