package routes.simulator;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;
import routes.jetstream.Json;

/**
 * Composes the text of a post, with the facets that mark its links, tags and mentions by byte
 * offsets.
 */
final class PostText {

  private static final int WORDS = 300_000;
  private static final String LETTERS = "abcdefghijklmnopqrstuvwxyz";
  private static final String FACET = "app.bsky.richtext.facet#";

  private final Dice dice;
  private final Language language;
  private final StringBuilder text = new StringBuilder();
  private final ArrayNode facets = Json.object().arrayNode();

  PostText(Dice dice, Language language) {
    this.dice = dice;
    this.language = language;
  }

  void words(int count) {
    for (int i = 0; i < count; i++) {
      space();
      text.append(word());
    }
  }

  /**
   * Mostly a word that others use too; sometimes a typo, a number, an emoji, or something never
   * seen before.
   */
  private String word() {
    double kind = dice.share();
    String word = language.word(dice.skewed(WORDS, 4));
    if (kind < 0.03) {
      int at = dice.below(word.length());
      return word.substring(0, at) + LETTERS.charAt(dice.below(26)) + word.substring(at);
    } else if (kind < 0.05) {
      return Integer.toString(dice.skewed(10_000_000, 5));
    } else if (kind < 0.06) {
      return dice.from(LETTERS, 6 + dice.below(6));
    } else if (kind < 0.08) {
      return new String(Character.toChars(0x1f600 + dice.below(60)));
    } else if (kind < 0.10) {
      return word + "!";
    } else if (kind < 0.13 && language.hasSpaces()) {
      return Character.toUpperCase(word.charAt(0)) + word.substring(1);
    }
    return word;
  }

  void tag() {
    String tag = Language.ENGLISH.word(16 + dice.skewed(20_000, 3));
    facet("#" + tag, "tag", "tag", tag);
  }

  String link() {
    String path = dice.from(LETTERS + "0123456789", 8);
    String host = Language.ENGLISH.word(16 + dice.skewed(3_000, 3)) + ".example";
    String url = "https://" + host + "/" + path;
    facet(host + "/" + path.substring(0, 4) + "...", "link", "uri", url);
    return url;
  }

  void mention(String handle, String did) {
    facet("@" + handle, "mention", "did", did);
  }

  private void facet(String shown, String feature, String member, String value) {
    space();
    int start = bytes();
    text.append(shown);
    ObjectNode facet = facets.addObject();
    facet.putArray("features").addObject().put("$type", FACET + feature).put(member, value);
    facet.putObject("index").put("byteEnd", bytes()).put("byteStart", start);
  }

  private void space() {
    if (!text.isEmpty() && (language.hasSpaces() || !facets.isEmpty())) {
      text.append(dice.chance(0.02) ? '\n' : ' ');
    }
  }

  private int bytes() {
    return text.toString().getBytes(StandardCharsets.UTF_8).length;
  }

  String text() {
    return text.toString();
  }

  ArrayNode facets() {
    return facets;
  }
}
