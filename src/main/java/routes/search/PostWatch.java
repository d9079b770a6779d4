package routes.search;

import static java.util.Objects.requireNonNull;

import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;

/**
 * Posts that a query finds, as they are received. It holds a limited number of them: who reads too
 * slowly misses some, and is told how many. To be closed.
 */
public final class PostWatch implements AutoCloseable {

  private static final int MOST_HELD = 1_000;

  /** How often it looks whether it is ended. */
  private static final int LOOK_MILLIS = 200;

  private final PostFilter filter;
  private final SortAtRange range;
  private final UnaryOperator<Post> finish;
  private final Consumer<PostWatch> atEnd;
  private final BlockingQueue<PostRow> held = new ArrayBlockingQueue<>(MOST_HELD);
  private volatile boolean ended;
  private final AtomicLong missed = new AtomicLong();

  /**
   * @param finish completes a post found
   * @param atEnd is told when it is closed
   */
  PostWatch(PostQuery query, UnaryOperator<Post> finish, Consumer<PostWatch> atEnd) {
    this.filter = query.filter();
    this.range = SortAtRange.of(query);
    this.finish = requireNonNull(finish, "finish");
    this.atEnd = requireNonNull(atEnd, "atEnd");
  }

  /** To be called with every version of a post that is received. */
  void received(PostRow post) {
    if (range.holds(post.sortAt()) && filter.test(post) && !held.offer(post)) {
      missed.incrementAndGet();
    }
  }

  /**
   * The next post; empty when none has come.
   *
   * @param patience how long to wait for it
   */
  public Optional<Post> next(Duration patience) throws InterruptedException {
    long end = System.nanoTime() + patience.toNanos();
    PostRow row = null;
    while (row == null && !ended && System.nanoTime() < end) {
      row = held.poll(LOOK_MILLIS, TimeUnit.MILLISECONDS);
    }
    return Optional.ofNullable(row).map(found -> finish.apply(new Post(found, null, false, null)));
  }

  /** No more will come. */
  void end() {
    ended = true;
  }

  /** Whether no more will come, however long one waits. */
  public boolean isEnded() {
    return ended;
  }

  /** How many were missed since the last call, because those before were not taken in time. */
  public long missed() {
    return missed.getAndSet(0);
  }

  @Override
  public void close() {
    atEnd.accept(this);
  }
}
