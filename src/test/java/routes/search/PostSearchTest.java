package routes.search;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;
import static routes.fixtures.Frames.ALICE;
import static routes.fixtures.Frames.BOB;
import static routes.fixtures.Frames.account;
import static routes.fixtures.Frames.commit;
import static routes.fixtures.Frames.identity;
import static routes.fixtures.Frames.post;
import static routes.fixtures.Frames.record;
import static routes.fixtures.Frames.rkey;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.sql.SQLException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import routes.archive.Compaction;
import routes.archive.Expiry;
import routes.archive.Pace;
import routes.archive.TableName;
import routes.fixtures.ArchiveFixture;
import routes.fixtures.Frames;
import routes.fixtures.RedisFixture;

class PostSearchTest {

  @RegisterExtension static final RedisFixture REDIS = new RedisFixture();

  private final ArchiveFixture fixture = new ArchiveFixture(REDIS.stream());
  private final PostSearch search =
      new PostSearch(
          fixture.archive(),
          fixture.duckDb(),
          new PostIndexes(),
          fixture.stream(),
          new PostSearch.Limits(1000, Duration.ofSeconds(30), 4, 2, 2));

  @AfterEach
  void close() {
    search.close();
    fixture.close();
  }

  /** When all dates are over. */
  private void compact() throws IOException, SQLException {
    new Compaction(
            fixture.archive(),
            fixture.duckDb(),
            new PostIndexes()::build,
            new Compaction.Limits(1_000_000, 30),
            Pace.FULL,
            Clock.offset(Clock.systemUTC(), Duration.ofDays(400)))
        .run();
  }

  @Test
  void findsNothingInAnEmptyArchive() {
    PostPage nothing = search.page(query("x"), 0, 50);
    assertThat(nothing.posts()).isEmpty();
    assertThat(nothing.total()).isZero();
    assertThat(nothing.exact()).isTrue();
    assertThat(search.didOf("alice.test", Optional.empty())).isEmpty();
    try (PostStream stream = search.stream(query("x"), Optional.empty(), 0, 10)) {
      assertThat(stream.next()).isFalse();
    }
  }

  @Test
  void findsPostsNewestFirst() throws Exception {
    fixture.store(
        post(3, "volcano three"), post(1, "volcano one"), post(2, "volcano two"), post(4, "other"));
    PostPage page = search.page(query("volcano"), 0, 50);
    assertThat(page.posts())
        .extracting(Post::text)
        .containsExactly("volcano three", "volcano two", "volcano one");
    assertThat(page.total()).isEqualTo(3);
    Post newest = page.posts().get(0);
    assertThat(newest.uri()).isEqualTo("at://" + ALICE + "/app.bsky.feed.post/" + rkey(3));
    assertThat(newest.did()).isEqualTo(ALICE);
    assertThat(newest.handle()).isNull();
    assertThat(newest.sortAt()).isEqualTo(Instant.ofEpochMilli(Frames.NOON_US / 1000 + 2));
  }

  @Test
  void givesPagesThatFitTogether() throws Exception {
    List<byte[]> frames = new ArrayList<>();
    for (int i = 0; i < 25; i++) {
      frames.add(post(i, "volcano " + i));
    }
    fixture.receive(frames);
    fixture.drain().batch();
    List<Post> all = search.page(query("volcano"), 0, 100).posts();
    List<Post> paged = new ArrayList<>();
    for (int offset = 0; offset < 30; offset += 10) {
      PostPage page = search.page(query("volcano"), offset, 10);
      assertThat(page.total()).isEqualTo(25);
      paged.addAll(page.posts());
    }
    assertThat(paged).isEqualTo(all).hasSize(25);
    PostPage behind = search.page(query("volcano"), 100, 10);
    assertThat(behind.posts()).isEmpty();
    assertThat(behind.total()).isEqualTo(25);
    assertThat(behind.explanation().files()).isEqualTo(1);
    assertThat(behind.explanation().filesScanned()).isZero();
  }

  @Test
  void asksMoreOfTheIndexWhereManyRowsWereLookedAtInVain() throws Exception {
    List<byte[]> frames = new ArrayList<>();
    frames.add(post(1, "火 abc"));
    for (int i = 0; i < 2_100; i++) {
      frames.add(post(2 + i, "zabc" + i));
    }
    for (int i = 0; i < 9_000; i++) {
      frames.add(post(3_000 + i, "火 " + i));
    }
    fixture.receive(frames);
    fixture.drain().batch();
    fixture.store(post(20_000, "another file, so that there is something to compact"));
    compact();
    PostFilter both =
        new PostFilter.And(
            List.of(
                new PostFilter.Text(new TextMatch("火", false)),
                new PostFilter.Text(new TextMatch("abc", false))));
    PostPage page = search.page(new PostQuery(both, Optional.empty(), Optional.empty()), 0, 10);
    assertThat(page.posts()).extracting(Post::text).containsExactly("火 abc");
    assertThat(page.explanation().rowsRead())
        .as("some to see that most are in vain, and not the rest")
        .isBetween(500L, 1_500L);
  }

  @Test
  void isPreparedBehindWhoeverAsks() throws Exception {
    fixture.store(post(1, "volcano"));
    assertThat(search.isPrepared()).isFalse();
    await().until(search::isPrepared);
    assertThat(texts("volcano")).containsExactly("volcano");
  }

  @Test
  void leavesOutWhatWasDeleted() throws Exception {
    fixture.store(
        post(1, "volcano one"),
        post(2, "volcano two"),
        commit(BOB, 3, "delete", "app.bsky.feed.post", rkey(2), null));
    assertThat(texts("volcano")).containsExactly("volcano two", "volcano one");
    fixture.store(commit(ALICE, 9, "delete", "app.bsky.feed.post", rkey(2), null));
    assertThat(texts("volcano")).containsExactly("volcano one");
  }

  @Test
  void findsAPostThatWasMadeAgainAfterItsDeletion() throws Exception {
    fixture.store(
        commit(ALICE, 1, "create", "app.bsky.feed.post", "k", record(1, "first")),
        commit(ALICE, 2, "delete", "app.bsky.feed.post", "k", null),
        commit(ALICE, 3, "create", "app.bsky.feed.post", "k", record(3, "second")));
    assertThat(search.page(everything(), 0, 50).posts())
        .extracting(Post::text)
        .containsExactly("second");
  }

  @Test
  void knowsOnlyTheNewestVersionOfAnEditedPost() throws Exception {
    fixture.store(
        post(1, "volcano"),
        commit(ALICE, 2, "update", "app.bsky.feed.post", rkey(1), record(1, "glacier")));
    assertThat(texts("volcano")).isEmpty();
    assertThat(texts("glacier")).containsExactly("glacier");
  }

  @Test
  void leavesOutAccountsThatWereDeleted() throws Exception {
    fixture.store(
        post(ALICE, 1, record(1, "from alice")),
        post(BOB, 2, record(2, "from bob")),
        account(ALICE, 3, false, "deleted"));
    assertThat(texts("from")).containsExactly("from bob");
    fixture.store(account(ALICE, 4, true, null));
    assertThat(texts("from")).containsExactly("from bob", "from alice");
  }

  @Test
  void narrowsByAuthorAndTime() throws Exception {
    fixture.store(
        post(ALICE, 1000, record(1000, "a")),
        post(BOB, 2000, record(2000, "b")),
        post(ALICE, 3000, record(3000, "c")));
    Instant noon = Instant.ofEpochMilli(Frames.NOON_US / 1000);
    assertThat(
            found(new PostQuery(new PostFilter.Author(ALICE), Optional.empty(), Optional.empty())))
        .containsExactly("c", "a");
    assertThat(
            found(
                new PostQuery(
                    PostFilter.all(), Optional.of(noon.plusMillis(1999)), Optional.empty())))
        .as("the start belongs to it")
        .containsExactly("c", "b");
    assertThat(
            found(
                new PostQuery(
                    PostFilter.all(), Optional.empty(), Optional.of(noon.plusMillis(1999)))))
        .as("the end does not")
        .containsExactly("a");
    assertThat(
            found(
                new PostQuery(
                    PostFilter.all(), Optional.of(noon.plusSeconds(3600)), Optional.empty())))
        .isEmpty();
  }

  @Test
  void showsWhatIsDeletedToWhoAsksForIt() throws Exception {
    fixture.store(
        post(ALICE, 1, record(1, "volcano one")),
        post(ALICE, 2, record(2, "volcano two")),
        post(ALICE, 3, record(3, "volcano three")),
        post(BOB, 4, record(4, "volcano four")));
    fixture.store(
        commit(ALICE, 5, "update", "app.bsky.feed.post", Frames.rkey(2), record(2, "volcano 2")),
        commit(ALICE, 6, "delete", "app.bsky.feed.post", Frames.rkey(2), null),
        commit(ALICE, 7, "delete", "app.bsky.feed.post", Frames.rkey(3), null),
        account(BOB, 8, false, "deleted"));
    assertThat(deleted(Deleted.EXCLUDE)).containsExactly("volcano one");
    assertThat(deleted(Deleted.ONLY))
        .containsExactly("volcano four †", "volcano three †", "volcano 2 †");
    assertThat(deleted(Deleted.INCLUDE))
        .containsExactly("volcano four †", "volcano three †", "volcano 2 †", "volcano one");
  }

  private List<String> deleted(Deleted deleted) {
    PostQuery query =
        new PostQuery(
            query("volcano").filter(),
            Optional.empty(),
            Optional.empty(),
            deleted,
            Engaged.ANYHOW,
            Optional.empty());
    PostPage page = search.page(query, 0, 10);
    assertThat(page.total()).isEqualTo(page.posts().size());
    assertThat(search.page(query, 0, 1).total()).isEqualTo(page.posts().size());
    return page.posts().stream().map(post -> post.text() + (post.deleted() ? " †" : "")).toList();
  }

  @Test
  void aCursorLeavesNothingOutAndShowsNothingTwice() throws Exception {
    fixture.store(
        post(ALICE, 1, record(1, "volcano a")),
        post(ALICE, 2, record(2, "volcano b")),
        post(BOB, 2, record(2, "volcano c")),
        post(ALICE, 3, record(3, "volcano d")));
    PostPage first = search.page(query("volcano"), 0, 2);
    fixture.store(post(4, "volcano new"), post(BOB, 3, record(3, "volcano of that time")));
    assertThat(first.posts()).extracting(Post::text).containsExactly("volcano d", "volcano b");
    PostCursor next = PostCursor.decode(first.next().encode());
    assertThat(next).isEqualTo(first.next());
    PostPage second = search.page(query("volcano"), next, 1);
    assertThat(second.posts())
        .extracting(Post::text)
        .as("of the same time, and behind the last one shown")
        .containsExactly("volcano c");
    PostPage third = search.page(query("volcano"), second.next(), 10);
    assertThat(third.posts()).extracting(Post::text).containsExactly("volcano a");
    assertThat(third.next()).isNull();
    assertThat(third.total()).as("in all, as for every page").isEqualTo(6);
  }

  @Test
  void whatIsNoCursorIsRefused() {
    for (String bad : List.of("x", "!!", "", "MQoyCmEKYg", "LTEKMgphCmIKYw")) {
      assertThatThrownBy(() -> PostCursor.decode(bad))
          .as(bad)
          .isInstanceOf(IllegalArgumentException.class);
    }
    assertThat(PostCursor.decode("MQoyCmEKYgpj")).isEqualTo(new PostCursor(1, 2, "a", "b", "c"));
  }

  @Test
  void tellsWhatPostsHaveMostOften() throws Exception {
    fixture.store(
        post(ALICE, 1, record(1, "one #Sky #sky #sea")),
        post(ALICE, 2, record(2, "two #SKY")),
        post(BOB, 3, record(3, "three #sea#no")),
        post(BOB, 4, record(4, "gone #sky")),
        commit(BOB, 5, "delete", "app.bsky.feed.post", Frames.rkey(4), null));
    fixture.receive(post(BOB, 6, record(6, "four #sky")));
    search.readTail();
    PostTop tags = search.top(everything(), PostTop.Of.HASHTAG, 10);
    assertThat(tags.values())
        .containsExactly(new PostTop.Value("sky", 3), new PostTop.Value("sea", 2));
    assertThat(tags.posts()).isEqualTo(4);
    assertThat(tags.exact()).isTrue();
    assertThat(search.top(query("three"), PostTop.Of.AUTHOR, 10).values())
        .containsExactly(new PostTop.Value(BOB, 1));
    assertThat(search.top(everything(), PostTop.Of.HASHTAG, 1).values()).hasSize(1);
    PostVolume.Split split =
        search.volume(everything(), PostVolume.Interval.DAY, PostTop.Of.HASHTAG, 10);
    assertThat(split.all()).isEqualTo(search.volume(everything(), PostVolume.Interval.DAY));
    assertThat(split.series()).extracting(PostVolume.Series::value).containsExactly("sky", "sea");
    assertThat(split.series())
        .extracting(series -> series.volume().total())
        .containsExactly(3L, 2L);
  }

  @Test
  void theMostFrequentAreCountedFromTheIndexAsWell() throws Exception {
    List<byte[]> frames = new ArrayList<>();
    for (int i = 0; i < 3000; i++) {
      String author = i % 3 == 0 ? BOB : ALICE;
      frames.add(post(author, i, record(i, "post " + i + " #tag" + i % 7 + " #all")));
    }
    fixture.receive(frames);
    fixture.drain().batch();
    PostTop tags = search.top(everything(), PostTop.Of.HASHTAG, 2);
    assertThat(tags.values().get(0)).isEqualTo(new PostTop.Value("all", 3000));
    assertThat(tags.values().get(1).posts()).isEqualTo(429);
    assertThat(tags.exact()).isTrue();
    assertThat(search.top(everything(), PostTop.Of.AUTHOR, 5).values())
        .containsExactly(new PostTop.Value(ALICE, 2000), new PostTop.Value(BOB, 1000));
    PostTop phrase = search.top(query("#all"), PostTop.Of.AUTHOR, 5);
    assertThat(phrase.posts()).isEqualTo(3000);
    PostTop estimated = search.top(query("post 1"), PostTop.Of.AUTHOR, 5);
    assertThat(estimated.exact()).as("more than can be looked at").isFalse();
    assertThat(estimated.posts()).isBetween(500L, 2000L);
  }

  @Test
  void leavesTheRestToAScanWhereTheIndexIsOfNoHelp() throws Exception {
    List<byte[]> frames = new ArrayList<>();
    for (int i = 0; i < 9000; i++) {
      frames.add(post(i, (i < 4 ? "zq " : "post ") + i));
    }
    fixture.receive(frames);
    fixture.drain().batch();
    fixture.store(commit(ALICE, 9001, "delete", "app.bsky.feed.post", Frames.rkey(2), null));
    compact();
    PostPage page = search.page(query("zq"), 0, 2);
    assertThat(page.posts()).extracting(Post::text).containsExactly("zq 3", "zq 1");
    assertThat(page.explanation().filesScanned()).isEqualTo(1);
    PostPage next = search.page(query("zq"), page.next(), 2);
    assertThat(next.posts()).extracting(Post::text).containsExactly("zq 0");
    assertThat(search.page(query("post"), 0, 2).explanation().filesScanned()).isZero();
  }

  @Test
  void manyValuesTakeLimitedRoom() {
    PostTop.Builder top = new PostTop.Builder(PostTop.Of.AUTHOR, 100);
    for (int i = 0; i < 1000; i++) {
      top.add(PostRow.of(Map.<String, Object>of("did", "did:" + i)::get), 1);
      top.add(PostRow.of(Map.<String, Object>of("did", "did:x")::get), 1);
    }
    PostTop built = top.build(3);
    assertThat(built.values().get(0)).isEqualTo(new PostTop.Value("did:x", 1000));
    assertThat(built.exact()).isFalse();
    assertThat(built.posts()).isEqualTo(2000);
  }

  @Test
  void estimatesFromStretchesWhereCandidatesAreVeryMany() throws Exception {
    List<byte[]> frames = new ArrayList<>();
    for (int i = 0; i < 4000; i++) {
      frames.add(post(i, (i % 4 == 0 ? "red, sky " : "sky is red ") + i));
    }
    fixture.receive(frames.subList(0, 2000));
    fixture.drain().batch();
    fixture.receive(frames.subList(2000, 4000));
    fixture.drain().batch();
    compact();
    try (ArchiveViews views =
            new ArchiveViews(
                fixture.archive(), fixture.duckDb(), new PostIndexes(), Duration.ofMinutes(1));
        ArchiveView view = views.newest()) {
      var file = view.indexed().entrySet().iterator().next();
      IndexedHits hits =
          new IndexedHits(
              fixture.duckDb(),
              file.getKey(),
              file.getValue(),
              query("red, sky"),
              SortAtRange.of(query("red, sky")),
              new Deadline(Duration.ofSeconds(30)),
              new QueryCost());
      assertThat(hits.candidates()).isEqualTo(4000);
      assertThat(new CountBudget(5000, 1, 500).count(hits)).isEqualTo(Count.exactly(1000));
      Count estimate = new CountBudget(100, 1, 500).count(hits);
      assertThat(estimate.exact()).isFalse();
      assertThat(estimate.posts()).isBetween(700L, 1300L);
    }
  }

  @Test
  void aPinnedAnswerStaysTheSame() throws Exception {
    fixture.store(post(ALICE, 1, record(1, "volcano one")), post(BOB, 2, record(2, "volcano two")));
    fixture.receive(post(BOB, 3, record(3, "volcano of the tail")));
    search.readTail();
    PostPage first = search.page(query("volcano"), 0, 10);
    assertThat(first.posts()).hasSize(3);
    PostQuery pinned =
        new PostQuery(
            query("volcano").filter(),
            Optional.empty(),
            Optional.empty(),
            Deleted.EXCLUDE,
            Engaged.ANYHOW,
            Optional.of(first.pin()));
    List<Post> answer = search.page(pinned, 0, 10).posts();
    assertThat(answer).extracting(Post::text).containsExactly("volcano two", "volcano one");
    fixture.store(
        commit(BOB, 4, "delete", "app.bsky.feed.post", Frames.rkey(2), null),
        account(ALICE, 5, false, "deleted"));
    compact();
    assertThat(search.page(query("volcano"), 0, 10).posts())
        .extracting(Post::text)
        .containsExactly("volcano of the tail");
    PostPage again = search.page(pinned, 0, 10);
    assertThat(again.posts()).isEqualTo(answer);
    assertThat(again.total()).isEqualTo(2);
    assertThat(again.pin()).isEqualTo(first.pin());
    assertThat(search.volume(pinned, PostVolume.Interval.MONTH).total()).isEqualTo(2);
    new Expiry(fixture.archive(), Duration.ZERO).run();
    assertThatThrownBy(() -> search.page(pinned, 0, 10)).isInstanceOf(Pin.NotKept.class);
  }

  @Test
  void theHistoryOfAPostIsWholeWhereverItsVersionsAre() throws Exception {
    ObjectNode first = record(1, "first").put("odd", "kept");
    fixture.store(post(ALICE, 1, first), post(BOB, 1, record(1, "of another")));
    fixture.store(
        commit(ALICE, 2, "update", "app.bsky.feed.post", Frames.rkey(1), record(1, "second")));
    fixture.receive(commit(ALICE, 3, "delete", "app.bsky.feed.post", Frames.rkey(1), null));
    PostHistory history = search.history(ALICE, Frames.rkey(1)).orElseThrow();
    assertThat(history.deleted()).isTrue();
    assertThat(history.versions())
        .extracting(PostHistory.Version::operation)
        .containsExactly("create", "update", "delete");
    assertThat(history.versions().get(0).record()).isEqualTo(first);
    assertThat(history.versions().get(1).record().get("text").textValue()).isEqualTo("second");
    assertThat(history.versions().get(2).record()).isNull();
    fixture.drain().batch();
    assertThat(search.history(ALICE, Frames.rkey(1))).contains(history);
    assertThat(search.history(BOB, Frames.rkey(1)).orElseThrow().deleted()).isFalse();
    assertThat(search.history(ALICE, Frames.rkey(9))).isEmpty();
    compact();
    assertThat(search.history(ALICE, Frames.rkey(1)).orElseThrow().versions())
        .as("its content is purged")
        .hasSize(3)
        .allMatch(version -> version.record() == null);
  }

  @Test
  void pinsAreWrittenAndRead() {
    for (Pin pin : List.of(new Pin(0, 0), new Pin(Long.MAX_VALUE, 1), new Pin(17, 0))) {
      assertThat(Pin.decode(pin.encode())).isEqualTo(pin);
    }
    for (String bad : List.of("", "x", "1-", "-1-2", "zzzzzzzzzzzzz-1", "1-2-3", "1 2")) {
      assertThatThrownBy(() -> Pin.decode(bad))
          .as(bad)
          .isInstanceOf(IllegalArgumentException.class);
    }
  }

  @Test
  void showsTheNewestHandle() throws Exception {
    fixture.store(
        identity(ALICE, 1, "old.test"),
        identity(ALICE, 3, "new.test"),
        identity(ALICE, 2, "older.test"),
        post(1, "hello"));
    assertThat(search.page(query("hello"), 0, 1).posts().get(0).handle()).isEqualTo("new.test");
    assertThat(search.didOf("NEW.test", Optional.empty())).contains(ALICE);
    assertThat(search.didOf("nobody.test", Optional.empty())).isEmpty();
  }

  @Test
  void streamsEveryPost() throws Exception {
    List<byte[]> frames = new ArrayList<>();
    for (int i = 0; i < 5000; i++) {
      frames.add(post(i, "volcano " + i));
    }
    fixture.receive(frames);
    fixture.drain().batch();
    int count = 0;
    try (PostStream stream =
        search.stream(query("volcano"), Optional.empty(), 0, Integer.MAX_VALUE)) {
      while (stream.next()) {
        assertThat(stream.post().text()).isEqualTo("volcano " + (4999 - count));
        count++;
      }
    }
    assertThat(count).isEqualTo(5000);
  }

  @Test
  void anExportMayTakeLongOnceItHasBegun() throws Exception {
    List<byte[]> frames = new ArrayList<>();
    for (int i = 0; i < 1200; i++) {
      frames.add(post(i, "volcano " + i));
    }
    fixture.receive(frames);
    fixture.drain().batch();
    search.prepare();
    Duration timeout = Duration.ofSeconds(2);
    try (PostSearch hasty =
            new PostSearch(
                fixture.archive(),
                fixture.duckDb(),
                new PostIndexes(),
                fixture.stream(),
                new PostSearch.Limits(1000, timeout, 4, 2, 2));
        PostStream stream =
            hasty.stream(query("volcano"), Optional.empty(), 0, Integer.MAX_VALUE)) {
      long begun = System.nanoTime();
      assertThat(stream.next()).isTrue();
      await().until(() -> System.nanoTime() - begun > timeout.toNanos());
      int count = 1;
      while (stream.next()) {
        count++;
      }
      assertThat(count).isEqualTo(1200);
    }
  }

  @Test
  void endsAQueryThatTakesTooLong() throws Exception {
    List<byte[]> frames = new ArrayList<>();
    for (int i = 0; i < 3000; i++) {
      frames.add(post(i, "a".repeat(300)));
    }
    fixture.receive(frames);
    fixture.drain().batch();
    try (PostSearch hasty =
        new PostSearch(
            fixture.archive(),
            fixture.duckDb(),
            new PostIndexes(),
            fixture.stream(),
            new PostSearch.Limits(1000, Duration.ofMillis(1), 4, 2, 2))) {
      String slow = "*a".repeat(200) + "b";
      assertThatThrownBy(() -> hasty.page(query(slow), 0, 10)).isInstanceOf(QueryTimeout.class);
    }
    assertThat(search.page(query("aaa"), 0, 1).total())
        .as("and the next one works")
        .isEqualTo(3000);
  }

  @Test
  void refusesMoreQueriesAtOnceThanAllowed() throws Exception {
    fixture.store(post(1, "a"));
    try (PostSearch narrow =
        new PostSearch(
            fixture.archive(),
            fixture.duckDb(),
            new PostIndexes(),
            fixture.stream(),
            new PostSearch.Limits(1000, Duration.ofMillis(50), 0, 2, 2))) {
      assertThatThrownBy(() -> narrow.page(everything(), 0, 10)).isInstanceOf(TooManyQueries.class);
      try (PostStream one = narrow.stream(everything(), Optional.empty(), 0, 10);
          PostStream two = narrow.stream(everything(), Optional.empty(), 0, 10)) {
        assertThat(one.next()).as("streams take no room from queries").isTrue();
        assertThat(two.next()).isTrue();
        assertThatThrownBy(() -> narrow.stream(everything(), Optional.empty(), 0, 10))
            .isInstanceOf(TooManyQueries.class);
      }
      narrow.stream(everything(), Optional.empty(), 0, 10).close();
      try (PostWatch one = narrow.watch(everything());
          PostWatch two = narrow.watch(everything())) {
        assertThatThrownBy(() -> narrow.watch(everything())).isInstanceOf(TooManyQueries.class);
        two.close();
        narrow.watch(everything()).close();
        assertThat(one.isEnded()).isFalse();
        narrow.endWatches();
        assertThat(one.isEnded()).isTrue();
      }
    }
  }

  @Test
  void aSampleIsTheSameWhateverFilesThePostsAreIn() throws Exception {
    List<byte[]> frames = new ArrayList<>();
    for (int i = 0; i < 600; i++) {
      frames.add(post(i, (i % 2 == 0 ? "even " : "odd ") + i));
    }
    fixture.receive(frames.subList(0, 300));
    fixture.drain().batch();
    fixture.receive(frames.subList(300, 500));
    fixture.drain().batch();
    fixture.receive(frames.subList(500, 600));
    search.readTail();
    PostSample sample = new PostSample(50, 7);
    List<String> first = texts(query("even"), Optional.of(sample), 0);
    assertThat(first).hasSize(50).allMatch(text -> text.startsWith("even")).doesNotHaveDuplicates();
    assertThat(first).as("newest first").isSortedAccordingTo((a, b) -> number(b) - number(a));
    assertThat(texts(query("even"), Optional.of(new PostSample(50, 8)), 0)).isNotEqualTo(first);
    assertThat(texts(query("even"), Optional.of(sample), 10)).isEqualTo(first.subList(10, 50));
    fixture.drain().batch();
    compact();
    assertThat(texts(query("even"), Optional.of(sample), 0)).isEqualTo(first);
    assertThat(search.size(query("even"), Optional.of(sample))).isEqualTo(50);
    assertThat(search.size(query("even"), Optional.empty())).isEqualTo(300);
    assertThat(search.size(query("ven 4"), Optional.empty())).as("looked at").isEqualTo(56);
    assertThat(texts(query("even"), Optional.of(new PostSample(1000, 7)), 0)).hasSize(300);
    assertThat(texts(query("ven 4"), Optional.of(new PostSample(1000, 7)), 50)).hasSize(6);
  }

  private static int number(String text) {
    return Integer.parseInt(text.substring(text.indexOf(' ') + 1));
  }

  private List<String> texts(PostQuery query, Optional<PostSample> sample, int offset) {
    List<String> texts = new ArrayList<>();
    try (PostStream stream = search.stream(query, sample, offset, Integer.MAX_VALUE)) {
      while (stream.next()) {
        texts.add(stream.post().text());
      }
    }
    return texts;
  }

  @Test
  void aPinnedAnswerHasTheHandlesOfItsTimeAndNoEngagement() throws Exception {
    fixture.store(identity(ALICE, 0, "old.test"), post(2, "a"));
    Pin pin = search.newest();
    PostQuery pinned = everything().at(pin);
    List<Post> before = search.page(pinned, 0, 10).posts();
    assertThat(before).extracting(Post::handle).containsExactly("old.test");
    fixture.store(
        identity(ALICE, 3, "new.test"),
        commit(
            BOB,
            4,
            "create",
            "app.bsky.feed.like",
            rkey(4),
            like("at://" + ALICE + "/app.bsky.feed.post/" + rkey(2))));
    compact();
    new EngagementCounter(
            fixture.archive(),
            fixture.duckDb(),
            Clock.offset(Clock.systemUTC(), Duration.ofDays(400)))
        .run();
    search.prepare();
    assertThat(search.page(everything(), 0, 10).posts())
        .extracting(Post::handle)
        .containsExactly("new.test");
    assertThat(search.page(everything(), 0, 10).posts().get(0).engagement().likes()).isEqualTo(1);
    assertThat(search.page(pinned, 0, 10).posts()).isEqualTo(before);
  }

  private static ObjectNode like(String uri) {
    ObjectNode like = record(4, "x");
    like.put("$type", "app.bsky.feed.like").remove("text");
    like.putObject("subject").put("uri", uri).put("cid", "bafy");
    return like;
  }

  @Test
  void aWatchHasWhatIsReceivedFromThenOn() throws Exception {
    fixture.receive(post(1, "volcano before"));
    search.readTail();
    try (PostWatch watch = search.watch(query("volcano"))) {
      fixture.receive(
          identity(ALICE, 2, "alice.test"),
          post(3, "volcano"),
          post(4, "glacier"),
          commit(ALICE, 5, "delete", "app.bsky.feed.post", rkey(3), null));
      search.readTail();
      assertThat(watch.next(Duration.ofSeconds(10)).orElseThrow().text()).isEqualTo("volcano");
      assertThat(watch.next(Duration.ofMillis(1))).isEmpty();
      List<byte[]> many = new ArrayList<>();
      for (int i = 0; i < 1_100; i++) {
        many.add(post(100 + i, "volcano " + i));
      }
      fixture.receive(many);
      search.readTail();
      assertThat(watch.missed()).isEqualTo(100);
      assertThat(watch.missed()).isZero();
    }
  }

  @Test
  void tellsWhatIsKnownOfAnAccount() throws Exception {
    assertThat(search.account(ALICE)).isEmpty();
    fixture.store(
        identity(ALICE, 1, "one.test"),
        identity(ALICE, 3, "two.test"),
        post(2, "a"),
        account(ALICE, 4, false, "deactivated"),
        commit(
            ALICE,
            5,
            "create",
            "app.bsky.actor.profile",
            "self",
            Frames.record(5, "x").put("displayName", "Alice").put("description", "of nowhere")));
    Account alice = search.account(ALICE).orElseThrow();
    assertThat(alice.handle()).isEqualTo("two.test");
    assertThat(alice.handles())
        .extracting(Account.Handle::handle)
        .containsExactly("one.test", "two.test");
    assertThat(alice.active()).isFalse();
    assertThat(alice.status()).isEqualTo("deactivated");
    assertThat(alice.displayName()).isEqualTo("Alice");
    assertThat(alice.description()).isEqualTo("of nowhere");
    assertThat(alice.posts()).isEqualTo(1);
    assertThat(alice.firstSeen()).isBefore(alice.lastSeen());
    fixture.store(post(BOB, 6, record(6, "b")));
    Account bob = search.account(BOB).orElseThrow();
    assertThat(bob.posts()).as("known by posts alone").isEqualTo(1);
    assertThat(bob.active()).isNull();
  }

  @Test
  void answersHaveAllColumnsWhereTheyAreWanted() throws Exception {
    ObjectNode whole = record(1, "see https://example.org #tag");
    whole.putArray("langs").add("en");
    whole.putArray("tags").add("mine");
    fixture.store(post(ALICE, 1, whole));
    fixture.receive(post(BOB, 2, record(2, "tail").set("langs", whole.get("langs").deepCopy())));
    search.readTail();
    for (int round = 0; round < 2; round++) {
      List<Post> posts = search.page(everything().withAllColumns(), 0, 10).posts();
      assertThat(posts).hasSize(2);
      assertThat(posts).allMatch(post -> post.row().langs().equals(List.of("en")));
      assertThat(posts).allMatch(post -> post.row().cid() != null && post.row().timeUs() > 0);
      assertThat(posts.get(1).row().tags()).containsExactly("mine");
      fixture.drain().batch();
    }
    assertThat(search.page(everything(), 0, 10).posts().get(0).row().langs())
        .as("not read where nobody wants them")
        .isEmpty();
  }

  @Test
  void readsOnlyFilesThatCanHoldTheTimeAskedFor() throws Exception {
    fixture.store(post(1, "a"));
    fixture.store(post(5000, "b"));
    Instant later = Instant.ofEpochMilli(Frames.NOON_US / 1000 + 4000);
    PostQuery query = new PostQuery(PostFilter.all(), Optional.of(later), Optional.empty());
    try (ArchiveViews views =
            new ArchiveViews(
                fixture.archive(), fixture.duckDb(), new PostIndexes(), Duration.ofMinutes(1));
        ArchiveView view = views.newest();
        Matches matches =
            new Matches(
                fixture.duckDb(),
                LiveView.of(view),
                query,
                10,
                new Deadline(Duration.ofSeconds(30)))) {
      assertThat(matches.take(10)).extracting(Post::text).containsExactly("b");
      assertThat(matches.cost().indexes()).isEqualTo(1);
    }
    assertThat(fixture.archive().snapshot(TableName.POSTS).files()).hasSize(2);
  }

  private List<String> texts(String text) {
    return found(query(text));
  }

  private List<String> found(PostQuery query) {
    return search.page(query, 0, 50).posts().stream().map(Post::text).toList();
  }

  private static PostQuery query(String text) {
    return new PostQuery(
        new PostFilter.Text(new TextMatch(text, false)), Optional.empty(), Optional.empty());
  }

  private static PostQuery everything() {
    return new PostQuery(PostFilter.all(), Optional.empty(), Optional.empty());
  }
}
