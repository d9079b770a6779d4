package routes.search;

import static org.assertj.core.api.Assertions.assertThat;
import static routes.fixtures.Frames.ALICE;
import static routes.fixtures.Frames.BOB;
import static routes.fixtures.Frames.commit;
import static routes.fixtures.Frames.post;
import static routes.fixtures.Frames.record;
import static routes.fixtures.Frames.rkey;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import routes.archive.ArchiveFile;
import routes.archive.Compaction;
import routes.archive.Pace;
import routes.archive.TableName;
import routes.fixtures.ArchiveFixture;
import routes.fixtures.RedisFixture;
import routes.jetstream.Json;
import routes.search.Engagement.Kind;

/** Likes, reposts, replies and quotes are counted, and posts found and sorted by them. */
class EngagementTest {

  private static final long DAY = Duration.ofDays(1).toMillis();
  private static final String LIKE = "app.bsky.feed.like";
  private static final String REPOST = "app.bsky.feed.repost";

  @RegisterExtension static final RedisFixture REDIS = new RedisFixture();

  private final ArchiveFixture fixture = new ArchiveFixture(REDIS.stream());
  private final PostIndexes indexes = new PostIndexes();
  private final PostSearch search =
      new PostSearch(
          fixture.archive(),
          fixture.duckDb(),
          indexes,
          fixture.stream(),
          new PostSearch.Limits(1000, Duration.ofSeconds(30), 4, 2, 2));

  @AfterEach
  void close() {
    search.close();
    fixture.close();
  }

  private static String uri(String did, long millis) {
    return "at://" + did + "/app.bsky.feed.post/" + rkey(millis);
  }

  private static byte[] subject(String collection, String did, long millis, String uri) {
    ObjectNode record =
        Json.object().put("$type", collection).put("createdAt", "2026-07-04T00:00:00Z");
    record.putObject("subject").put("uri", uri).put("cid", "c");
    return commit(did, millis, "create", collection, rkey(millis), record);
  }

  private static byte[] reply(String did, long millis, String parent) {
    ObjectNode record = record(millis, "answer " + millis);
    ObjectNode reply = record.putObject("reply");
    reply.putObject("parent").put("uri", parent).put("cid", "c");
    reply.putObject("root").put("uri", parent).put("cid", "c");
    return post(did, millis, record);
  }

  private static byte[] quote(String did, long millis, String quoted) {
    ObjectNode record = record(millis, "look " + millis);
    record
        .putObject("embed")
        .put("$type", "app.bsky.embed.record")
        .putObject("record")
        .put("uri", quoted)
        .put("cid", "c");
    return post(did, millis, record);
  }

  /** As both routes do one after the other, at noon of a day. */
  private EngagementCounter.Counted upkeep(String day) throws IOException, SQLException {
    search.prepare();
    Clock clock = Clock.fixed(Instant.parse(day + "T12:00:00Z"), ZoneOffset.UTC);
    new Compaction(
            fixture.archive(),
            fixture.duckDb(),
            indexes::build,
            new Compaction.Limits(1_000_000, 1),
            Pace.FULL,
            clock)
        .run();
    return new EngagementCounter(fixture.archive(), fixture.duckDb(), clock).run();
  }

  private static PostQuery query(PostFilter filter, Engaged engaged) {
    return new PostQuery(
        filter, Optional.empty(), Optional.empty(), Deleted.EXCLUDE, engaged, Optional.empty());
  }

  private List<Post> all() {
    search.prepare();
    return search.page(query(PostFilter.all(), Engaged.ANYHOW), 0, 1000).posts();
  }

  private Engagement of(String uri) {
    return all().stream()
        .filter(post -> post.uri().equals(uri))
        .findFirst()
        .orElseThrow()
        .engagement();
  }

  private List<Post> most(PostFilter filter, Kind kind, int offset, int limit) {
    return search
        .page(query(filter, new Engaged(Map.of(), Optional.of(kind))), offset, limit)
        .posts();
  }

  @Test
  void countsWhatOthersDidOnceTheirDatesAreOver() throws Exception {
    fixture.store(
        post(1, "one"),
        subject(LIKE, BOB, 2, uri(ALICE, 1)),
        subject(LIKE, ALICE, 3, uri(ALICE, 1)),
        subject(REPOST, BOB, 4, uri(ALICE, 1)),
        reply(BOB, 5, uri(ALICE, 1)),
        quote(BOB, 6, uri(ALICE, 1)));
    assertThat(of(uri(ALICE, 1))).as("today").isNull();
    assertThat(upkeep("2026-07-05")).isEqualTo(new EngagementCounter.Counted(1, 1));
    fixture.store(subject(LIKE, BOB, DAY, uri(BOB, 5)));
    assertThat(of(uri(ALICE, 1))).isEqualTo(new Engagement(2, 1, 1, 1));
    assertThat(of(uri(BOB, 5))).isEqualTo(new Engagement(0, 0, 0, 0));
    assertThat(upkeep("2026-07-05")).as("again").isEqualTo(new EngagementCounter.Counted(0, 0));
    assertThat(upkeep("2026-07-06")).isEqualTo(new EngagementCounter.Counted(1, 1));
    assertThat(of(uri(BOB, 5))).isEqualTo(new Engagement(1, 0, 0, 0));
    assertThat(of(uri(ALICE, 1))).isEqualTo(new Engagement(2, 1, 1, 1));
  }

  @Test
  void whatIsWithdrawnCountsUntilItsDateIsCompactedAgain() throws Exception {
    fixture.store(post(1, "one"), subject(LIKE, BOB, 2, uri(ALICE, 1)));
    upkeep("2026-07-05");
    fixture.store(commit(BOB, DAY, "delete", LIKE, rkey(2), null));
    assertThat(of(uri(ALICE, 1)).likes()).isEqualTo(1);
    upkeep("2026-07-06");
    assertThat(of(uri(ALICE, 1)).likes()).isZero();
  }

  @Test
  void findsAndSortsAsAModelDoes() throws Exception {
    Random random = new Random(17);
    Map<String, int[]> model = new HashMap<>();
    List<String> uris = new ArrayList<>();
    List<byte[]> frames = new ArrayList<>();
    long millis = 0;
    for (int day = 0; day < 3; day++) {
      for (int i = 0; i < 300; i++) {
        millis = day * DAY + i * 10L;
        String did = "did:plc:x" + random.nextInt(40);
        String target = uris.isEmpty() ? "at://none" : uris.get(skewed(random, uris.size()));
        int kind = random.nextInt(8);
        switch (kind) {
          case 0 -> frames.add(subject(REPOST, did, millis, target));
          case 1 -> frames.add(reply(did, millis, target));
          case 2 -> frames.add(quote(did, millis, target));
          case 3 -> frames.add(post(did, millis, record(millis, "ice volcano " + kind)));
          default -> frames.add(subject(LIKE, did, millis, target));
        }
        if (kind >= 1 && kind <= 3) {
          uris.add(uri(did, millis));
        }
        if (kind != 3) {
          model.computeIfAbsent(target, any -> new int[4])[kind > 3 ? 0 : kind + 1]++;
        }
        if (i % 150 == 149) {
          fixture.receive(frames);
          fixture.drain().batch();
          frames.clear();
        }
      }
      upkeep("2026-07-0" + (5 + day));
    }
    fixture.store(post(4 * DAY, "of a date that was not counted yet"));
    List<Post> all = all();
    for (Post post : all) {
      int[] counts = model.getOrDefault(post.uri(), new int[4]);
      if (post.engagement() != null) {
        assertThat(post.engagement())
            .as(post.uri())
            .isEqualTo(new Engagement(counts[0], counts[1], counts[2], counts[3]));
      }
    }
    assertThat(all).filteredOn(post -> post.engagement() == null).hasSize(1);
    PostFilter inexact = new PostFilter.Text(new TextMatch("ce volcano 3", false));
    for (PostFilter filter : List.of(PostFilter.all(), inexact)) {
      for (Kind kind : Kind.values()) {
        List<Post> expected =
            search.page(query(filter, Engaged.ANYHOW), 0, 1000).posts().stream()
                .filter(post -> post.engagement() != null && post.engagement().of(kind) > 0)
                .sorted(
                    Comparator.comparingInt((Post post) -> post.engagement().of(kind)).reversed())
                .toList();
        assertThat(expected).as("%s of %s", kind, filter).hasSizeGreaterThan(5);
        assertThat(most(filter, kind, 0, 1000)).isEqualTo(expected);
        assertThat(most(filter, kind, 3, 2)).isEqualTo(expected.subList(3, 5));
        Engaged least = new Engaged(Map.of(kind, 2), Optional.empty());
        PostPage atLeastTwo = search.page(query(filter, least), 0, 1000);
        assertThat(atLeastTwo.posts())
            .containsExactlyInAnyOrderElementsOf(
                expected.stream().filter(post -> post.engagement().of(kind) >= 2).toList());
        assertThat(atLeastTwo.total()).isEqualTo(atLeastTwo.posts().size());
      }
    }
  }

  /** Some are taken much more often than others. */
  private static int skewed(Random random, int size) {
    return (int) (size * Math.pow(random.nextDouble(), 3));
  }

  @Test
  void isCountedAgainWhereItIsDamaged() throws Exception {
    fixture.store(post(1, "one"), subject(LIKE, BOB, 2, uri(ALICE, 1)));
    upkeep("2026-07-05");
    ArchiveFile file = fixture.archive().snapshot(TableName.POSTS).files().get(0);
    for (String name : List.of("total", "2026-07-04")) {
      Path damaged = EngagementCounter.total(file).resolveSibling(name);
      byte[] bytes = Files.readAllBytes(damaged);
      bytes[bytes.length / 2] ^= 1;
      Files.write(damaged, bytes);
      assertThat(EngagementFile.open(damaged, 1)).as(name).isEmpty();
    }
    assertThat(upkeep("2026-07-05")).isEqualTo(new EngagementCounter.Counted(1, 1));
    assertThat(of(uri(ALICE, 1))).isEqualTo(new Engagement(1, 0, 0, 0));
  }

  @Test
  void datesThatAreNotKeptDoNotCount() throws Exception {
    fixture.store(post(1, "one"), subject(LIKE, BOB, 2, uri(ALICE, 1)));
    upkeep("2026-07-05");
    ArchiveFile file = fixture.archive().snapshot(TableName.POSTS).files().get(0);
    EngagementFile.Builder former = new EngagementFile.Builder(Set.of("gone.parquet"), 1);
    former.add(Kind.LIKES, 0, 5);
    Path unneeded = EngagementCounter.total(file).resolveSibling("2026-08-01");
    former.write(unneeded, unneeded.getParent());
    former.write(EngagementCounter.total(file), unneeded.getParent());
    assertThat(of(uri(ALICE, 1)).likes()).isEqualTo(5);
    assertThat(upkeep("2026-07-05")).isEqualTo(new EngagementCounter.Counted(0, 1));
    assertThat(unneeded).doesNotExist();
    assertThat(of(uri(ALICE, 1)).likes()).isEqualTo(1);
  }
}
