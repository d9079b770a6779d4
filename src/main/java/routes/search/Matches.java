package routes.search;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.PriorityQueue;
import routes.archive.DuckDb;

/**
 * All posts of a view that a query finds, newest first: the files' own, put together. A file whose
 * latest post is older than all that is asked for is not opened.
 */
final class Matches implements AutoCloseable {

  /** Rows that a count may look at. */
  private static final int COUNT_BUDGET = 500;

  private final DuckDb duckDb;
  private final LiveView live;
  private final ArchiveView view;
  private final PostQuery query;
  private final PostFilter filter;
  private final SortAtRange range;
  private final Optional<PostCursor> after;
  private final Deadline deadline;
  private final QueryCost cost = new QueryCost();
  private final PriorityQueue<Head> heads =
      new PriorityQueue<>(Comparator.comparingLong(Head::latest).reversed());
  private final Deque<Hit> ready = new ArrayDeque<>();

  /** A source, and what it has next; not opened yet as long as that is not known. */
  private record Head(Opening opening, HitSource source, Hit hit, long latest) {}

  private interface Opening {
    HitSource open() throws IOException;
  }

  private Hit last;

  /** Null for all. */
  private SampleChoice choice;

  /**
   * @param limit posts that will be taken or skipped, at most; negative for all
   */
  Matches(DuckDb duckDb, LiveView live, PostQuery query, long limit, Deadline deadline) {
    this(duckDb, live, query, Optional.empty(), limit, deadline);
  }

  /**
   * @param after the post behind which to begin; empty for the newest
   * @param limit posts that will be taken or skipped, at most; negative for all
   */
  Matches(
      DuckDb duckDb,
      LiveView live,
      PostQuery query,
      Optional<PostCursor> after,
      long limit,
      Deadline deadline) {
    this.after = after;
    this.duckDb = duckDb;
    this.live = live;
    this.view = live.archive();
    this.query = query;
    this.filter = query.filter();
    this.range = SortAtRange.of(query);
    this.deadline = deadline;
    SortAtRange rest = after.map(cursor -> range.upTo(cursor.sortAt())).orElse(range);
    for (Map.Entry<PostFile, HiddenRows> file : live.indexed().entrySet()) {
      if (rest.touches(file.getKey().file().range())) {
        Long latest = file.getKey().file().range().lastSortAt();
        heads.add(
            new Head(
                () -> indexed(file, rest), null, null, latest == null ? Long.MAX_VALUE : latest));
      }
    }
    if (!tail().isEmpty()) {
      heads.add(new Head(() -> tail(rest), null, null, tail().get(0).row().sortAt()));
    }
    if (isScanned()) {
      // One more than asked for tells that there are more.
      long scanLimit = limit < 0 ? limit : limit + 1;
      cost.filesScanned(view.scanned().size());
      heads.add(
          new Head(
              () -> PostScan.posts(duckDb, view, query, range, after, scanLimit, deadline),
              null,
              null,
              Long.MAX_VALUE));
    }
  }

  private IndexedHits indexed(Map.Entry<PostFile, HiddenRows> file, SortAtRange range)
      throws IOException {
    return new IndexedHits(duckDb, file.getKey(), file.getValue(), query, range, deadline, cost);
  }

  /** What each file with an index has of the time asked for. They hold nothing to be closed yet. */
  private List<IndexedHits> indexed() throws IOException {
    List<IndexedHits> all = new ArrayList<>();
    for (Map.Entry<PostFile, HiddenRows> file : live.indexed().entrySet()) {
      if (range.touches(file.getKey().file().range())) {
        all.add(indexed(file, range));
      }
    }
    return all;
  }

  /** What is not archived yet: nothing, where posts are asked for whose engagement is known. */
  private List<TailPost> tail() {
    return query.engaged().matters() ? List.of() : live.tail();
  }

  private TailHits tail(SortAtRange range) {
    return new TailHits(tail(), filter, range, query.deleted(), deadline);
  }

  private boolean isScanned() {
    return !query.engaged().matters()
        && view.scanned().stream().anyMatch(file -> range.touches(file.range()));
  }

  /** From now on, only these. */
  void choose(SampleChoice chosen) {
    choice = chosen;
  }

  /** Goes through all posts, and chooses some of them. */
  SampleChoice sample(PostSample sample) {
    SampleChoice.Drawing drawing = new SampleChoice.Drawing(sample);
    try {
      for (List<Hit> group = nextOfOneTime(); !group.isEmpty(); group = nextOfOneTime()) {
        for (Hit hit : group) {
          drawing.add(hit);
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException("an index cannot be read", e);
    }
    return drawing.choice();
  }

  /** Leaves out the next posts. Gives how many there were. */
  int skip(int posts) {
    int left = posts;
    while (left > 0) {
      if (ready.isEmpty()) {
        List<Hit> group = nextOfOneTime();
        if (group.isEmpty()) {
          break;
        }
        if (group.size() <= left) {
          left -= group.size();
          continue;
        }
        ready.addAll(resolved(group));
      } else {
        ready.poll();
        left--;
      }
    }
    return posts - left;
  }

  /** The next posts, fewer at the end. */
  List<Post> take(int posts) {
    List<Hit> taken = new ArrayList<>();
    while (taken.size() < posts) {
      if (ready.isEmpty()) {
        List<Hit> more = new ArrayList<>();
        while (more.size() < posts - taken.size()) {
          List<Hit> group = nextOfOneTime();
          if (group.isEmpty()) {
            break;
          }
          more.addAll(group);
        }
        if (more.isEmpty()) {
          break;
        }
        ready.addAll(resolved(more));
      }
      while (taken.size() < posts && !ready.isEmpty()) {
        last = ready.poll();
        taken.add(last);
      }
    }
    return taken.stream().map(Hit::post).toList();
  }

  /**
   * The place behind the last post taken; empty when it was the last of all, or none was taken.
   *
   * @param seen posts of the answer up to there
   */
  Optional<PostCursor> next(long seen) {
    return last == null || isAtEnd() ? Optional.empty() : Optional.of(last.cursor(seen));
  }

  /** Whether there is no further post. Never opens a file for that. */
  boolean isAtEnd() {
    return ready.isEmpty() && heads.isEmpty();
  }

  private List<Hit> nextOfOneTime() {
    List<Hit> group = new ArrayList<>();
    try {
      while (!heads.isEmpty()
          && (group.isEmpty() || heads.peek().latest == group.get(0).sortAt())) {
        deadline.step();
        Head head = heads.poll();
        if (head.hit != null && (choice == null || choice.takes(head.hit))) {
          group.add(head.hit);
        }
        HitSource source = head.source == null ? head.opening.open() : head.source;
        Hit next = source.next();
        if (next == null) {
          source.close();
        } else {
          heads.add(new Head(head.opening, source, next, next.sortAt()));
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException("an index cannot be read", e);
    }
    return group;
  }

  /**
   * Reads what is not known yet of these, puts them into order, and drops what was taken by chance.
   */
  private List<Hit> resolved(List<Hit> hits) {
    Map<PostFile, List<Hit>> unknown = new HashMap<>();
    for (Hit hit : hits) {
      if (hit.post() == null) {
        unknown.computeIfAbsent(hit.file(), file -> new ArrayList<>()).add(hit);
      }
    }
    unknown.forEach(
        (file, ofFile) -> {
          deadline.check();
          int[] numbers = ofFile.stream().mapToInt(Hit::row).sorted().toArray();
          List<PostRow> rows = file.rows(numbers, query.columns(), filter);
          cost.rowsRead(numbers.length);
          for (Hit hit : ofFile) {
            PostRow row = rows.get(Arrays.binarySearch(numbers, hit.row()));
            if (filter.test(row)) {
              hit.found(row);
            }
          }
        });
    return hits.stream()
        .filter(hit -> hit.post() != null && after.map(hit::isBehind).orElse(true))
        .sorted(Hit.NEWEST_FIRST)
        .toList();
  }

  /**
   * The posts with most of the engagement that is asked for; of those with the same, the newest
   * first.
   *
   * @param offset posts to leave out at the beginning
   * @param limit posts at most
   */
  List<Post> mostEngaged(int offset, int limit) {
    Engagement.Kind kind = query.engaged().mostFirst().orElseThrow();
    List<Hit> most = new ArrayList<>();
    try {
      for (IndexedHits hits : indexed()) {
        most.addAll(hits.most(kind, offset + limit));
      }
    } catch (IOException e) {
      throw new UncheckedIOException("an index cannot be read", e);
    }
    Comparator<Hit> byCount =
        Comparator.comparingInt((Hit hit) -> hit.engagement(kind))
            .thenComparingLong(Hit::sortAt)
            .reversed();
    most.sort(byCount);
    if (most.size() > offset + limit) {
      Hit atEnd = most.get(offset + limit - 1);
      most.removeIf(hit -> byCount.compare(hit, atEnd) > 0);
    }
    List<Hit> known = new ArrayList<>(resolved(most));
    known.sort(byCount.thenComparing(Hit.NEWEST_FIRST));
    return known.stream().skip(offset).limit(limit).map(Hit::post).toList();
  }

  /** How many posts there are in all, from the beginning. */
  Count count() {
    Count count =
        isScanned()
            ? Count.exactly(PostScan.count(duckDb, view, query, range, deadline))
            : Count.NONE;
    count = count.plus(Count.exactly(tail(range).count()));
    CountBudget budget = new CountBudget(COUNT_BUDGET, live.indexed().size());
    try {
      for (IndexedHits hits : indexed()) {
        count = count.plus(hits.count(budget));
      }
    } catch (IOException e) {
      throw new UncheckedIOException("an index cannot be read", e);
    }
    return count;
  }

  private void add(HitSource source, PostVolume.Builder volume) throws IOException {
    try (source) {
      for (Hit hit = source.next(); hit != null; hit = source.next()) {
        deadline.step();
        volume.add(hit.sortAt());
      }
    }
  }

  /** How many posts there are by time. */
  PostVolume volume(PostVolume.Interval interval) {
    PostVolume.Builder volume = new PostVolume.Builder(interval);
    CountBudget budget = new CountBudget(COUNT_BUDGET, live.indexed().size());
    try {
      add(tail(range), volume);
      if (isScanned()) {
        add(PostScan.posts(duckDb, view, query, range, Optional.empty(), -1, deadline), volume);
      }
      for (IndexedHits hits : indexed()) {
        hits.addTo(volume, budget);
      }
    } catch (IOException e) {
      throw new UncheckedIOException("an index cannot be read", e);
    }
    return volume.build();
  }

  /** What the posts have most often. */
  PostTop top(PostTop.Of of, int limit) {
    PostTop.Builder top = new PostTop.Builder(of);
    CountBudget budget = new CountBudget(COUNT_BUDGET, live.indexed().size());
    try {
      tail(range).rows().forEach(row -> top.add(row, 1));
      if (isScanned()) {
        try (PostScan scan = PostScan.rows(duckDb, view, query, range, of.columns(), deadline)) {
          for (PostRow row = scan.nextRow(); row != null; row = scan.nextRow()) {
            deadline.step();
            top.add(row, 1);
          }
        }
      }
      for (IndexedHits hits : indexed()) {
        hits.addTo(top, budget);
      }
    } catch (IOException e) {
      throw new UncheckedIOException("an index cannot be read", e);
    }
    return top.build(limit);
  }

  QueryCost cost() {
    return cost;
  }

  @Override
  public void close() {
    for (Head head : heads) {
      if (head.source != null) {
        head.source.close();
      }
    }
    heads.clear();
  }
}
