package routes.search;

import java.util.Iterator;
import java.util.List;

/** The posts of the hot tail that a query finds, newest first. */
final class TailHits implements HitSource {

  private final Iterator<PostRow> found;

  TailHits(List<PostRow> tail, PostFilter filter, SortAtRange range, Deadline deadline) {
    this.found =
        tail.stream()
            .peek(row -> deadline.step())
            .filter(row -> range.holds(row.sortAt()) && filter.test(row))
            .iterator();
  }

  @Override
  public Hit next() {
    if (!found.hasNext()) {
      return null;
    }
    PostRow row = found.next();
    Hit hit = new Hit(null, 0, row.sortAt());
    hit.found(row);
    return hit;
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
