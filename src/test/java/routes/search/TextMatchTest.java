package routes.search;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.lifecycle.AfterContainer;
import net.jqwik.api.lifecycle.BeforeContainer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TextMatchTest {

  private static Connection connection;

  @BeforeAll
  @BeforeContainer
  static void open() throws SQLException {
    connection = DriverManager.getConnection("jdbc:duckdb:");
  }

  @AfterAll
  @AfterContainer
  static void close() throws SQLException {
    connection.close();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "volcano      | A Volcano erupts     | true",
        "volc         | Volcanoes            | true",
        "volcano      | vulcano              | false",
        "erupts again | it ERUPTS AGAIN now  | true",
        "vol*no       | the volcano          | true",
        "vol%erupts   | volcano that erupts  | true",
        "vol*x        | the volcano          | false",
        "*            | anything             | true",
        "a_b          | a_b                  | true",
        "a_b          | axb                  | false",
        "a\\b         | a\\b                 | true",
        "天幕          | 待って天幕の          | true",
        "ジャード       | 天幕のジャードゥーガル | true",
        "ÄRGER        | kein ärger           | true",
        "' OR 1=1 --  | x                    | false",
        "#vol         | see #vol today       | true",
        "#vol         | see #volcano today   | false",
        "#VOL         | see #vol today       | true",
        "#vol*        | see #volcano today   | true",
        "#vol*day     | see #volcano today   | false",
        "#ÄRGER       | so ein #ärger        | true",
        "#火山         | これは #火山 です       | true",
        "😀           | smile 😀             | true",
      })
  void findsARunOfCharactersAnywhere(String pattern, String text, boolean found)
      throws SQLException {
    assertThat(matches(new TextMatch(pattern.strip(), false), text.strip(), List.of()))
        .isEqualTo(found);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "Volcano      | A Volcano erupts   | true",
        "volcano      | A Volcano erupts   | false",
        "Volc         | A Volcano erupts   | false",
        "Volcano      | Volcano            | true",
        "Volcano      | (Volcano)          | true",
        "Volcano      | Volcano_2          | false",
        "A Volcano    | A Volcano erupts   | true",
        "Volc*        | A Volcano erupts   | true",
        "V*o          | A Volcano erupts   | true",
        "V*o          | A Volcanoes erupt  | false",
        "天幕          | 待って天幕の        | true",
        "a.b          | axb                | false",
        "a.b          | (a.b)              | true",
        "C++          | I like C++ most    | true",
        "100%         | 100 percent        | true",
        "é            | café               | false",
        "#Vol         | see #Vol today     | true",
        "#Vol         | see #vol today     | false",
      })
  void whenExactTheCaseAndTheEndsOfWordsCount(String pattern, String text, boolean found)
      throws SQLException {
    assertThat(matches(new TextMatch(pattern.strip(), true), text.strip(), List.of()))
        .isEqualTo(found);
  }

  @Test
  void findsAHashtagThatIsOnlyMarked() throws SQLException {
    assertThat(matches(new TextMatch("#Volcano", false), "no tag here", List.of("sky", "volcano")))
        .isTrue();
    assertThat(matches(new TextMatch("#Volcano", true), "no tag here", List.of("sky", "volcano")))
        .isFalse();
    assertThat(matches(new TextMatch("#volc", false), "no tag here", List.of("volcano"))).isFalse();
    assertThat(matches(new TextMatch("#volc*", false), "no tag here", List.of("volcano"))).isTrue();
  }

  @Test
  void refusesBlankText() {
    assertThatThrownBy(() -> new TextMatch("  ", false))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Property(tries = 1500)
  void looksForCharactersAsJavaDoes(
      @ForAll("patterns") String pattern, @ForAll("texts") String text) throws SQLException {
    assertThat(matches(new TextMatch(pattern, false), text, List.of()))
        .isEqualTo(contains(pattern, text));
  }

  @Property(tries = 1500)
  void anExactMatchIsAMatch(@ForAll("patterns") String pattern, @ForAll("texts") String text)
      throws SQLException {
    if (matches(new TextMatch(pattern, true), text, List.of())) {
      assertThat(matches(new TextMatch(pattern, false), text, List.of())).isTrue();
    }
  }

  @Property(tries = 1500)
  void neverFailsWhateverIsLookedFor(@ForAll("anything") String pattern, @ForAll boolean exact)
      throws SQLException {
    if (!pattern.isBlank()) {
      boolean found =
          matches(new TextMatch(pattern, exact), pattern.replaceAll("[*%]", ""), List.of());
      assertThat(found || pattern.startsWith("#") || pattern.startsWith("＃")).isTrue();
    }
  }

  @Provide
  Arbitrary<String> patterns() {
    return Arbitraries.strings()
        .withChars("aBcé_\\.*%+( 天あ")
        .ofMinLength(1)
        .ofMaxLength(5)
        .filter(pattern -> !pattern.isBlank());
  }

  @Provide
  Arbitrary<String> texts() {
    return Arbitraries.strings().withChars("abBCcéÉ_\\.+(* 天あ\n").ofMaxLength(12);
  }

  @Provide
  Arbitrary<String> anything() {
    return Arbitraries.strings()
        .withCharRange(' ', '\u024f')
        .withChars("\u0000\n*%#\\[]{}()?+.^$|天あ한ไ🌋")
        .ofMinLength(1)
        .ofMaxLength(12)
        .filter(text -> routes.jetstream.Json.isUnicode(text));
  }

  /** The pieces between the wildcards, one behind the other, upper and lower case alike. */
  private static boolean contains(String pattern, String text) {
    String rest = text.toLowerCase(Locale.ROOT);
    for (String piece : pattern.toLowerCase(Locale.ROOT).split("[*%]+")) {
      int at = rest.indexOf(piece);
      if (at < 0) {
        return false;
      }
      rest = rest.substring(at + piece.length());
    }
    return true;
  }

  private static boolean matches(TextMatch match, String text, List<String> tags)
      throws SQLException {
    PostFilter.Condition condition = match.condition();
    String list =
        tags.stream()
            .map(tag -> "'" + tag + "'")
            .collect(Collectors.joining(",", "[", "]::VARCHAR[]"));
    String sql = "SELECT " + condition.sql() + " FROM (SELECT ? AS text, " + list + " AS tags)";
    try (PreparedStatement statement = connection.prepareStatement(sql)) {
      Object[] values = condition.values().toArray();
      for (int i = 0; i < values.length; i++) {
        statement.setObject(i + 1, values[i]);
      }
      statement.setString(values.length + 1, text);
      try (ResultSet result = statement.executeQuery()) {
        assertThat(result.next()).as(Arrays.toString(values)).isTrue();
        boolean found = result.getBoolean(1);
        assertThat(match.test(text, tags)).as("Java finds what DuckDB finds").isEqualTo(found);
        return found;
      }
    }
  }
}
