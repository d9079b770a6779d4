package routes.archive;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashSet;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

class KeySetTest {

  @Test
  void isASet() {
    KeySet keys = new KeySet();
    Set<EventKey> model = new HashSet<>();
    Random random = new Random(1);
    for (int i = 0; i < 60_000; i++) {
      EventKey key = new EventKey(random.nextLong(), random.nextInt(3));
      assertThat(keys.add(key)).isEqualTo(model.add(key));
      assertThat(keys.add(key)).isFalse();
    }
    assertThat(keys.size()).isEqualTo(model.size());
  }

  @Test
  void tellsKeysApartByBothHalves() {
    KeySet keys = new KeySet();
    for (int high = 0; high < 40; high++) {
      for (int low = 0; low < 40; low++) {
        assertThat(keys.add(new EventKey(high, low))).isTrue();
      }
    }
    assertThat(keys.size()).isEqualTo(1600);
    assertThat(keys.add(new EventKey(0, 0))).isFalse();
    assertThat(keys.add(new EventKey(0, 39))).isFalse();
    assertThat(keys.add(new EventKey(39, 0))).isFalse();
  }

  @Test
  void holdsKeysThatFallOnTheSameSlot() {
    KeySet keys = new KeySet();
    for (long i = 1; i <= 3000; i++) {
      assertThat(keys.add(new EventKey(i << 40 | i << 8, i))).isTrue();
      assertThat(keys.add(new EventKey(i << 40 | i << 8, -i))).isTrue();
    }
    for (long i = 1; i <= 3000; i++) {
      assertThat(keys.add(new EventKey(i << 40 | i << 8, -i))).isFalse();
    }
    assertThat(keys.size()).isEqualTo(6000);
  }

  @Test
  void anEmptySetHasNothing() {
    assertThat(new KeySet().size()).isZero();
  }
}
