package routes.search;

import routes.archive.ArchiveFile;
import routes.archive.Times;

/**
 * A time by which posts are sorted.
 *
 * @param from inclusive, microseconds since 1970
 * @param to exclusive
 */
record SortAtRange(long from, long to) {

  static SortAtRange of(PostQuery query) {
    return new SortAtRange(
        query.from().map(Times::micros).orElse(Long.MIN_VALUE),
        query.to().map(Times::micros).orElse(Long.MAX_VALUE));
  }

  /** That part of it which is not later than a time. */
  SortAtRange upTo(long sortAt) {
    return new SortAtRange(from, Math.min(to, sortAt + 1));
  }

  boolean holds(long sortAt) {
    return sortAt >= from && sortAt < to;
  }

  /** Whether all rows of a file are of that time. */
  boolean holds(ArchiveFile.Range file) {
    boolean unlimited = from == Long.MIN_VALUE && to == Long.MAX_VALUE;
    return unlimited
        || file.firstSortAt() != null
            && file.lastSortAt() != null
            && file.firstSortAt() >= from
            && file.lastSortAt() < to;
  }

  /** Whether some rows of a file may be of that time. */
  boolean touches(ArchiveFile.Range file) {
    return (file.lastSortAt() == null || file.lastSortAt() >= from)
        && (file.firstSortAt() == null || file.firstSortAt() < to);
  }
}
