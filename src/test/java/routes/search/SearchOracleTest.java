package routes.search;

import static org.assertj.core.api.Assertions.assertThat;
import static routes.fixtures.Frames.account;
import static routes.fixtures.Frames.commit;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import routes.archive.Compaction;
import routes.archive.Pace;
import routes.fixtures.ArchiveFixture;
import routes.fixtures.Frames;
import routes.fixtures.RedisFixture;
import routes.jetstream.Json;

/**
 * Random questions to a random archive: whatever way an answer takes, it is the one that a plain
 * scan of all rows gives. {@code -Dquestions=10000 -Dseed=…} for more of them.
 */
class SearchOracleTest {

  private static final int QUESTIONS = Integer.getInteger("questions", 600);
  private static final long SEED = Long.getLong("seed", 20_261_125);
  private static final int BATCHES = 6;
  private static final String[] WORDS = {
    "volcano",
    "Volcanoes",
    "vol",
    "glacier",
    "ice",
    "ÉTÉ",
    "été",
    "don't",
    "a_b",
    "x1",
    "C++",
    "100%",
    "火山",
    "火山の島",
    "ラーメン",
    "ジャード",
    "ไทย",
    "한국",
    "天",
    "🌋",
    "🌋🔥",
    "❤\ufe0f",
    "#sky",
    "#Sky",
    "#火山です",
    "#sky-blue",
    "##sky",
    "http://a.example",
    "...",
    "(a.b)",
    "\\",
    "\n",
    "the",
    "of",
    "İstanbul",
    "ß"
  };
  private static final String[] LANGS = {"en", "EN-us", "pt-BR", "pt", "ja"};
  private static final String[] LINKS = {
    "https://www.Example.org/a?b", "http://example.org", "https://user@news.example.org:8080/x",
    "https://other.test/", "mailto:x@example.org", "not a link"
  };

  @RegisterExtension static final RedisFixture REDIS = new RedisFixture();

  private final ArchiveFixture fixture = new ArchiveFixture(REDIS.stream());
  private final Random random = new Random(SEED);
  private final ArchiveViews views =
      new ArchiveViews(
          fixture.archive(), fixture.duckDb(), new PostIndexes(), Duration.ofMinutes(1));
  private final List<String> rkeys = new ArrayList<>();
  private final List<Pinned> pinned = new ArrayList<>();

  /** A question, and its answer at a commit. */
  private record Pinned(Pin pin, PostQuery query, int limit, List<Post> expected) {}

  @AfterEach
  void close() {
    views.close();
    fixture.close();
  }

  @Test
  void answersAsAPlainScanDoes() throws Exception {
    int asked = 0;
    int notEmpty = 0;
    int counted = 0;
    for (int batch = 0; batch < BATCHES; batch++) {
      fixture.receive(batch());
      fixture.drain().batch();
      if (batch % 3 == 2) {
        Clock longAfter = Clock.offset(Clock.systemUTC(), Duration.ofDays(40));
        new Compaction(
                fixture.archive(),
                fixture.duckDb(),
                new PostIndexes()::build,
                new Compaction.Limits(1_000_000_000, 30),
                Pace.FULL,
                longAfter)
            .run();
      }
      for (Pinned before : pinned) {
        try (ArchiveView view = views.at(before.pin);
            Matches matches = matches(view, before.query, before.limit)) {
          assertThat(matches.take(before.limit))
              .as("pinned %s, seed %d", before.query, SEED)
              .isEqualTo(before.expected);
        }
      }
      try (ArchiveView view = views.newest()) {
        assertThat(view.scanned()).isEmpty();
        for (int i = 0; i < QUESTIONS / BATCHES; i++) {
          PostQuery query = query().withAllColumns();
          int offset = random.nextInt(4) * random.nextInt(10);
          int limit = 1 + random.nextInt(30);
          List<Post> expected = plainly(view, query, offset, limit);
          try (Matches matches = matches(view, query, offset + limit)) {
            matches.skip(offset);
            assertThat(matches.take(limit))
                .as("%s of %s, seed %d", offset, query, SEED)
                .isEqualTo(expected);
            PostCursor last = matches.next(0).orElse(null);
            if (last != null && random.nextInt(3) == 0) {
              try (Matches behind = matches(view, query, Optional.of(last), limit)) {
                assertThat(behind.take(limit))
                    .as("behind %s of %s, seed %d", last, query, SEED)
                    .isEqualTo(plainly(view, query, offset + expected.size(), limit));
              }
            }
            Count count = matches.count();
            long all = plainCount(view, query);
            PostVolume.Interval interval = PostVolume.Interval.values()[random.nextInt(4)];
            PostVolume volume = matches.volume(interval);
            // It may be exact where the count is not: it has seen which rows there are.
            if (volume.exact() || count.exact()) {
              assertThat(volume).as("%s", query).isEqualTo(plainVolume(view, query, interval));
            }
            if (count.exact()) {
              assertThat(count.posts()).as("%s, seed %d", query, SEED).isEqualTo(all);
              counted++;
              if (random.nextInt(3) == 0) {
                PostTop.Of of = PostTop.Of.values()[random.nextInt(PostTop.Of.values().length)];
                assertThat(matches.top(of, 1000))
                    .as("%s of %s, seed %d", of, query, SEED)
                    .isEqualTo(plainTop(view, query, of));
              }
            }
          }
          if (i % 20 == 0) {
            pinned.add(new Pinned(view.pin(), query, limit, plainly(view, query, 0, limit)));
          }
          asked++;
          notEmpty += expected.isEmpty() ? 0 : 1;
        }
      }
    }
    assertThat(pinned).hasSizeGreaterThan(10);
    assertThat(notEmpty).as("questions that have an answer").isGreaterThan(asked / 3);
    assertThat(counted).as("counts that are exact").isGreaterThan(asked / 2);
  }

  private Matches matches(ArchiveView view, PostQuery query, long limit) {
    return matches(view, query, Optional.empty(), limit);
  }

  private Matches matches(
      ArchiveView view, PostQuery query, Optional<PostCursor> after, long limit) {
    return new Matches(
        fixture.duckDb(),
        LiveView.of(view),
        query,
        after,
        limit,
        new Deadline(Duration.ofSeconds(60)));
  }

  private PostTop plainTop(ArchiveView view, PostQuery query, PostTop.Of of) {
    try (Matches scan = matches(plain(view), query, 1)) {
      return scan.top(of, 1000);
    }
  }

  /** The same files, and no index. */
  private ArchiveView plain(ArchiveView view) {
    return new ArchiveView(
        view.ledger(), view.posts(), view.actors(), Map.of(), view.posts().files(), Authors.NONE);
  }

  private List<Post> plainly(ArchiveView view, PostQuery query, int offset, int limit) {
    try (Matches scan = matches(plain(view), query, offset + limit)) {
      scan.skip(offset);
      return scan.take(limit);
    }
  }

  private long plainCount(ArchiveView view, PostQuery query) {
    try (Matches scan = matches(plain(view), query, 1)) {
      return scan.count().posts();
    }
  }

  private PostVolume plainVolume(ArchiveView view, PostQuery query, PostVolume.Interval interval) {
    try (Matches scan = matches(plain(view), query, 1)) {
      return scan.volume(interval);
    }
  }

  private List<byte[]> batch() throws JsonProcessingException {
    List<byte[]> frames = new ArrayList<>();
    for (int i = 0; i < 120; i++) {
      int second = random.nextInt(5) == 0 ? random.nextInt(200_000) : random.nextInt(50);
      String did = did();
      switch (random.nextInt(12)) {
        case 0 -> frames.add(commit(did, now(), "delete", "app.bsky.feed.post", anyRkey(), null));
        case 1 ->
            frames.add(commit(did, now(), "update", "app.bsky.feed.post", anyRkey(), post(second)));
        case 2 ->
            frames.add(
                account(did, now(), random.nextBoolean(), random.nextBoolean() ? "deleted" : null));
        default -> {
          rkeys.add(random.nextInt(20) == 0 ? "k" + random.nextInt(9) : Frames.rkey(second));
          frames.add(
              commit(
                  did,
                  now(),
                  "create",
                  "app.bsky.feed.post",
                  rkeys.get(rkeys.size() - 1),
                  post(second)));
        }
      }
    }
    return frames;
  }

  private final Set<Integer> revisions = new HashSet<>();
  private int clock;

  /** Often not in order, and never twice the same: no two changes of a post have one revision. */
  private int now() {
    clock++;
    int now = random.nextInt(8) == 0 ? Math.max(0, clock - random.nextInt(200)) : clock;
    while (!revisions.add(now)) {
      now = ++clock;
    }
    return now;
  }

  private String did() {
    return "did:plc:author" + random.nextInt(6);
  }

  private String anyRkey() {
    return rkeys.isEmpty() ? "none" : rkeys.get(random.nextInt(rkeys.size()));
  }

  private String uri() {
    return "at://" + did() + "/app.bsky.feed.post/" + anyRkey();
  }

  private String text() {
    StringBuilder text = new StringBuilder();
    for (int i = random.nextInt(7); i > 0; i--) {
      text.append(pick(WORDS))
          .append(random.nextInt(4) == 0 ? "" : random.nextInt(6) == 0 ? ", " : " ");
    }
    return text.toString();
  }

  private ObjectNode post(int second) throws JsonProcessingException {
    List<String> members = new ArrayList<>();
    members.add("\"$type\":\"app.bsky.feed.post\"");
    members.add(
        "\"createdAt\":\""
            + (random.nextInt(15) == 0
                ? "never"
                : Instant.ofEpochMilli(Frames.NOON_US / 1000).plusSeconds(second))
            + "\"");
    if (random.nextInt(12) > 0) {
      members.add("\"text\":" + quoted(text()));
    }
    if (random.nextBoolean()) {
      members.add("\"langs\":[" + quoted(pick(LANGS)) + "," + quoted(pick(LANGS)) + "]");
    }
    if (random.nextInt(3) == 0) {
      String root = uri();
      String parent = random.nextBoolean() ? root : uri();
      members.add(
          "\"reply\":{\"root\":{\"uri\":\""
              + root
              + "\",\"cid\":\"c\"},\"parent\":{\"uri\":\""
              + parent
              + "\",\"cid\":\"c\"}}");
    }
    if (random.nextInt(3) == 0) {
      members.add("\"tags\":[" + quoted(pick("sky", "Sky", "sky-blue", "火山", "vol*", "a b")) + "]");
    }
    if (random.nextInt(3) == 0) {
      members.add(
          "\"facets\":[{\"features\":[{\"$type\":\"app.bsky.richtext.facet#link\",\"uri\":"
              + quoted(pick(LINKS))
              + "},{\"$type\":\"app.bsky.richtext.facet#mention\",\"did\":\""
              + did()
              + "\"}]}]");
    }
    switch (random.nextInt(5)) {
      case 0 ->
          members.add(
              "\"embed\":{\"$type\":\"app.bsky.embed.record\",\"record\":{\"uri\":\""
                  + uri()
                  + "\"}}");
      case 1 ->
          members.add(
              "\"embed\":{\"$type\":\"app.bsky.embed.images\",\"images\":[{\"alt\":\"x\"}]}");
      default -> {
        // most posts have none
      }
    }
    return (ObjectNode) Json.read("{" + String.join(",", members) + "}");
  }

  private static String quoted(String text) {
    return "\"" + text.replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n") + "\"";
  }

  private String pick(String... of) {
    return of[random.nextInt(of.length)];
  }

  private PostQuery query() {
    Optional<Instant> from = random.nextInt(4) == 0 ? Optional.of(time()) : Optional.empty();
    Optional<Instant> to = random.nextInt(4) == 0 ? Optional.of(time()) : Optional.empty();
    Deleted deleted = Deleted.values()[Math.max(0, random.nextInt(6) - 3)];
    return new PostQuery(filter(2), from, to, deleted, Engaged.ANYHOW, Optional.empty());
  }

  private Instant time() {
    return Instant.ofEpochMilli(Frames.NOON_US / 1000)
        .plusSeconds(random.nextInt(60))
        .plusMillis(random.nextInt(2) * 500);
  }

  private PostFilter filter(int depth) {
    return switch (random.nextInt(depth > 0 ? 20 : 14)) {
      case 0 -> new PostFilter.Author(did());
      case 1 -> new PostFilter.Mention(did());
      case 2 ->
          new PostFilter.Domain(
              pick(
                  "example.org",
                  "org",
                  "news.example.org",
                  "other.test",
                  "example",
                  "WWW.example.org"));
      case 3 -> new PostFilter.Link(pick(LINKS));
      case 4 -> new PostFilter.Language(pick("en", "pt", "PT-br", "e", "ja"));
      case 5 -> new PostFilter.Has(PostFilter.Has.Feature.values()[random.nextInt(4)]);
      case 6 ->
          pick("reply", "thread").equals("reply")
              ? new PostFilter.ReplyTo(uri())
              : new PostFilter.ThreadOf(uri());
      case 7 -> random.nextBoolean() ? new PostFilter.Quotes(uri()) : countedAs();
      case 8 ->
          random.nextBoolean()
              ? new PostFilter.Seen(Optional.of(time()), Optional.empty())
              : new PostFilter.Created(Optional.empty(), Optional.of(time()));
      case 14, 15, 16 -> new PostFilter.And(filters(depth));
      case 17, 18 -> new PostFilter.Or(filters(depth));
      case 19 -> new PostFilter.Not(filter(depth - 1));
      default -> new PostFilter.Text(new TextMatch(pattern(), random.nextInt(4) == 0));
    };
  }

  private PostFilter countedAs() {
    PostTop.Of of = PostTop.Of.values()[random.nextInt(PostTop.Of.values().length)];
    return new PostFilter.CountedAs(
        of,
        switch (of) {
          case HASHTAG -> pick("sky", "sky-blue", "火山です", "火山", "a b");
          case DOMAIN -> pick("example.org", "news.example.org", "org", "a.example");
          case LANGUAGE -> pick("en", "pt", "ja", "e");
          case MENTION, AUTHOR -> did();
          case HAS -> pick("media", "link", "quote", "parent", "nothing");
        });
  }

  private List<PostFilter> filters(int depth) {
    List<PostFilter> filters = new ArrayList<>();
    for (int i = random.nextInt(4); i > 0; i--) {
      filters.add(filter(depth - 1));
    }
    return filters;
  }

  /** A piece of a text, often, so that something is found. */
  private String pattern() {
    String text = random.nextInt(3) == 0 ? pick(WORDS) : text();
    int from = text.isEmpty() ? 0 : random.nextInt(text.length());
    int to = text.isEmpty() ? 0 : from + random.nextInt(Math.min(9, text.length() - from) + 1);
    String pattern = random.nextInt(3) == 0 ? text : text.substring(from, to);
    if (random.nextInt(5) == 0 && !pattern.isEmpty()) {
      int at = random.nextInt(pattern.length());
      pattern =
          pattern.substring(0, at)
              + pick("*", "%", "*")
              + pattern.substring(at + random.nextInt(2));
    }
    if (random.nextInt(8) == 0) {
      pattern = "#" + pick("sky", "SKY", "sk*", "火山", "sky-blue", "s*y", "vol*", "-x");
    }
    return pattern.isBlank() || !Json.isUnicode(pattern) ? "vol" : pattern;
  }
}
