package routes.search;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;
import static routes.fixtures.Frames.ALICE;
import static routes.fixtures.Frames.BOB;
import static routes.fixtures.Frames.post;
import static routes.fixtures.Frames.record;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.lucene.util.BitSet;
import org.apache.lucene.util.BytesRef;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import routes.archive.ArchiveFile;
import routes.archive.DamagedFile;
import routes.archive.LeftoverFiles;
import routes.archive.Pace;
import routes.archive.TableName;
import routes.fixtures.ArchiveFixture;
import routes.fixtures.RedisFixture;

class PostIndexesTest {

  private static final BytesRef VOLCANO = PostTerms.Type.WORD.term("volcano");

  @RegisterExtension static final RedisFixture REDIS = new RedisFixture();

  private final ArchiveFixture fixture = new ArchiveFixture(REDIS.stream());
  private final PostIndexes indexes = new PostIndexes();

  @AfterEach
  void close() {
    fixture.close();
  }

  private ArchiveFile store() throws Exception {
    fixture.store(post(1, "volcano one"), post(2, "Volcano two"), post(3, "glacier"));
    return fixture.archive().snapshot(TableName.POSTS).files().get(0);
  }

  private int volcanoes(ArchiveFile file) throws Exception {
    try (PostIndex index = indexes.open(file).orElseThrow()) {
      return index.rowsWith(VOLCANO);
    }
  }

  @Test
  void buildsWhatIsNotThere() throws Exception {
    ArchiveFile file = store();
    assertThat(indexes.open(file)).isEmpty();
    indexes.build(file);
    assertThat(volcanoes(file)).isEqualTo(2);
    try (PostIndex index = indexes.open(file).orElseThrow()) {
      assertThat(index.rows()).isEqualTo(3);
      assertThat(index.isDescending()).as("a batch is in the order in which it came").isFalse();
      assertThat(index.wordsWith("olca", false, PostIndex.Effort.LITTLE))
          .contains(List.of(VOLCANO));
      assertThat(index.wordsWith("olca", true, PostIndex.Effort.LITTLE)).contains(List.of());
      assertThat(index.wordsWith("cano", true, PostIndex.Effort.LITTLE)).contains(List.of(VOLCANO));
      assertThat(index.wordsWith("ca", false, PostIndex.Effort.LITTLE))
          .as("too short to look for")
          .isEmpty();
    }
  }

  @Test
  void findsTheRowsOfFewAuthorsAndOfMany() throws Exception {
    fixture.store(
        IntStream.range(0, 40)
            .mapToObj(i -> post(i % 4 == 3 ? BOB : ALICE, i, record(i, "text " + i)))
            .toArray(byte[][]::new));
    ArchiveFile file = fixture.archive().snapshot(TableName.POSTS).files().get(0);
    indexes.build(file);
    List<String> strangers =
        IntStream.range(0, 1_000).mapToObj(number -> "did:plc:stranger" + number).toList();
    try (PostIndex index = indexes.open(file).orElseThrow()) {
      List<Integer> bobs = index.rowsUnder(PostTerms.Type.AUTHOR.hashed(BOB));
      assertThat(bobs).hasSize(10);
      BitSet looked = index.rowsOf(Authors.of(List.of(BOB)));
      assertThat(looked.cardinality()).isEqualTo(10);
      assertThat(bobs).allMatch(looked::get);
      BitSet walked = index.rowsOf(Authors.of(strangers).with(List.of(BOB), List.of()));
      assertThat(walked.cardinality()).isEqualTo(10);
      assertThat(bobs).allMatch(walked::get);
      assertThat(index.rowsOf(Authors.of(List.of(ALICE, BOB))).cardinality()).isEqualTo(40);
      assertThat(index.rowsOf(Authors.of(strangers)).cardinality()).isZero();
      assertThat(index.rowsOf(Authors.NONE).cardinality()).isZero();
    }
  }

  @Test
  void leavesAnIndexAloneThatIsGood() throws Exception {
    ArchiveFile file = store();
    indexes.build(file);
    FileTime before = Files.getLastModifiedTime(PostIndexes.folder(file));
    indexes.build(file);
    assertThat(Files.getLastModifiedTime(PostIndexes.folder(file))).isEqualTo(before);
  }

  @Test
  void buildsAgainWhatIsDamaged() throws Exception {
    ArchiveFile file = store();
    indexes.build(file);
    for (Path part : parts(file)) {
      byte[] whole = Files.readAllBytes(part);
      byte[] damaged = whole.clone();
      damaged[damaged.length / 2] ^= 0x40;
      Files.write(part, damaged);
      assertThat(indexes.isWhole(file)).as("%s changed", part.getFileName()).isFalse();
      Files.write(part, java.util.Arrays.copyOf(whole, whole.length / 2));
      assertThat(indexes.isWhole(file)).as("%s cut short", part.getFileName()).isFalse();
      Files.delete(part);
      assertThat(indexes.isWhole(file)).as("%s missing", part.getFileName()).isFalse();
      Files.write(part, whole);
    }
    Files.write(parts(file).get(0), new byte[7]);
    indexes.build(file);
    assertThat(volcanoes(file)).isEqualTo(2);
  }

  @Test
  void anIndexThatWasNotReadForLongIsCheckedBehindThoseWhoAsk() throws Exception {
    ArchiveFile file = store();
    indexes.build(file);
    damageWhereItDoesNotShow(file);
    for (Path part : parts(file)) {
      Files.setLastModifiedTime(part, FileTime.from(Instant.now().minus(Duration.ofDays(30))));
    }
    assertThat(indexes.isToBeChecked(file)).isTrue();
    try (PostFiles files = new PostFiles(fixture.duckDb(), indexes, 1_000)) {
      files.open(List.of(file), Set.of());
      await().until(files::areOutdated);
      files.bringUpToDate();
      assertThat(files.open(List.of(file), Set.of()).indexed()).hasSize(1);
      assertThat(files.areOutdated()).isFalse();
    }
    assertThat(indexes.isWhole(file)).isTrue();
    assertThat(indexes.isToBeChecked(file)).isFalse();
    assertThat(volcanoes(file)).isEqualTo(2);
  }

  /** One byte that is read neither when an index is opened nor by most who ask. */
  private void damageWhereItDoesNotShow(ArchiveFile file) throws Exception {
    for (Path part : parts(file)) {
      byte[] whole = Files.readAllBytes(part);
      for (int at = 0; at < whole.length; at += 16) {
        byte[] damaged = whole.clone();
        damaged[at] ^= 0x40;
        Files.write(part, damaged);
        Optional<PostIndex> opened = indexes.open(file);
        if (opened.isPresent()) {
          opened.get().close();
          if (!indexes.isWhole(file)) {
            return;
          }
        }
      }
      Files.write(part, whole);
    }
    throw new AssertionError("every byte is read when it is opened");
  }

  private static List<Path> parts(ArchiveFile file) throws Exception {
    try (Stream<Path> files = Files.walk(PostIndexes.folder(file))) {
      return files
          .filter(Files::isRegularFile)
          .filter(part -> !part.getFileName().toString().equals("write.lock"))
          .toList();
    }
  }

  @Test
  void doesNotTakeTheIndexOfAnotherFile() throws Exception {
    ArchiveFile file = store();
    indexes.build(file);
    fixture.store(post(9, "one more"));
    ArchiveFile other =
        fixture.archive().snapshot(TableName.POSTS).files().stream()
            .filter(each -> !each.path().equals(file.path()))
            .findFirst()
            .orElseThrow();
    Files.move(PostIndexes.folder(file), PostIndexes.folder(other));
    assertThat(indexes.open(other)).isEmpty();
  }

  @Test
  void manyMayBuildTheSameAtOnce() throws Exception {
    ArchiveFile file = store();
    try (ExecutorService pool = Executors.newFixedThreadPool(4)) {
      Callable<Void> build =
          () -> {
            new PostIndexes().build(file);
            return null;
          };
      for (Future<Void> done : pool.invokeAll(java.util.Collections.nCopies(8, build))) {
        done.get();
      }
    }
    assertThat(volcanoes(file)).isEqualTo(2);
    try (Stream<Path> folders = Files.list(PostIndexes.folder(file).getParent())) {
      assertThat(folders).as("nothing else is left").hasSize(1);
    }
  }

  @Test
  void saysWhichFileCannotBeRead() throws Exception {
    ArchiveFile file = store();
    byte[] bytes = Files.readAllBytes(file.path());
    java.util.Arrays.fill(bytes, 4, bytes.length / 2, (byte) 7);
    Files.write(file.path(), bytes);
    assertThatThrownBy(() -> indexes.build(file))
        .isInstanceOf(DamagedFile.class)
        .hasMessageContaining(file.path().getFileName().toString());
    assertThat(indexes.open(file)).isEmpty();
  }

  @Test
  void anIndexIsLeftOverWhenItsFileIs() throws Exception {
    ArchiveFile file = store();
    indexes.build(file);
    Path unneeded = PostIndexes.folder(file).resolveSibling("batch-gone");
    Files.createDirectories(unneeded.resolve("words"));
    Files.writeString(unneeded.resolve("words").resolve("x.cfs"), "x");
    Files.writeString(unneeded.resolve("y.cfs"), "y");
    LeftoverFiles leftovers =
        new LeftoverFiles(
            fixture.archive(),
            fixture.folder(),
            Duration.ofMinutes(1),
            Clock.offset(Clock.systemUTC(), Duration.ofHours(1)));
    assertThat(leftovers.remove()).isEqualTo(2);
    assertThat(unneeded).doesNotExist();
    assertThat(volcanoes(file)).isEqualTo(2);
  }

  @Test
  void whatEndedRowsIsRememberedAndMadeAgainWhenDamaged() throws Exception {
    ArchiveFile file = store();
    indexes.build(file);
    Path folder = PostIndexes.folder(file);
    EndedRows ended = EndedRows.open(folder, 3);
    ended.add("a.parquet", new EndedRows.Found(Set.of(1), Set.of()));
    ended.add("b.parquet", new EndedRows.Found(Set.of(2), Set.of(2)));
    ended.add("c.parquet", new EndedRows.Found(Set.of(), Set.of()));
    ended.saveAll();
    assertThat(EndedRows.open(folder, 3).contains(1, false)).isTrue();
    assertThat(EndedRows.open(folder, 3).contains(1, true)).isFalse();
    assertThat(EndedRows.open(folder, 3).contains(2, true)).isTrue();
    assertThat(EndedRows.open(folder, 3).contains(0, false)).isFalse();
    assertThat(EndedRows.open(folder, 3).lookedIn("c.parquet")).isTrue();
    HiddenRows byA = EndedRows.open(folder, 3).by(Set.of("a.parquet", "c.parquet"));
    assertThat(byA.isEnded(1)).isTrue();
    assertThat(byA.isEnded(2)).as("by b, which is not asked for").isFalse();
    assertThat(EndedRows.open(folder, 4).lookedIn("a.parquet")).as("of another file").isFalse();
    byte[] bytes = Files.readAllBytes(folder.resolve("ended-rows"));
    bytes[bytes.length - 9] ^= 1;
    Files.write(folder.resolve("ended-rows"), bytes);
    assertThat(EndedRows.open(folder, 3).lookedIn("a.parquet")).as("damaged").isFalse();
  }

  @Test
  void filesThatAreLongGoneAreForgotten() throws Exception {
    EndedRows ended = EndedRows.open(fixture.folder(), 3);
    for (int i = 0; i < 1_003; i++) {
      ended.add("file" + i, new EndedRows.Found(Set.of(i % 3), Set.of()));
    }
    ended.forgetFormer(Set.of("file0"));
    assertThat(ended.lookedIn("file0")).as("live").isTrue();
    assertThat(ended.lookedIn("file1")).as("the eldest").isFalse();
    assertThat(ended.lookedIn("file2")).isFalse();
    assertThat(ended.lookedIn("file3")).isTrue();
    assertThat(ended.contains(1, false)).as("it stays ended").isTrue();
  }

  @Test
  void answersWithoutAnIndexWhereNoneCanBeBuilt() throws Exception {
    ArchiveFile file = store();
    // Where the folder should be there is a file.
    Files.writeString(PostIndexes.folder(file).getParent(), "in the way");
    try (PostSearch search =
        new PostSearch(
            fixture.archive(),
            fixture.duckDb(),
            indexes,
            fixture.stream(),
            new PostSearch.Limits(10, Duration.ofSeconds(30), 4, 2, 2))) {
      PostQuery volcanoes =
          new PostQuery(
              new PostFilter.Text(new TextMatch("volcano", false)),
              Optional.empty(),
              Optional.empty());
      PostPage page = search.page(volcanoes, 0, 10);
      assertThat(page.total()).isEqualTo(2);
      assertThat(page.explanation().filesScanned()).isEqualTo(1);
      assertThat(page.explanation().indexes()).isZero();
      assertThat(search.page(volcanoes, 0, 1).total()).as("of a shorter page").isEqualTo(2);
      assertThat(search.page(volcanoes, 1, 1).total()).isEqualTo(2);
      assertThat(search.page(volcanoes, 5, 1).total()).isEqualTo(2);
    }
  }

  @Test
  void whatAFileWithoutAnIndexDeletesIsGone() throws Exception {
    ArchiveFile file = store();
    indexes.build(file);
    fixture.store(
        routes.fixtures.Frames.commit(
            routes.fixtures.Frames.ALICE,
            9,
            "delete",
            "app.bsky.feed.post",
            routes.fixtures.Frames.rkey(2),
            null));
    try (ArchiveViews views =
            new ArchiveViews(
                fixture.archive(), fixture.duckDb(), indexes, Duration.ofMinutes(1), 0);
        ArchiveView view = views.newest();
        Matches matches =
            new Matches(
                fixture.duckDb(),
                LiveView.of(view),
                new PostQuery(PostFilter.all(), Optional.empty(), Optional.empty()),
                10,
                new Deadline(Duration.ofSeconds(30)))) {
      assertThat(view.scanned()).as("its index is built behind").hasSize(1);
      assertThat(matches.take(10)).extracting(Post::text).containsExactly("glacier", "volcano one");
    }
  }

  @Test
  void theFirstQueriesWaitUntilTheArchiveIsReadyForThem() throws Exception {
    try (Slow slow = new Slow(Duration.ofMinutes(1))) {
      Future<Integer> first = slow.queries.submit(() -> filesOf(slow.views));
      slow.building.await();
      Future<Integer> second = slow.queries.submit(() -> filesOf(slow.views));
      assertThat(second).isNotDone();
      slow.ready.countDown();
      assertThat(List.of(first.get(), second.get())).containsOnly(1);
    }
  }

  @Test
  void theFirstQueriesDoNotWaitLongerThanTheyMay() throws Exception {
    try (Slow slow = new Slow(Duration.ofMillis(1))) {
      Future<Integer> first = slow.queries.submit(() -> filesOf(slow.views));
      slow.building.await();
      assertThatThrownBy(() -> filesOf(slow.views))
          .isInstanceOf(TooManyQueries.class)
          .hasMessageContaining("being prepared");
      slow.ready.countDown();
      assertThat(first.get()).isEqualTo(1);
    }
  }

  @Test
  void whatCameLaterIsNotLookedThroughForEarlierChanges() throws Exception {
    ArchiveFile earlier = store();
    fixture.store(post(4, "volcano four"));
    try (ArchiveViews views =
            new ArchiveViews(fixture.archive(), fixture.duckDb(), indexes, Duration.ofMinutes(1));
        ArchiveView view = views.newest()) {
      for (PostFile file : view.indexed().keySet()) {
        boolean isEarlier = file.file().equals(earlier);
        List<String> others =
            view.posts().files().stream()
                .filter(other -> !other.equals(file.file()))
                .map(PostFiles::name)
                .toList();
        assertThat(others)
            .singleElement()
            .satisfies(name -> assertThat(file.ended().lookedIn(name)).isEqualTo(isEarlier));
      }
      assertThat(view.indexed()).hasSize(2);
    }
  }

  @Test
  void theViewBeforeHasTheLedgerBefore() throws Exception {
    try (Slow slow = new Slow(Duration.ofMinutes(1), post(20_000, "before"))) {
      Future<Integer> next = slow.queries.submit(() -> filesOf(slow.views));
      slow.building.await();
      Pin pin;
      try (ArchiveView before = slow.views.newest()) {
        assertThat(before.posts().rows()).isEqualTo(1);
        assertThat(before.ledger().position()).isEqualTo(before.posts().position());
        pin = before.pin();
      }
      slow.ready.countDown();
      assertThat(next.get()).isEqualTo(2);
      try (ArchiveView newest = slow.views.newest();
          ArchiveView pinned = slow.views.at(pin)) {
        assertThat(newest.ledger().position()).isEqualTo(newest.posts().position());
        assertThat(pinned.ledger().position()).isEqualTo(pinned.posts().position());
        assertThat(pinned.ledger().rows()).isLessThan(newest.ledger().rows());
      }
    }
  }

  /** Views of a file whose index takes until it is told to be ready. */
  private final class Slow implements AutoCloseable {

    private final CountDownLatch building = new CountDownLatch(1);
    private final CountDownLatch ready = new CountDownLatch(1);
    private final ExecutorService queries = Executors.newFixedThreadPool(2);
    private final ArchiveViews views;

    private Slow(Duration patienceForFirst, byte[]... before) throws Exception {
      PostIndexes slowly = new PostIndexes(new Pace(this::isBusy));
      views =
          new ArchiveViews(
              fixture.archive(), fixture.duckDb(), slowly, patienceForFirst, 1_000_000);
      if (before.length > 0) {
        fixture.store(before);
        views.newest().close();
      }
      List<byte[]> frames = new ArrayList<>();
      for (int i = 0; i < 17_000; i++) {
        frames.add(post(i, "volcano " + i));
      }
      fixture.store(frames.toArray(byte[][]::new));
    }

    private boolean isBusy() {
      building.countDown();
      try {
        return !ready.await(1, TimeUnit.MINUTES);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return false;
      }
    }

    @Override
    public void close() {
      ready.countDown();
      queries.close();
      views.close();
    }
  }

  private static int filesOf(ArchiveViews views) {
    try (ArchiveView view = views.newest()) {
      return view.indexed().size();
    }
  }

  @Test
  void answersAreTheSameAfterARestart() throws Exception {
    store();
    fixture.store(
        routes.fixtures.Frames.commit(
            routes.fixtures.Frames.ALICE,
            9,
            "delete",
            "app.bsky.feed.post",
            routes.fixtures.Frames.rkey(2),
            null));
    PostQuery volcanoes =
        new PostQuery(
            new PostFilter.Text(new TextMatch("volcano", false)),
            Optional.empty(),
            Optional.empty());
    for (int start = 0; start < 2; start++) {
      try (PostSearch search =
          new PostSearch(
              fixture.archive(),
              fixture.duckDb(),
              indexes,
              fixture.stream(),
              new PostSearch.Limits(1000, Duration.ofSeconds(30), 4, 2, 2))) {
        assertThat(search.page(volcanoes, 0, 10).posts())
            .extracting(Post::text)
            .containsExactly("volcano one");
      }
    }
  }
}
