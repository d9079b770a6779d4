package routes.archive;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/**
 * Threads, as many as there are processors, for tasks that can be done side by side. They end when
 * nothing was to be done for some seconds, so nobody has to close this.
 */
final class Workers {

  private static final int IDLE_SECONDS = 5;

  private final ThreadPoolExecutor threads;

  /** Tasks that were started. */
  static final class Started<T> {

    private final List<Future<T>> futures;

    private Started(List<Future<T>> futures) {
      this.futures = futures;
    }

    /**
     * Waits until all have ended, also where one has failed.
     *
     * @return what they gave, in the order of the tasks
     * @throws IOException the failure of the first that failed; a {@link RuntimeException} or
     *     {@link Error} likewise
     */
    List<T> await() throws IOException {
      List<T> given = new ArrayList<>(futures.size());
      Throwable failure = null;
      boolean interrupted = false;
      for (Future<T> future : futures) {
        while (true) {
          try {
            given.add(future.get());
            break;
          } catch (InterruptedException e) {
            interrupted = true;
          } catch (ExecutionException e) {
            failure = failure == null ? e.getCause() : failure;
            break;
          }
        }
      }
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
      switch (failure) {
        case null -> {
          return given;
        }
        case IOException e -> throw e;
        case RuntimeException e -> throw e;
        case Error e -> throw e;
        default -> throw new IllegalStateException(failure);
      }
    }
  }

  /**
   * @param name of the threads
   */
  Workers(String name) {
    int processors = Runtime.getRuntime().availableProcessors();
    threads =
        new ThreadPoolExecutor(
            processors,
            processors,
            IDLE_SECONDS,
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(),
            Thread.ofPlatform().daemon().name(name + "-", 1).factory());
    threads.allowCoreThreadTimeOut(true);
  }

  /** Starts tasks, in this order. */
  <T> Started<T> start(List<? extends Callable<T>> tasks) {
    List<Future<T>> futures = new ArrayList<>(tasks.size());
    tasks.forEach(task -> futures.add(threads.submit(task)));
    return new Started<>(futures);
  }
}
