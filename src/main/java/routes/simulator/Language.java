package routes.simulator;

/**
 * Made-up words in the shapes of several languages: word number n is always the same, and there is
 * no end of them.
 */
enum Language {
  ENGLISH("en", 0.50, "bdfghklmnprstvwy", "aeiou"),
  JAPANESE("ja", 0.17, "", ""),
  PORTUGUESE("pt", 0.10, "bcdfglmnprstvxz", "aeiouãéç"),
  GERMAN("de", 0.06, "bdfghklmnrstwz", "aeiouäöü"),
  SPANISH("es", 0.06, "bcdlmnprstvñ", "aeioáí"),
  FRENCH("fr", 0.04, "bcdfglmnprstv", "aeéèiou"),
  KOREAN("ko", 0.03, "", ""),
  THAI("th", 0.02, "", ""),
  ARABIC("ar", 0.02, "بتجدرسعفقكلمنهي", "اوي");

  /** Words of every language that come up all the time, so that a search finds something. */
  private static final String[] COMMON = {
    "the", "and", "is", "of", "to", "that", "volcano", "sky", "coffee", "cat", "music", "game",
    "news", "love", "today", "art"
  };

  private static final String KANJI = "日本人大学生今見行時間食東京話気天新聞車電話雨山川空海花鳥風月火水木金土";
  private static final int HIRAGANA = 0x3042;
  private static final int HANGUL = 0xac00;
  private static final int THAI_FIRST = 0x0e01;

  private final String tag;
  private final double share;
  private final String consonants;
  private final String vowels;

  Language(String tag, double share, String consonants, String vowels) {
    this.tag = tag;
    this.share = share;
    this.consonants = consonants;
    this.vowels = vowels;
  }

  static Language pick(Dice dice) {
    double left = dice.share();
    for (Language language : values()) {
      left -= language.share;
      if (left < 0) {
        return language;
      }
    }
    return ENGLISH;
  }

  String tag() {
    return tag;
  }

  boolean hasSpaces() {
    return this != JAPANESE && this != THAI;
  }

  /** The word of that number; small numbers are short and common. */
  String word(int number) {
    if (number < COMMON.length && hasSpaces()) {
      return COMMON[number];
    }
    Dice dice = Dice.of(ordinal(), number, 1);
    int syllables = 1 + number % 3 + (number > 10_000 ? 1 : 0);
    StringBuilder word = new StringBuilder();
    for (int i = 0; i < syllables; i++) {
      switch (this) {
        case JAPANESE -> {
          if (dice.chance(0.4)) {
            word.append(KANJI.charAt(dice.below(KANJI.length())));
          } else {
            word.append((char) (HIRAGANA + dice.below(80)));
          }
        }
        case KOREAN -> word.append((char) (HANGUL + dice.below(11_000)));
        case THAI -> word.append((char) (THAI_FIRST + dice.below(46)));
        default -> {
          word.append(consonants.charAt(dice.below(consonants.length())))
              .append(vowels.charAt(dice.below(vowels.length())));
          if (dice.chance(0.4)) {
            word.append(consonants.charAt(dice.below(consonants.length())));
          }
        }
      }
    }
    return word.toString();
  }
}
