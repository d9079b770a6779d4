package routes.search;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;

/** The posts of the hot tail that a query finds, newest first. */
final class TailHits implements HitSource {

  private final Iterator<TailPost> found;

  TailHits(
      List<TailPost> tail,
      PostFilter filter,
      SortAtRange range,
      Deleted deleted,
      Deadline deadline) {
    this.found =
        tail.stream()
            .peek(post -> deadline.step())
            .filter(
                post ->
                    deleted.takes(post.deleted())
                        && range.holds(post.row().sortAt())
                        && filter.test(post.row()))
            .iterator();
  }

  @Override
  public Hit next() {
    if (!found.hasNext()) {
      return null;
    }
    TailPost post = found.next();
    return new Hit(post.row(), post.deleted());
  }

  /** The rows that are left. */
  List<PostRow> rows() {
    List<PostRow> rows = new ArrayList<>();
    found.forEachRemaining(post -> rows.add(post.row()));
    return rows;
  }

  long count() {
    long count = 0;
    while (next() != null) {
      count++;
    }
    return count;
  }

  @Override
  public void close() {
    // holds nothing
  }
}
