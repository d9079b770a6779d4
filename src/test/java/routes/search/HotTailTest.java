package routes.search;

import static org.assertj.core.api.Assertions.assertThat;
import static routes.fixtures.Frames.ALICE;
import static routes.fixtures.Frames.BOB;
import static routes.fixtures.Frames.account;
import static routes.fixtures.Frames.commit;
import static routes.fixtures.Frames.post;
import static routes.fixtures.Frames.record;
import static routes.fixtures.Frames.rkey;

import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.springframework.data.redis.connection.lettuce.LettuceConnectionFactory;
import routes.buffer.BlockStream;
import routes.buffer.StreamId;
import routes.fixtures.ArchiveFixture;
import routes.fixtures.RedisFixture;

class HotTailTest {

  @RegisterExtension static final RedisFixture REDIS = new RedisFixture();

  private final ArchiveFixture fixture = new ArchiveFixture(REDIS.stream());
  private final PostSearch search = search(fixture.stream(), 1000);

  private PostSearch search(BlockStream stream, int maxTail) {
    return new PostSearch(
        fixture.archive(),
        fixture.duckDb(),
        new PostIndexes(),
        stream,
        new PostSearch.Limits(maxTail, Duration.ofSeconds(30), 4, 2, 2));
  }

  @AfterEach
  void close() {
    search.close();
    fixture.close();
  }

  private List<String> found(String text) {
    PostPage page = search.page(query(text), 0, 100);
    assertThat(page.total()).isEqualTo(page.posts().size());
    assertThat(page.exact()).isTrue();
    return page.posts().stream().map(Post::text).toList();
  }

  private static PostQuery query(String text) {
    return new PostQuery(
        new PostFilter.Text(new TextMatch(text, false)), Optional.empty(), Optional.empty());
  }

  @Test
  void findsWhatIsNotArchivedYet() throws Exception {
    fixture.store(post(1, "volcano archived"));
    fixture.receive(post(2, "volcano received"));
    assertThat(found("volcano")).containsExactly("volcano archived");
    search.readTail();
    assertThat(found("volcano")).containsExactly("volcano received", "volcano archived");
    fixture.drain().batch();
    assertThat(found("volcano")).containsExactly("volcano received", "volcano archived");
    search.readTail();
    assertThat(found("volcano")).containsExactly("volcano received", "volcano archived");
  }

  @Test
  void honoursADeletionAtOnce() throws Exception {
    fixture.store(post(1, "volcano one"), post(2, "volcano two"));
    fixture.receive(post(3, "volcano three"));
    search.readTail();
    fixture.receive(
        commit(ALICE, 8, "delete", "app.bsky.feed.post", rkey(2), null),
        commit(ALICE, 9, "delete", "app.bsky.feed.post", rkey(3), null),
        commit(BOB, 9, "delete", "app.bsky.feed.post", rkey(1), null));
    search.readTail();
    assertThat(found("volcano")).containsExactly("volcano one");
    fixture.drain().batch();
    assertThat(found("volcano")).containsExactly("volcano one");
  }

  @Test
  void knowsWhatIsDeletedThere() throws Exception {
    fixture.store(
        post(1, "volcano one"), post(2, "volcano two"), post(BOB, 3, record(3, "volcano")));
    fixture.receive(
        post(4, "volcano four"),
        post(5, "volcano five"),
        commit(ALICE, 6, "delete", "app.bsky.feed.post", rkey(1), null),
        commit(ALICE, 7, "delete", "app.bsky.feed.post", rkey(5), null),
        commit(ALICE, 8, "update", "app.bsky.feed.post", rkey(2), record(2, "volcano 2")),
        commit(ALICE, 9, "delete", "app.bsky.feed.post", rkey(2), null),
        account(BOB, 9, false, "deleted"));
    search.readTail();
    for (int times = 0; times < 2; times++) {
      assertThat(deleted(Deleted.ONLY))
          .containsExactly("volcano five", "volcano", "volcano 2", "volcano one");
      assertThat(deleted(Deleted.INCLUDE))
          .containsExactly("volcano five", "volcano four", "volcano", "volcano 2", "volcano one");
      assertThat(deleted(Deleted.EXCLUDE)).containsExactly("volcano four");
      fixture.drain().batch();
    }
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
    return search.page(query, 0, 100).posts().stream().map(Post::text).toList();
  }

  @Test
  void aPostWhoseDeletionIsArchivedIsOneOfTheDeleted() throws Exception {
    fixture.store(commit(ALICE, 9, "delete", "app.bsky.feed.post", rkey(1), null));
    fixture.receive(post(1, "volcano"));
    search.readTail();
    assertThat(deleted(Deleted.EXCLUDE)).isEmpty();
    assertThat(deleted(Deleted.ONLY)).containsExactly("volcano");
    fixture.drain().batch();
    assertThat(deleted(Deleted.ONLY)).containsExactly("volcano");
  }

  @Test
  void knowsTheNewestVersion() throws Exception {
    fixture.store(post(1, "volcano"));
    fixture.receive(
        commit(ALICE, 5, "update", "app.bsky.feed.post", rkey(1), record(1, "volcano, edited")));
    search.readTail();
    assertThat(found("volcano")).containsExactly("volcano, edited");
    fixture.receive(
        commit(ALICE, 6, "update", "app.bsky.feed.post", rkey(1), record(1, "volcano, again")),
        commit(ALICE, 4, "update", "app.bsky.feed.post", rkey(1), record(1, "volcano, late")));
    search.readTail();
    assertThat(found("volcano")).containsExactly("volcano, again");
    fixture.drain().batch();
    assertThat(found("volcano")).containsExactly("volcano, again");
  }

  @Test
  void hidesAnAccountThatIsDeleted() throws Exception {
    fixture.store(post(ALICE, 1, record(1, "from alice")), post(BOB, 2, record(2, "from bob")));
    fixture.receive(post(ALICE, 3, record(3, "from alice again")));
    fixture.receive(account(ALICE, 4, false, "deleted"));
    search.readTail();
    assertThat(found("from")).containsExactly("from bob");
    fixture.drain().batch();
    assertThat(found("from")).containsExactly("from bob");
  }

  @Test
  void showsNothingTwiceThatCameTwice() throws Exception {
    fixture.store(post(1, "volcano"));
    fixture.receive(post(1, "volcano"), post(2, "volcano two"), post(2, "volcano two"));
    search.readTail();
    assertThat(found("volcano")).containsExactly("volcano two", "volcano");
    fixture.receive(post(2, "volcano two"));
    search.readTail();
    fixture.drain().batch();
    fixture.receive(post(2, "volcano two"), post(1, "volcano"));
    search.readTail();
    assertThat(found("volcano")).containsExactly("volcano two", "volcano");
  }

  @Test
  void doesNotShowAPostWhoseDeletionCameFirst() throws Exception {
    fixture.store(commit(ALICE, 9, "delete", "app.bsky.feed.post", rkey(1), null));
    fixture.receive(post(1, "volcano"));
    search.readTail();
    assertThat(found("volcano")).isEmpty();
  }

  @Test
  void holdsALimitedNumber() throws Exception {
    try (PostSearch small = search(fixture.stream(), 10)) {
      for (int block = 0; block < 100; block++) {
        fixture.receive(post(block, "volcano " + block));
      }
      small.readTail();
      assertThat(small.page(query("volcano"), 0, 100).posts()).hasSizeBetween(10, 50);
      fixture.drain().batch();
      small.readTail();
      assertThat(small.page(query("volcano"), 0, 100).posts()).hasSize(100);
    }
  }

  @Test
  void answersWithoutTheBuffer() throws Exception {
    fixture.store(post(1, "volcano"));
    LettuceConnectionFactory nowhere = new LettuceConnectionFactory("127.0.0.1", 1);
    nowhere.afterPropertiesSet();
    nowhere.start();
    try (PostSearch alone = search(new BlockStream(nowhere, "x", () -> StreamId.ZERO), 10)) {
      alone.readTail();
      assertThat(alone.page(query("volcano"), 0, 10).posts()).hasSize(1);
      fixture.store(post(2, "volcano two"));
      assertThat(alone.page(query("volcano"), 0, 10).posts()).hasSize(2);
    } finally {
      nowhere.destroy();
    }
  }

  /** While drains commit and others ask: every answer has all that was received before, once. */
  @Test
  void nothingIsMissingOrTwiceAtACommit() throws Exception {
    AtomicInteger received = new AtomicInteger();
    Random random = new Random(5);
    try (ExecutorService pool = Executors.newFixedThreadPool(2)) {
      Future<?> filling =
          pool.submit(
              () -> {
                for (int i = 0; i < 60; i++) {
                  fixture.receive(
                      post(2 * i, "volcano " + 2 * i), post(2 * i + 1, "volcano " + (2 * i + 1)));
                  received.addAndGet(2);
                  if (random.nextInt(4) == 0) {
                    fixture.drain().batch();
                  }
                }
                return null;
              });
      int answers = 0;
      while (!filling.isDone() || answers < 20) {
        int before = received.get();
        search.readTail();
        PostPage page = search.page(query("volcano"), 0, 1000);
        assertThat(page.posts()).hasSizeGreaterThanOrEqualTo(before);
        assertThat(new HashSet<>(page.posts())).hasSameSizeAs(page.posts());
        assertThat(page.total()).isEqualTo(page.posts().size());
        answers++;
      }
      filling.get();
      search.readTail();
      assertThat(search.page(query("volcano"), 0, 1000).posts()).hasSize(120);
    }
  }
}
