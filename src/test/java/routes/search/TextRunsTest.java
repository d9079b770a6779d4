package routes.search;

import static org.assertj.core.api.Assertions.assertThat;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.util.ArrayList;
import java.util.List;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Test;
import routes.search.TextRuns.Kind;
import routes.search.TextRuns.Run;

class TextRunsTest {

  @Test
  void cutsATextWhereTheKindOfCharacterChanges() {
    assertThat(TextRuns.of("Don't eat 3 火山 ラーメン at ¥5!"))
        .extracting(run -> run.kind() + " " + run.text())
        .containsExactly(
            "WORD Don",
            "WORD t",
            "WORD eat",
            "WORD 3",
            "UNSPACED 火山",
            "UNSPACED ラーメン",
            "WORD at",
            "SYMBOL ¥",
            "WORD 5");
    assertThat(TextRuns.of("😀😀a\u200d❤\ufe0f"))
        .extracting(Run::text)
        .as("each sign for itself, and without what only tells how it is drawn")
        .containsExactly("😀", "😀", "a", "❤");
    assertThat(TextRuns.of(" .,;:!?()[]{}\"'")).isEmpty();
  }

  /** Else a search for a part of a text would miss the text. */
  @Property(tries = 2000)
  void cutsAPartAsItCutsTheWhole(
      @ForAll("texts") String before,
      @ForAll("texts") String part,
      @ForAll("texts") String behind) {
    List<Run> whole = TextRuns.of(before + part + behind);
    for (Run run : TextRuns.of(part)) {
      int start = before.length() + run.start();
      assertThat(whole)
          .anyMatch(
              outer ->
                  outer.kind() == run.kind()
                      && outer.start() <= start
                      && outer.end() >= start + run.text().length());
      if (run.start() > 0 && run.end() < part.length()) {
        assertThat(whole).contains(new Run(run.kind(), run.text(), start));
      }
    }
  }

  @Provide
  Arbitrary<String> texts() {
    return Arbitraries.of(
            "a", "B", "é", "1", "_", " ", "-", "#", "天", "ラ", "ー", "ไ", "한", "😀", "$", "\ufe0f",
            "\u0301")
        .list()
        .ofMaxSize(6)
        .map(characters -> String.join("", characters));
  }

  /** The index writes what DuckDB compares. */
  @Test
  void foldsEveryCharacterAsDuckDbDoes() throws Exception {
    List<String> different = new ArrayList<>();
    try (Connection connection = DriverManager.getConnection("jdbc:duckdb:");
        PreparedStatement lower = connection.prepareStatement("SELECT lower(?)")) {
      for (int start = 0; start < Character.MAX_CODE_POINT; start += 4096) {
        StringBuilder characters = new StringBuilder();
        for (int c = start; c < start + 4096; c++) {
          if (Character.isDefined(c) && !(c >= 0xD800 && c <= 0xDFFF)) {
            characters.appendCodePoint(c);
          }
        }
        lower.setString(1, characters.toString());
        try (ResultSet result = lower.executeQuery()) {
          result.next();
          int[] lowered = result.getString(1).codePoints().toArray();
          int[] folded = TextRuns.fold(characters.toString()).codePoints().toArray();
          assertThat(folded).hasSameSizeAs(lowered);
          for (int i = 0; i < folded.length; i++) {
            if (folded[i] != lowered[i]) {
              different.add(
                  Integer.toHexString(characters.codePointAt(characters.offsetByCodePoints(0, i))));
            }
          }
        }
      }
    }
    assertThat(different).isEmpty();
  }

  @Test
  void knowsTheKindOfEveryCharacter() {
    assertThat(TextRuns.kindOf('_')).isEqualTo(Kind.WORD);
    assertThat(TextRuns.kindOf('-')).isEqualTo(Kind.OTHER);
    assertThat(TextRuns.kindOf('€')).isEqualTo(Kind.SYMBOL);
    for (int c = 0; c <= Character.MAX_CODE_POINT; c++) {
      assertThat(TextRuns.kindOf(c)).isNotNull();
    }
  }
}
