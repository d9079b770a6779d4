package routes.search;

import java.lang.Character.UnicodeScript;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/**
 * Cuts a text into runs of characters of one kind. What kind a character is depends on nothing but
 * itself, so that whatever a part of a text is cut into, the whole text is cut into as well, but
 * for the two ends.
 */
final class TextRuns {

  /** Scripts that put no space between words. */
  static final Set<UnicodeScript> UNSPACED_SCRIPTS =
      EnumSet.of(
          UnicodeScript.HAN,
          UnicodeScript.HIRAGANA,
          UnicodeScript.KATAKANA,
          UnicodeScript.HANGUL,
          UnicodeScript.THAI,
          UnicodeScript.LAO,
          UnicodeScript.KHMER,
          UnicodeScript.MYANMAR);

  /** Kinds of characters. */
  enum Kind {
    /** Letters, marks and digits of scripts with spaces between words, and the underscore. */
    WORD,
    /** Letters and marks of scripts without. */
    UNSPACED,
    /** Signs that stand for themselves: emoji, currencies, mathematics. */
    SYMBOL,
    /** Spaces, punctuation and what cannot be seen. */
    OTHER
  }

  /**
   * Some characters of one kind.
   *
   * @param start where it begins in the text, in UTF-16 units
   */
  record Run(Kind kind, String text, int start) {

    int end() {
      return start + text.length();
    }
  }

  private TextRuns() {}

  /**
   * The text with every character in lower case, as DuckDB's {@code lower} writes it: by Unicode
   * 15.
   */
  static String fold(String text) {
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c >= 128 || c >= 'A' && c <= 'Z') {
        return fold(text, i);
      }
    }
    return text;
  }

  private static String fold(String text, int from) {
    StringBuilder folded = new StringBuilder(text.length());
    folded.append(text, 0, from);
    int next;
    for (int i = from; i < text.length(); i = next) {
      char c = text.charAt(i);
      next = i + 1;
      if (c < 128) {
        folded.append(c >= 'A' && c <= 'Z' ? (char) (c + 'a' - 'A') : c);
      } else {
        int codePoint = text.codePointAt(i);
        next = i + Character.charCount(codePoint);
        folded.appendCodePoint(fold(codePoint));
      }
    }
    return folded.toString();
  }

  private static int fold(int codePoint) {
    boolean unknownToDuckDb =
        codePoint == 0x1C89
            || codePoint >= 0xA7CB && codePoint <= 0xA7CF
            || codePoint >= 0xA7DA && codePoint <= 0xA7DF
            || codePoint >= 0x10D50 && codePoint <= 0x10D65;
    return unknownToDuckDb ? codePoint : Character.toLowerCase(codePoint);
  }

  /** The runs of a text, in order, those of kind OTHER left out. */
  static List<Run> of(String text) {
    List<Run> runs = new ArrayList<>();
    int at = 0;
    while (at < text.length()) {
      int start = at;
      int first = text.codePointAt(at);
      Kind kind = kindOf(first);
      at += Character.charCount(first);
      if (kind == Kind.WORD || kind == Kind.UNSPACED) {
        while (at < text.length()) {
          int next = text.codePointAt(at);
          if (kindOf(next) != kind) {
            break;
          }
          at += Character.charCount(next);
        }
      }
      if (kind != Kind.OTHER) {
        runs.add(new Run(kind, text.substring(start, at), start));
      }
    }
    return runs;
  }

  static Kind kindOf(int codePoint) {
    if (codePoint < 128) {
      return ASCII[codePoint];
    }
    return switch (Character.getType(codePoint)) {
      case Character.UPPERCASE_LETTER,
          Character.LOWERCASE_LETTER,
          Character.TITLECASE_LETTER,
          Character.MODIFIER_LETTER,
          Character.OTHER_LETTER,
          Character.NON_SPACING_MARK,
          Character.ENCLOSING_MARK,
          Character.COMBINING_SPACING_MARK,
          Character.DECIMAL_DIGIT_NUMBER,
          Character.LETTER_NUMBER,
          Character.OTHER_NUMBER ->
          letter(codePoint);
      case Character.MATH_SYMBOL,
          Character.CURRENCY_SYMBOL,
          Character.MODIFIER_SYMBOL,
          Character.OTHER_SYMBOL ->
          Kind.SYMBOL;
      default -> Kind.OTHER;
    };
  }

  private static Kind letter(int codePoint) {
    if (codePoint >= 0xFE00 && codePoint <= 0xFE0F
        || codePoint >= 0xE0100 && codePoint <= 0xE01EF) {
      return Kind.OTHER; // how a character is drawn, not which
    }
    boolean kana = codePoint >= 0x3005 && codePoint <= 0x30FF || codePoint == 0xFF70;
    return kana || UNSPACED_SCRIPTS.contains(UnicodeScript.of(codePoint))
        ? Kind.UNSPACED
        : Kind.WORD;
  }

  private static final Kind[] ASCII = new Kind[128];

  static {
    for (int c = 0; c < ASCII.length; c++) {
      ASCII[c] =
          Character.isLetterOrDigit(c) || c == '_'
              ? Kind.WORD
              : "$+<=>^`|~".indexOf(c) >= 0 ? Kind.SYMBOL : Kind.OTHER;
    }
  }
}
