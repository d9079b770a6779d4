package routes.jetstream;

import static org.assertj.core.api.Assertions.assertThat;

import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.LongRange;
import org.junit.jupiter.api.Test;

class TidTest {

  private static final long MAX = (1L << 53) - 1;

  @Property
  void givesItsTimeBack(
      @ForAll @LongRange(max = MAX) long timeUs, @ForAll @IntRange(max = 1023) int clock) {
    assertThat(Tid.timeUs(Tid.of(timeUs, clock))).hasValue(timeUs);
  }

  @Property
  void sortsAsItsTimesDo(
      @ForAll @LongRange(max = MAX) long one, @ForAll @LongRange(max = MAX) long other) {
    assertThat(Integer.signum(Tid.of(one, 0).compareTo(Tid.of(other, 0))))
        .isEqualTo(Long.compare(one, other));
  }

  @Test
  void readsARealOne() {
    assertThat(Tid.timeUs("3mptbypluud2a")).isPresent();
    assertThat(java.time.Instant.ofEpochMilli(Tid.timeUs("3mptbypluud2a").getAsLong() / 1000))
        .asString()
        .startsWith("2026-07-04T14:38");
  }

  @Test
  void isEmptyForAnythingElse() {
    assertThat(Tid.timeUs("x")).isEmpty();
    assertThat(Tid.timeUs("3mptbypluud21")).isEmpty();
    assertThat(Tid.timeUs("zzzzzzzzzzzzz")).isEmpty();
    assertThat(Tid.timeUs("3mptbyplüud2a")).isEmpty();
  }

  @Test
  void knowsTheGreatestAndRefusesWhatIsGreater() {
    assertThat(Tid.timeUs("jzzzzzzzzzzzz")).hasValue((1L << 54) - 1);
    assertThat(Tid.timeUs("kzzzzzzzzzzzz")).isEmpty();
    assertThat(Tid.timeUs("3mptbypl\u0080ud2a")).isEmpty();
  }
}
