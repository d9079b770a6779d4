package routes.archive;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.InterruptedIOException;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class PaceTest {

  private static final int STEPS = 16_384;

  @Test
  void asksNowAndThenWhetherToWait() throws Exception {
    AtomicInteger asked = new AtomicInteger();
    Pace.Walk walk = new Pace(() -> asked.incrementAndGet() % 2 == 0).walk();
    for (int i = 0; i < 4 * STEPS; i++) {
      walk.step();
    }
    assertThat(asked).hasValue(4);
  }

  @Test
  void whoWaitsCanBeInterrupted() throws Exception {
    Pace.Walk walk = new Pace(() -> true).walk();
    for (int i = 1; i < STEPS; i++) {
      walk.step();
    }
    Thread.currentThread().interrupt();
    assertThatThrownBy(walk::step).isInstanceOf(InterruptedIOException.class);
    assertThat(Thread.interrupted()).as("it stays so").isTrue();
  }
}
