package routes.search;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.CharRange;
import net.jqwik.api.constraints.StringLength;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TextQueryTest {

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "volcano                          | volcano",
        "volcano coffee                   | (volcano & coffee)",
        "volcano AND coffee               | (volcano & coffee)",
        "volcano OR coffee tea            | (volcano + (coffee & tea))",
        "(volcano OR coffee) tea          | ((volcano + coffee) & tea)",
        "NOT tea                          | !tea",
        "hot -tea                         | (hot & !tea)",
        "hot -(tea OR \"green tea\")      | (hot & !(tea + green tea))",
        "NOT NOT tea                      | !!tea",
        "and or not                       | ((and & or) & not)",
        "well-known - thing               | ((well-known & -) & thing)",
        "#sky vol*                        | (#sky & vol*)",
        "\"AND\"                          | AND",
      })
  void readsWordsAndWhatIsBetweenThem(String question, String expected) throws Exception {
    String written = write(TextQuery.parse(question, false));
    assertThat(written.replaceAll("[()]", "")).isEqualTo(expected.replaceAll("[()]", ""));
    if (expected.contains("+")) {
      assertThat(written).isEqualTo(expected);
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "\"hot tea   | quotation mark is not closed",
        "\"\"        | nothing between",
        "(hot        | parenthesis is not closed",
        "hot)        | closing parenthesis too many",
        "hot OR      | missing at the end",
        "OR hot      | missing before OR",
        "NOT         | missing at the end",
        "()          | missing before )",
        "AND         | missing before AND",
      })
  void saysWhatIsWrong(String question, String message) {
    assertThatThrownBy(() -> TextQuery.parse(question, false))
        .isInstanceOf(TextQuery.Unreadable.class)
        .hasMessageContaining(message);
  }

  @Test
  void hasLimits() throws Exception {
    assertThat(TextQuery.parse("a ".repeat(50), false).columns()).containsExactly("text");
    assertThatThrownBy(() -> TextQuery.parse("a ".repeat(51), false))
        .isInstanceOf(TextQuery.Unreadable.class)
        .hasMessageContaining("50");
    assertThatThrownBy(() -> TextQuery.parse("(".repeat(10_000), false))
        .isInstanceOf(TextQuery.Unreadable.class)
        .hasMessageContaining("deep");
  }

  @Property(tries = 1000)
  void readsOrSaysWhatIsWrongWhateverIsAsked(
      @ForAll @StringLength(max = 30) @CharRange(from = ' ', to = '~') String question) {
    try {
      assertThat(TextQuery.parse(question, true)).isNotNull();
    } catch (TextQuery.Unreadable e) {
      assertThat(e).hasMessageMatching("(?s).+");
    }
  }

  private static String write(PostFilter filter) {
    return switch (filter) {
      case PostFilter.And and ->
          and.filters().stream()
              .map(TextQueryTest::write)
              .collect(java.util.stream.Collectors.joining(" & ", "(", ")"));
      case PostFilter.Or or ->
          or.filters().stream()
              .map(TextQueryTest::write)
              .collect(java.util.stream.Collectors.joining(" + ", "(", ")"));
      case PostFilter.Not not -> "!" + write(not.filter());
      case PostFilter.Text text -> text.match().text();
      default -> throw new AssertionError(filter);
    };
  }
}
