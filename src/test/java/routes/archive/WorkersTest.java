package routes.archive;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.io.FileNotFoundException;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;

class WorkersTest {

  private final Workers workers = new Workers("workers-test");

  @Test
  void givesWhatTheTasksGaveInTheirOrder() throws Exception {
    CountDownLatch secondIsDone = new CountDownLatch(1);
    List<Callable<Integer>> tasks =
        Runtime.getRuntime().availableProcessors() == 1
            ? List.of(() -> 1, () -> 2)
            : List.of(
                () -> {
                  secondIsDone.await();
                  return 1;
                },
                () -> {
                  secondIsDone.countDown();
                  return 2;
                });
    assertThat(workers.start(tasks).await()).containsExactly(1, 2);
  }

  @Test
  void theFailureOfTheFirstIsThrownWhenAllHaveEnded() {
    AtomicBoolean ended = new AtomicBoolean();
    FileNotFoundException failure = new FileNotFoundException("it is not there");
    List<Callable<Object>> tasks =
        List.of(
            () -> {
              throw failure;
            },
            () -> ended.getAndSet(true),
            () -> {
              throw new IllegalStateException("behind the first");
            });
    assertThatThrownBy(() -> workers.start(tasks).await()).isSameAs(failure);
    assertThat(ended).isTrue();
  }

  @Test
  void whoIsInterruptedWaitsAllTheSameAndIsToldAfterwards() throws Exception {
    CountDownLatch go = new CountDownLatch(1);
    AtomicBoolean told = new AtomicBoolean();
    Thread waiting =
        Thread.ofPlatform()
            .start(
                () -> {
                  try {
                    workers.start(List.<Callable<Object>>of(() -> go.getCount())).await();
                    Thread.currentThread().interrupt();
                    workers
                        .start(
                            List.<Callable<Object>>of(
                                () -> {
                                  go.await();
                                  return 1;
                                }))
                        .await();
                    told.set(Thread.interrupted());
                  } catch (java.io.IOException e) {
                    throw new java.io.UncheckedIOException(e);
                  }
                });
    go.countDown();
    await().until(() -> !waiting.isAlive());
    assertThat(told).isTrue();
  }
}
