package routes.jetstream;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class JsonTest {

  private static final char HIGH = '\ud83c';
  private static final char LOW = '\udf0b';

  @Test
  void knowsWhatCanBeWrittenAsUtf8() {
    assertThat(Json.isUnicode("")).isTrue();
    assertThat(Json.isUnicode("a" + HIGH + LOW + "b" + HIGH + LOW)).isTrue();
    assertThat(Json.isUnicode("a" + HIGH)).isFalse();
    assertThat(Json.isUnicode("a" + HIGH + "b")).isFalse();
    assertThat(Json.isUnicode("a" + LOW + "b")).isFalse();
    assertThat(Json.isUnicode("" + HIGH + LOW + LOW)).isFalse();
    assertThat(Json.isUnicode("" + HIGH + HIGH + LOW)).isFalse();
  }

  @Test
  void writesHalfASurrogatePairAsAnEscape() {
    assertThat(written("volcano " + HIGH + LOW)).isEqualTo("\"volcano " + HIGH + LOW + "\"");
    assertThat(written("" + HIGH + LOW + HIGH)).isEqualTo("\"" + HIGH + LOW + "\\ud83c\"");
    assertThat(written(LOW + "x" + HIGH + "y")).isEqualTo("\"\\udf0bx\\ud83cy\"");
    assertThat(written("" + HIGH + HIGH + LOW)).isEqualTo("\"\\ud83c" + HIGH + LOW + "\"");
  }

  @Test
  void writesWhatCanBeReadAgain() throws Exception {
    var value = Json.object().put("a", "x" + HIGH + "z" + LOW + HIGH + LOW);
    assertThat(Json.read(Json.write(value))).isEqualTo(value);
  }

  private static String written(String text) {
    return Json.write(Json.object().textNode(text));
  }
}
