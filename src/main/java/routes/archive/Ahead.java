package routes.archive;

import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

/**
 * Makes things in a thread of its own, a limited number ahead of who takes them: so that one core
 * reads while another writes. To be used by one thread, and closed by it.
 */
public final class Ahead<T> implements AutoCloseable {

  /** Things that go from thread to thread at once, and how often that may wait. */
  private static final int CHUNK = 512;

  private static final int CHUNKS = 8;
  private static final long END_SECONDS = 60;

  private final Source<T> source;
  private final BlockingQueue<List<T>> ready = new ArrayBlockingQueue<>(CHUNKS);
  private final ExecutorService thread;
  private final Future<Void> making;
  private List<T> chunk = List.of();
  private int at;
  private boolean ended;

  /** Where they come from. */
  @FunctionalInterface
  public interface Source<T> {
    /** The next; null behind the last. */
    T next() throws IOException;
  }

  /**
   * Starts to make them.
   *
   * @param source used by the thread alone until this is closed
   * @param name of the thread
   */
  public Ahead(Source<T> source, String name) {
    this.source = requireNonNull(source, "source");
    this.thread =
        Executors.newSingleThreadExecutor(Thread.ofPlatform().daemon().name(name).factory());
    this.making = thread.submit(this::make);
  }

  /** An empty chunk stands behind the last. */
  private Void make() throws IOException, InterruptedException {
    List<T> next = new ArrayList<>(CHUNK);
    for (T made = source.next(); made != null; made = source.next()) {
      next.add(made);
      if (next.size() == CHUNK) {
        ready.put(next);
        next = new ArrayList<>(CHUNK);
      }
    }
    if (!next.isEmpty()) {
      ready.put(next);
    }
    ready.put(List.of());
    return null;
  }

  /**
   * The next; null behind the last.
   *
   * @throws IOException what the source threw
   */
  public T next() throws IOException {
    if (at == chunk.size() && !ended) {
      chunk = take();
      at = 0;
      ended = chunk.isEmpty();
    }
    return ended ? null : chunk.get(at++);
  }

  /** Waits for more, or for the failure that there will be none. */
  private List<T> take() throws IOException {
    try {
      while (true) {
        List<T> taken = ready.poll(1, TimeUnit.SECONDS);
        if (taken == null && making.isDone()) {
          taken = ready.poll();
          if (taken == null) {
            making.get();
            throw new IllegalStateException("the source ended without an end");
          }
        }
        if (taken != null) {
          return taken;
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("interrupted while it waited");
    } catch (ExecutionException e) {
      if (e.getCause() instanceof IOException failure) {
        throw failure;
      }
      throw e.getCause() instanceof RuntimeException failure
          ? failure
          : new IllegalStateException(e.getCause());
    }
  }

  /** Ends it, and waits until the source is no longer used. */
  @Override
  public void close() {
    thread.shutdownNow();
    try {
      if (!thread.awaitTermination(END_SECONDS, TimeUnit.SECONDS)) {
        throw new IllegalStateException("what is made ahead does not end");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
