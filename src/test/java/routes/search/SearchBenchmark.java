package routes.search;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Function;
import java.util.stream.Stream;
import org.springframework.data.redis.connection.lettuce.LettuceConnectionFactory;
import org.springframework.util.FileSystemUtils;
import routes.archive.Archive;
import routes.archive.ArchiveFile;
import routes.archive.Compaction;
import routes.archive.DuckDb;
import routes.archive.Pace;
import routes.archive.TableName;
import routes.benchmark.SimulatedDay;
import routes.buffer.BlockStream;
import routes.buffer.StreamId;
import routes.search.PostFilter.And;
import routes.search.PostFilter.Author;
import routes.search.PostFilter.Domain;
import routes.search.PostFilter.Has;
import routes.search.PostFilter.Language;
import routes.search.PostFilter.Not;
import routes.search.PostFilter.Or;
import routes.search.PostFilter.Text;

/**
 * How long searches take, how large indexes are and how long building them takes: {@code mvn
 * -Pbenchmark verify -Dbenchmark=routes.search.SearchBenchmark -Dposts=7600000}. Every search
 * stands beside the same one as a plain scan of all rows, in the same run. With {@code -Dcopies=30}
 * it is asked of the day thirty times over as well, and with {@code -Dcold=true} everything also
 * without anything of the archive in the system's cache; the copies are then files of their own.
 */
public final class SearchBenchmark {

  /** Posts of a day at the mission's rate: 7.6 million. */
  private static final int POSTS = Integer.getInteger("posts", 1_000_000);

  private static final int ROUNDS = Integer.getInteger("rounds", 20);

  /** How often the day is there in the second table, under other names by hard links. */
  private static final int COPIES = Integer.getInteger("copies", 1);

  /** Hard links would have all copies in the cache after one of them was read. */
  private static final boolean COLD = Boolean.getBoolean("cold");

  private static final Duration TIMEOUT = Duration.ofMinutes(10);

  private final Path folder;
  private final boolean kept;
  private final Archive archive;
  private final DuckDb duckDb;
  private final PostIndexes indexes = new PostIndexes();

  private SearchBenchmark() throws Exception {
    String existing = System.getProperty("folder", "");
    kept = !existing.isEmpty();
    folder =
        kept
            ? Files.createDirectories(Path.of(existing))
            : Files.createTempDirectory("search-benchmark");
    archive = Archive.open(folder);
    duckDb = DuckDb.open(folder.resolve("tmp"), "512MB", 2);
  }

  public static void main(String[] arguments) throws Exception {
    SearchBenchmark benchmark = new SearchBenchmark();
    try {
      benchmark.run();
    } finally {
      benchmark.duckDb.close();
      benchmark.archive.close();
      if (!benchmark.kept) {
        FileSystemUtils.deleteRecursively(benchmark.folder);
      }
    }
  }

  private void run() throws Exception {
    System.out.printf(
        Locale.ROOT,
        "%,d posts a day, %d processors, %,d MB of heap, Java %s%n",
        POSTS,
        Runtime.getRuntime().availableProcessors(),
        Runtime.getRuntime().maxMemory() >> 20,
        Runtime.version());
    if (archive.snapshot(TableName.POSTS).files().isEmpty()) {
      fill();
    }
    if (archive.snapshot(TableName.POSTS).files().size() > 1) {
      compact();
    }
    buildAgain();
    if (System.getProperty("columns") != null) {
      columns();
    }
    search();
    if (COPIES > 1) {
      searchCopies();
    }
  }

  private void fill() throws Exception {
    long start = System.nanoTime();
    long events = SimulatedDay.archive(folder, archive, duckDb, POSTS);
    System.out.printf(
        Locale.ROOT,
        "%,d events made and archived in %.0f s, %,d files of posts%n",
        events,
        seconds(start),
        archive.snapshot(TableName.POSTS).files().size());
  }

  private void compact() throws Exception {
    long start = System.nanoTime();
    long[] indexing = {0};
    Compaction compaction =
        new Compaction(
            archive,
            duckDb,
            file -> {
              long begun = System.nanoTime();
              indexes.build(file);
              indexing[0] += System.nanoTime() - begun;
            },
            new Compaction.Limits(1_000_000_000, 30),
            Pace.FULL,
            Clock.offset(Clock.systemUTC(), Duration.ofDays(40)));
    Compaction.Compacted done = compaction.run();
    System.out.printf(
        Locale.ROOT,
        "compaction with index %.0f s, of that the index %.0f s; %s; at most %,d MB resident%n",
        seconds(start),
        indexing[0] / 1e9,
        done,
        mostResident() >> 10);
  }

  private void buildAgain() throws IOException {
    long bytes = 0;
    long index = 0;
    long rows = 0;
    long terms = 0;
    long words = 0;
    long start = System.nanoTime();
    for (ArchiveFile file : archive.snapshot(TableName.POSTS).files()) {
      indexes.build(file);
    }
    System.out.printf(
        Locale.ROOT,
        "indexes that were missing built in %.0f s, or read to see that they are whole%n",
        seconds(start));
    for (ArchiveFile file : archive.snapshot(TableName.POSTS).files()) {
      bytes += file.bytes();
      rows += file.rows();
      try (Stream<Path> files = Files.walk(PostIndexes.folder(file));
          PostIndex opened = indexes.open(file).orElseThrow()) {
        for (Path path : files.filter(Files::isRegularFile).toList()) {
          index += Files.size(path);
        }
        terms += opened.termCount();
        words += opened.wordCount();
      }
    }
    System.out.printf(
        Locale.ROOT,
        "%,d rows, %,d bytes of posts, %,d of index: %.1f %%; %,d terms, %,d words%n",
        rows,
        bytes,
        index,
        100.0 * index / bytes,
        terms,
        words);
  }

  private void columns() throws Exception {
    for (ArchiveFile file : archive.snapshot(TableName.POSTS).files()) {
      try (var connection = duckDb.connect();
          var statement = connection.createStatement();
          var result =
              statement.executeQuery(
                  "SELECT path_in_schema, any_value(encodings), sum(total_compressed_size) AS c, sum(total_uncompressed_size) FROM parquet_metadata("
                      + DuckDb.literal(file.path().toString())
                      + ") GROUP BY 1 ORDER BY 3 DESC")) {
        while (result.next()) {
          System.out.println(
              result.getString(1)
                  + " "
                  + result.getString(2)
                  + " "
                  + result.getLong(3)
                  + " "
                  + result.getLong(4));
        }
      }
    }
  }

  private static Text text(String text) {
    return new Text(new TextMatch(text, false));
  }

  private Map<String, PostQuery> queries() throws Exception {
    Map<String, PostFilter> filters = new LinkedHashMap<>();
    List<Post> some = new ArrayList<>();
    try (ArchiveViews views = new ArchiveViews(archive, duckDb, indexes, Duration.ofMinutes(1));
        ArchiveView view = views.newest();
        Matches all =
            new Matches(
                duckDb, LiveView.of(view), query(PostFilter.all()), 1000, new Deadline(TIMEOUT))) {
      all.skip(500);
      some.addAll(all.take(200));
    }
    Post post = some.get(100);
    filters.put("newest", PostFilter.all());
    filters.put("common word", text("volcano"));
    filters.put("very common word", text("the"));
    filters.put("two common words", new And(List.of(text("volcano"), text("coffee"))));
    filters.put("either of two", new Or(List.of(text("volcano"), text("coffee"))));
    filters.put("one not the other", new And(List.of(text("volcano"), new Not(text("the")))));
    filters.put("phrase", text("volcano the"));
    filters.put("phrase of three", text("the volcano and"));
    filters.put("exact word", new Text(new TextMatch("Volcano", true)));
    filters.put("wildcard", text("volc*coffee"));
    filters.put("infix, common", text("olcan"));
    filters.put("infix, rare", text("qxz"));
    filters.put("infix of four", text("bomi"));
    filters.put("infix of two", text("ab"));
    filters.put("one letter", text("e"));
    filters.put("rare word", text(rareWord(some)));
    filters.put("no such word", text("nosuchwordanywhere"));
    filters.put("number", text("1234"));
    filters.put("Japanese, two characters", text("日本"));
    filters.put("Japanese, one character", text("火"));
    filters.put("Japanese, three characters", text("日本人"));
    filters.put("Korean", text("한국"));
    filters.put("Thai", text("ไทย"));
    filters.put("Arabic", text("بت"));
    filters.put("accent", text("ã"));
    filters.put("emoji", text("😀"));
    filters.put("two emoji", text("😀😁"));
    filters.put("punctuation", text("!!"));
    filters.put("author", new Author(post.did()));
    filters.put("author and word", new And(List.of(new Author(post.did()), text("the"))));
    filters.put("hashtag", text("#" + tag()));
    filters.put("hashtag, any ending", text("#ba*"));
    filters.put("language", new Language("ja"));
    filters.put("language and word", new And(List.of(new Language("de"), text("volcano"))));
    filters.put("domain", new Domain(tag() + ".example"));
    filters.put("top level domain", new Domain("example"));
    filters.put("with media", new Has(Has.Feature.MEDIA));
    filters.put("with link and word", new And(List.of(new Has(Has.Feature.LINK), text("volcano"))));
    filters.put("quotes", new Has(Has.Feature.QUOTE));
    filters.put(
        "replies with a word", new And(List.of(new Has(Has.Feature.PARENT), text("coffee"))));
    filters.put("no replies", new Not(new Has(Has.Feature.PARENT)));
    filters.put("replies to", new PostFilter.ReplyTo(post.uri()));
    filters.put("thread", new PostFilter.ThreadOf(post.uri()));
    Map<String, PostQuery> queries = new LinkedHashMap<>();
    filters.forEach((name, filter) -> queries.put(name, query(filter)));
    Instant middle = Instant.parse("2026-07-04T12:00:00Z");
    queries.put(
        "common word, one hour",
        new PostQuery(text("volcano"), Optional.of(middle), Optional.of(middle.plusSeconds(3600))));
    queries.put(
        "newest of an hour",
        new PostQuery(
            PostFilter.all(), Optional.of(middle), Optional.of(middle.plusSeconds(3600))));
    queries.keySet().removeIf(name -> !name.matches(System.getProperty("queries", ".*")));
    return queries;
  }

  private static String tag() {
    return "babi";
  }

  private static String rareWord(List<Post> posts) {
    return posts.stream()
        .flatMap(post -> Arrays.stream(post.text().split("[^a-z]+")))
        .filter(word -> word.length() > 9)
        .findFirst()
        .orElse("volcanoes");
  }

  private static PostQuery query(PostFilter filter) {
    return new PostQuery(filter, Optional.empty(), Optional.empty());
  }

  private void search() throws Exception {
    Map<String, PostQuery> queries = queries();
    Map<String, Double> cold = new LinkedHashMap<>();
    for (var query : queries.entrySet()) {
      try (ArchiveViews views = new ArchiveViews(archive, duckDb, indexes, Duration.ofMinutes(1))) {
        cold.put(query.getKey(), cold(query.getValue(), views::newest));
      }
    }
    try (PostSearch search =
            new PostSearch(
                archive, duckDb, indexes, nothing(), new PostSearch.Limits(0, TIMEOUT, 8, 2, 2));
        ArchiveViews views = new ArchiveViews(archive, duckDb, indexes, Duration.ofMinutes(1));
        ArchiveView view = views.newest()) {
      search.prepare();
      ArchiveView plain =
          new ArchiveView(
              view.ledger(),
              view.posts(),
              view.actors(),
              Map.of(),
              view.posts().files(),
              Authors.NONE);
      System.out.printf(
          Locale.ROOT,
          "%-28s %12s %7s %9s %9s %9s %9s %9s %9s %8s%n",
          "query",
          "posts",
          "exact",
          "cold ms",
          "page p50",
          "page p95",
          "count p50",
          "count p95",
          "scan ms",
          "ratio");
      List<Double> all = new ArrayList<>();
      for (Map.Entry<String, PostQuery> query : queries.entrySet()) {
        PostPage first = search.page(query.getValue(), 0, 20);
        double[] page = times(() -> page(duckDb, view, query.getValue()));
        double[] count = times(() -> count(view, query.getValue()));
        long start = System.nanoTime();
        page(duckDb, plain, query.getValue());
        double scan = seconds(start) * 1000;
        all.add(page[1] + count[1]);
        System.out.printf(
            Locale.ROOT,
            "%-28s %,12d %7s %9.1f %9.1f %9.1f %9.1f %9.1f %9.0f %8.0f%n",
            query.getKey(),
            first.total(),
            first.exact() ? "" : "about",
            cold.get(query.getKey()),
            page[0],
            page[1],
            count[0],
            count[1],
            scan,
            scan / page[0]);
      }
      all.sort(null);
      System.out.printf(
          Locale.ROOT,
          "page and count together, p95 of each query: median %.1f ms, worst %.1f ms%n",
          all.get(all.size() / 2),
          all.get(all.size() - 1));
      for (int clients : List.of(1, 8, 100)) {
        concurrently(search, List.copyOf(queries.values()), clients);
      }
      System.out.printf(Locale.ROOT, "at most %,d MB resident%n", mostResident() >> 10);
    }
  }

  /**
   * The same questions to the day many times over: hard links to its files, with the same times. So
   * every file has to be opened for a page, as it is not where each file has times of its own.
   */
  private void searchCopies() throws Exception {
    copies().close();
    Map<String, PostQuery> queries = queries();
    Map<String, Double> cold = new LinkedHashMap<>();
    for (var query : queries.entrySet()) {
      cold.put(query.getKey(), cold(query.getValue(), this::copies));
    }
    long start = System.nanoTime();
    try (ArchiveView copies = copies()) {
      System.out.printf(
          Locale.ROOT,
          "%d times the day, %d files, opened in %.1f s%n%-28s %12s %9s %9s %9s %9s %9s%n",
          COPIES,
          copies.indexed().size(),
          seconds(start),
          "query",
          "posts",
          "cold ms",
          "page p50",
          "page p95",
          "count p50",
          "count p95");
      for (Map.Entry<String, PostQuery> query : queries.entrySet()) {
        double[] page = times(() -> page(duckDb, copies, query.getValue()));
        double[] count = times(() -> count(copies, query.getValue()));
        System.out.printf(
            Locale.ROOT,
            "%-28s %,12d %9.1f %9.1f %9.1f %9.1f %9.1f%n",
            query.getKey(),
            count(copies, query.getValue()),
            cold.get(query.getKey()),
            page[0],
            page[1],
            count[0],
            count[1]);
      }
      System.out.printf(Locale.ROOT, "at most %,d MB resident%n", mostResident() >> 10);
    }
  }

  /** The day many times over; what is closed with it is only its files. */
  private ArchiveView copies() throws IOException {
    Map<PostFile, HiddenRows> files = new LinkedHashMap<>();
    try (ArchiveViews views = new ArchiveViews(archive, duckDb, indexes, Duration.ofMinutes(1));
        ArchiveView view = views.newest()) {
      Path copies = Files.createDirectories(folder.resolve("copies"));
      for (int copy = 0; copy < COPIES; copy++) {
        for (var file : view.indexed().entrySet()) {
          files.put(copy(file.getKey().file(), copies.resolve("day-" + copy)), file.getValue());
        }
      }
      return new ArchiveView(
          view.ledger(), view.posts(), view.actors(), files, List.of(), view.gone());
    }
  }

  private PostFile copy(ArchiveFile file, Path table) throws IOException {
    Path copy = table.resolve("data").resolve("date=" + file.date());
    copy = Files.createDirectories(copy).resolve(file.path().getFileName());
    ArchiveFile linked =
        new ArchiveFile(copy, file.date(), file.rows(), file.bytes(), file.range());
    if (!Files.exists(copy)) {
      copyOrLink(file.path(), copy);
      Path from = PostIndexes.folder(file);
      try (Stream<Path> index = Files.walk(from)) {
        for (Path path : index.toList()) {
          Path to = PostIndexes.folder(linked).resolve(from.relativize(path).toString());
          if (Files.isDirectory(path)) {
            Files.createDirectories(to);
          } else {
            copyOrLink(path, to);
          }
        }
      }
    }
    return new PostFile(linked, indexes.open(linked).orElseThrow());
  }

  private static void copyOrLink(Path from, Path to) throws IOException {
    if (COLD) {
      Files.copy(from, to);
    } else {
      Files.createLink(to, from);
    }
  }

  /**
   * Milliseconds of the first page by a database that has read nothing yet, from files that were
   * just opened and are not in the system's cache; not a number unless asked for.
   */
  private double cold(PostQuery query, Callable<ArchiveView> opened) throws Exception {
    if (!COLD) {
      return Double.NaN;
    }
    forgetCached();
    try (DuckDb fresh = DuckDb.open(folder.resolve("tmp-cold"), "512MB", 2);
        ArchiveView view = opened.call()) {
      long start = System.nanoTime();
      page(fresh, view, query);
      return seconds(start) * 1000;
    }
  }

  /** Has the system forget what it holds of the archive's files. */
  private void forgetCached() throws Exception {
    // Java has no name for that call before version 22.
    Process python =
        new ProcessBuilder(
                "python3",
                "-c",
                """
                import os, sys
                os.sync()
                for folder, _, files in os.walk(sys.argv[1]):
                    for file in files:
                        opened = os.open(os.path.join(folder, file), os.O_RDONLY)
                        os.posix_fadvise(opened, 0, 0, os.POSIX_FADV_DONTNEED)
                        os.close(opened)
                """,
                folder.toString())
            .inheritIO()
            .start();
    if (python.waitFor() != 0) {
      throw new IOException("the files cannot be taken out of the system's cache");
    }
  }

  /** A buffer that is never read. */
  private static BlockStream nothing() {
    return new BlockStream(
        new LettuceConnectionFactory("127.0.0.1", 1), "nothing", () -> StreamId.ZERO);
  }

  private static long page(DuckDb duckDb, ArchiveView view, PostQuery query) {
    try (Matches matches =
        new Matches(duckDb, LiveView.of(view), query, 20, new Deadline(TIMEOUT))) {
      return matches.take(20).size();
    }
  }

  private long count(ArchiveView view, PostQuery query) {
    try (Matches matches =
        new Matches(duckDb, LiveView.of(view), query, 1, new Deadline(TIMEOUT))) {
      return matches.count().posts();
    }
  }

  private interface Work {
    long run() throws Exception;
  }

  /** Median and 95th percentile, milliseconds. */
  private static double[] times(Work work) throws Exception {
    double[] times = new double[ROUNDS];
    for (int i = -2; i < ROUNDS; i++) {
      long start = System.nanoTime();
      work.run();
      if (i >= 0) {
        times[i] = seconds(start) * 1000;
      }
    }
    Arrays.sort(times);
    return new double[] {times[ROUNDS / 2], times[Math.min(ROUNDS - 1, ROUNDS * 95 / 100)]};
  }

  private static void concurrently(PostSearch search, List<PostQuery> queries, int clients)
      throws Exception {
    List<Double> times = new ArrayList<>();
    long start = System.nanoTime();
    try (ExecutorService pool = Executors.newFixedThreadPool(clients)) {
      List<Future<List<Double>>> running = new ArrayList<>();
      for (int client = 0; client < clients; client++) {
        int first = client;
        running.add(
            pool.submit(
                () -> {
                  List<Double> mine = new ArrayList<>();
                  for (int i = 0; i < Math.max(5, queries.size() / clients); i++) {
                    long begun = System.nanoTime();
                    search.page(queries.get((first * 7 + i) % queries.size()), 0, 20);
                    mine.add(seconds(begun) * 1000);
                  }
                  return mine;
                }));
      }
      for (Future<List<Double>> mine : running) {
        times.addAll(mine.get());
      }
    }
    times.sort(null);
    Function<Double, Double> at = share -> times.get((int) (share * (times.size() - 1)));
    System.out.printf(
        Locale.ROOT,
        "%3d clients: %,d answers in %.1f s, p50 %.0f ms, p95 %.0f ms, p99 %.0f ms%n",
        clients,
        times.size(),
        seconds(start),
        at.apply(0.5),
        at.apply(0.95),
        at.apply(0.99));
  }

  private static long mostResident() throws IOException {
    return Files.readAllLines(Path.of("/proc/self/status")).stream()
        .filter(line -> line.startsWith("VmHWM"))
        .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")))
        .findFirst()
        .orElse(0);
  }

  private static double seconds(long since) {
    return (System.nanoTime() - since) / 1e9;
  }
}
