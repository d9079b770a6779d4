package routes.archive;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class AheadTest {

  private static Ahead.Source<Integer> numbers(int end) {
    AtomicInteger next = new AtomicInteger();
    return () -> next.get() == end ? null : next.getAndIncrement();
  }

  @Test
  void givesAllInOrder() throws Exception {
    for (int end : new int[] {0, 1, 511, 512, 513, 20_000}) {
      try (Ahead<Integer> ahead = new Ahead<>(numbers(end), "test")) {
        for (int i = 0; i < end; i++) {
          assertThat(ahead.next()).isEqualTo(i);
        }
        assertThat(ahead.next()).isNull();
        assertThat(ahead.next()).as("once more").isNull();
      }
    }
  }

  @Test
  void tellsWhatWentWrongBehindWhatWentWell() throws Exception {
    AtomicInteger next = new AtomicInteger();
    Ahead.Source<Integer> failing =
        () -> {
          if (next.get() == 1024) {
            throw new IOException("the disk is gone");
          }
          return next.getAndIncrement();
        };
    try (Ahead<Integer> ahead = new Ahead<>(failing, "test")) {
      for (int i = 0; i < 1024; i++) {
        assertThat(ahead.next()).isEqualTo(i);
      }
      assertThatThrownBy(ahead::next)
          .isInstanceOf(IOException.class)
          .hasMessage("the disk is gone");
    }
  }

  @Test
  void makesNoMoreThanIsTakenAndEndsWhenItIsClosed() throws Exception {
    AtomicInteger made = new AtomicInteger();
    try (Ahead<Integer> ahead = new Ahead<>(made::incrementAndGet, "test")) {
      assertThat(ahead.next()).isEqualTo(1);
      await().until(() -> made.get() >= 8 * 512);
      assertThat(made.get()).isLessThan(12 * 512);
    }
    int atEnd = made.get();
    assertThat(atEnd).isLessThan(12 * 512);
  }
}
