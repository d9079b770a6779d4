package routes.buffer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class StreamIdTest {

  @Test
  void readsWhatItWrites() {
    StreamId id = new StreamId(1783175888085L, 7);
    assertThat(id).hasToString("1783175888085-7");
    assertThat(StreamId.parse(id.toString())).isEqualTo(id);
    assertThat(StreamId.parse("0-0")).isEqualTo(StreamId.ZERO);
  }

  @Test
  void sortsByTimeAndThenByNumber() {
    StreamId first = new StreamId(5, 9);
    assertThat(new StreamId(6, 0).isAfter(first)).isTrue();
    assertThat(new StreamId(5, 10).isAfter(first)).isTrue();
    assertThat(first.isAfter(first)).isFalse();
    assertThat(new StreamId(5, 8).isAfter(first)).isFalse();
    assertThat(new StreamId(4, 99).isAfter(first)).isFalse();
    assertThat(first).isGreaterThan(new StreamId(4, 99)).isLessThan(new StreamId(5, 10));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "5", "-5", "a-b", "5-"})
  void refusesWhatIsNone(String text) {
    assertThatThrownBy(() -> StreamId.parse(text)).isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void saysWhatIsNone() {
    assertThatThrownBy(() -> StreamId.parse("-5")).hasMessage("no stream id: '-5'");
  }

  @Test
  void isNeverNegative() {
    assertThatThrownBy(() -> new StreamId(-1, 0)).hasMessageContaining("-1");
    assertThatThrownBy(() -> new StreamId(0, -1)).isInstanceOf(IllegalArgumentException.class);
  }
}
