package routes.search;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.function.UnaryOperator;

/**
 * Posts found, one after the other: {@link #next()}, then {@link #post()}. Holds some hundred of
 * them at a time. Not safe for several threads; to be closed.
 */
public final class PostStream implements AutoCloseable {

  private static final int AT_ONCE = 500;

  private final Matches matches;
  private final Deadline deadline;
  private final UnaryOperator<List<Post>> finish;
  private final Runnable atEnd;
  private final Deque<Post> ready = new ArrayDeque<>();
  private int left;
  private Post post;
  private boolean closed;

  /**
   * @param limit posts at most
   * @param deadline for the first of them
   * @param finish completes the posts found
   * @param atEnd to be run when it is closed
   */
  PostStream(
      Matches matches,
      int limit,
      Deadline deadline,
      UnaryOperator<List<Post>> finish,
      Runnable atEnd) {
    this.matches = matches;
    this.left = limit;
    this.deadline = deadline;
    this.finish = finish;
    this.atEnd = atEnd;
  }

  /** Leaves out the next posts: before the first is asked for. */
  void skip(int posts) {
    matches.skip(posts);
  }

  /** Goes to the next post; false behind the last. */
  public boolean next() {
    if (ready.isEmpty() && left > 0 && !closed) {
      ready.addAll(finish.apply(matches.take(Math.min(left, AT_ONCE))));
      left -= ready.size();
      deadline.lift();
    }
    post = ready.poll();
    return post != null;
  }

  public Post post() {
    return post;
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      matches.close();
      atEnd.run();
    }
  }
}
