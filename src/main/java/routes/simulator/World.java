package routes.simulator;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import routes.jetstream.Cid;
import routes.jetstream.Event.Operation;
import routes.jetstream.Json;
import routes.jetstream.Tid;

/**
 * A made-up network. Event number n is a pure function of the seed and n: any moment can be asked
 * for again, nothing is stored, and a test knows what an archive has to hold.
 *
 * <p>What is deleted or updated was created before, once; likes, replies and quotes point to posts
 * of this world, with their true CIDs.
 */
public final class World {

  private static final long BEGIN_US = Instant.parse("2024-01-01T00:00:00Z").toEpochMilli() * 1000;
  private static final int AUTHORS = 2_000_000;
  private static final String DID_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567";
  private static final DateTimeFormatter MILLIS =
      DateTimeFormatter.ofPattern("uuuu-MM-dd'T'HH:mm:ss.SSS'Z'").withZone(ZoneOffset.UTC);

  /**
   * How many events ago a record was made that is deleted now, by n mod 4. Multiples of 4: so no
   * record is deleted twice, for record and deletion are of the same class.
   */
  private static final int[] DELETE_LAG = {212, 1012, 5004, 20012};

  private static final int UPDATE_LAG = 100;

  private final long seed;
  private final double eventsPerSecond;
  private final long aheadUs;

  /** What happens, and how often: shares of all events. */
  private enum Kind {
    LIKE("app.bsky.feed.like", 0.50),
    POST("app.bsky.feed.post", 0.15),
    REPOST("app.bsky.feed.repost", 0.09),
    FOLLOW("app.bsky.graph.follow", 0.12),
    BLOCK("app.bsky.graph.block", 0.016),
    PROFILE("app.bsky.actor.profile", 0.008),
    THREADGATE("app.bsky.feed.threadgate", 0.006),
    LIST_ITEM("app.bsky.graph.listitem", 0.01),
    STATUS("fm.teal.alpha.actor.status", 0.01),
    IDENTITY(null, 0.012),
    ACCOUNT(null, 0.008),
    UPDATE(null, 0.01),
    DELETE(null, 0.06);

    private final String collection;
    private final double share;

    Kind(String collection, double share) {
      this.collection = collection;
      this.share = share;
    }

    boolean canBeDeleted() {
      return this == LIKE
          || this == POST
          || this == REPOST
          || this == FOLLOW
          || this == BLOCK
          || this == LIST_ITEM;
    }

    boolean canBeUpdated() {
      return this == POST || this == THREADGATE;
    }
  }

  /**
   * @param seed another seed is another world
   * @param eventsPerSecond how much happens
   */
  public World(long seed, double eventsPerSecond) {
    this(seed, eventsPerSecond, 0);
  }

  private World(long seed, double eventsPerSecond, long aheadUs) {
    this.aheadUs = aheadUs;
    if (!(eventsPerSecond > 0 && eventsPerSecond <= 500_000)) {
      throw new IllegalArgumentException(
          "events per second: more than 0, at most 500,000; got " + eventsPerSecond);
    }
    this.seed = seed;
    this.eventsPerSecond = eventsPerSecond;
  }

  /**
   * The same world as another host sees it: the same events, each passed on so much later by that
   * host's clock.
   */
  public World later(long us) {
    return new World(seed, eventsPerSecond, aheadUs + us);
  }

  /** The number of the first event at or after that time, inversions left aside. */
  public long numberAt(long timeUs) {
    return Math.max(0, (long) Math.ceil((timeUs - aheadUs - BEGIN_US) * eventsPerSecond / 1e6));
  }

  /**
   * When an event happens, microseconds since 1970: grows with the number, but for small
   * inversions, as a real host's clock does.
   */
  public long timeUs(long number) {
    double interval = 1e6 / eventsPerSecond;
    return BEGIN_US
        + aheadUs
        + (long) (number * interval)
        + (long) (Dice.of(seed, number, 2).share() * spreadUs());
  }

  /** How far an event may be behind its place. */
  public long spreadUs() {
    return (long) Math.min(20_000, 4e6 / eventsPerSecond);
  }

  /** The message of an event, as a v1 host sends it. */
  public byte[] frame(long number) {
    ObjectNode message = Json.object();
    Kind kind = kind(number);
    switch (kind) {
      case IDENTITY -> identity(message, number);
      case ACCOUNT -> account(message, number);
      case DELETE -> commit(message, number, Operation.DELETE, number - deleteLag(number));
      case UPDATE -> commit(message, number, Operation.UPDATE, number - UPDATE_LAG);
      default -> commit(message, number, Operation.CREATE, number);
    }
    return message.toString().getBytes(StandardCharsets.UTF_8);
  }

  /** Whether an event is about a post or an account: made, changed or gone. */
  public boolean isOfPostsOrAccounts(long number) {
    Kind kind = kind(number);
    Kind of =
        switch (kind) {
          case DELETE -> kind(number - deleteLag(number));
          case UPDATE -> kind(number - UPDATE_LAG);
          default -> kind;
        };
    return of == Kind.POST || of == Kind.IDENTITY || of == Kind.ACCOUNT;
  }

  private Kind kind(long number) {
    Kind kind = rolled(number);
    boolean possible =
        switch (kind) {
          case DELETE ->
              number >= deleteLag(number) && rolled(number - deleteLag(number)).canBeDeleted();
          case UPDATE -> number >= UPDATE_LAG && rolled(number - UPDATE_LAG).canBeUpdated();
          default -> true;
        };
    return possible ? kind : Kind.LIKE;
  }

  private Kind rolled(long number) {
    double left = Dice.of(seed, number, 3).share();
    for (Kind kind : Kind.values()) {
      left -= kind.share;
      if (left < 0) {
        return kind;
      }
    }
    return Kind.LIKE;
  }

  private static int deleteLag(long number) {
    return DELETE_LAG[(int) (number % 4)];
  }

  private void commit(ObjectNode message, long number, Operation operation, long record) {
    // A slot for a deletion or an update with no target became a like: its kind is what kind(...)
    // says.
    Kind kind = kind(record);
    message.put("did", author(record)).put("time_us", timeUs(number)).put("kind", "commit");
    ObjectNode commit = message.putObject("commit");
    commit
        .put("rev", rev(number))
        .put("operation", operation.wireName())
        .put("collection", kind.collection)
        .put("rkey", rkey(record));
    if (operation != Operation.DELETE) {
      ObjectNode content = record(kind, number);
      commit.set("record", content);
      commit.put("cid", cid(content));
    }
  }

  private void identity(ObjectNode message, long number) {
    String did = author(number);
    message.put("did", did).put("time_us", timeUs(number)).put("kind", "identity");
    message
        .putObject("identity")
        .put("did", did)
        .put("handle", handle(did))
        .put("seq", number)
        .put("time", time(ownTimeUs(number)));
  }

  private void account(ObjectNode message, long number) {
    String did = author(number);
    boolean active = !Dice.of(seed, number, 4).chance(0.2);
    message.put("did", did).put("time_us", timeUs(number)).put("kind", "account");
    ObjectNode account = message.putObject("account");
    account
        .put("active", active)
        .put("did", did)
        .put("seq", number)
        .put("time", time(ownTimeUs(number)));
    if (!active) {
      account.put("status", "deactivated");
    }
  }

  private ObjectNode record(Kind kind, long number) {
    Dice dice = Dice.of(seed, number, 5);
    ObjectNode record = Json.object().put("$type", kind.collection);
    if (kind != Kind.PROFILE) {
      record.put("createdAt", createdAt(dice, number));
    }
    switch (kind) {
      case POST -> post(record, dice, number);
      case LIKE, REPOST -> record.set("subject", reference(postBefore(number, dice)));
      case FOLLOW, BLOCK -> record.put("subject", account(dice));
      case PROFILE ->
          record
              .put("displayName", Language.pick(dice).word(dice.below(50_000)))
              .put("description", sentence(dice));
      case LIST_ITEM ->
          record
              .put("subject", account(dice))
              .put("list", "at://" + author(number) + "/app.bsky.graph.list/" + rkey(number));
      case THREADGATE -> {
        record.putArray("allow").addObject().put("$type", "app.bsky.feed.threadgate#mentionRule");
        record.put("post", "at://" + author(number) + "/app.bsky.feed.post/" + rkey(number));
      }
      default ->
          record
              .putObject("item")
              .put("trackName", sentence(dice))
              .put("duration", dice.below(600))
              .put("score", dice.below(1000) / 8.0);
    }
    return record;
  }

  private void post(ObjectNode record, Dice dice, long number) {
    Language language = Language.pick(dice);
    PostText text = new PostText(dice, language);
    text.words(1 + dice.skewed(45, 1.6));
    if (dice.chance(0.06)) {
      text.mention(handle(account(dice)), account(dice));
    }
    String link = dice.chance(0.08) ? text.link() : null;
    while (dice.chance(0.08)) {
      text.tag();
    }
    record.put("text", text.text());
    if (!text.facets().isEmpty()) {
      record.set("facets", text.facets());
    }
    if (!dice.chance(0.05)) {
      record.putArray("langs").add(language.tag());
    }
    if (dice.chance(0.35)) {
      reply(record, postBefore(number, dice));
    }
    embed(record, dice, number, link);
    if (dice.chance(0.005)) {
      record
          .putObject("labels")
          .put("$type", "com.atproto.label.defs#selfLabels")
          .putArray("values")
          .addObject()
          .put("val", "graphic-media");
    }
    if (dice.chance(0.005)) {
      record.putArray("tags").add(Language.ENGLISH.word(16 + dice.below(5000)));
    }
  }

  /** An answer to a post; the root of the thread is that post's root, or the post itself. */
  private void reply(ObjectNode record, long parent) {
    ObjectNode reply = record.putObject("reply");
    ObjectNode parentRecord = record(Kind.POST, parent);
    ObjectNode reference = reference(parent, parentRecord);
    reply.set("parent", reference);
    var root = parentRecord.path("reply").path("root");
    reply.set("root", root.isObject() ? root.deepCopy() : reference.deepCopy());
  }

  private void embed(ObjectNode record, Dice dice, long number, String link) {
    double kind = dice.share();
    if (link != null && kind < 0.7) {
      ObjectNode card =
          record.putObject("embed").put("$type", "app.bsky.embed.external").putObject("external");
      card.put("uri", link).put("title", sentence(dice)).put("description", sentence(dice));
      card.set("thumb", blob(dice, "image/jpeg"));
    } else if (kind < 0.14) {
      record.set("embed", images(dice));
    } else if (kind < 0.18) {
      record
          .putObject("embed")
          .put("$type", "app.bsky.embed.record")
          .set("record", reference(postBefore(number, dice)));
    } else if (kind < 0.19) {
      ObjectNode embed = record.putObject("embed").put("$type", "app.bsky.embed.recordWithMedia");
      embed.set("media", images(dice));
      embed
          .putObject("record")
          .put("$type", "app.bsky.embed.record")
          .set("record", reference(postBefore(number, dice)));
    } else if (kind < 0.21) {
      ObjectNode video = record.putObject("embed").put("$type", "app.bsky.embed.video");
      video
          .put("alt", dice.chance(0.3) ? sentence(dice) : "")
          .set("video", blob(dice, "video/mp4"));
    }
  }

  private ObjectNode images(Dice dice) {
    ObjectNode embed = Json.object().put("$type", "app.bsky.embed.images");
    ArrayNode images = embed.putArray("images");
    int count = 1 + dice.skewed(4, 2.5);
    for (int i = 0; i < count; i++) {
      ObjectNode image = images.addObject().put("alt", dice.chance(0.35) ? sentence(dice) : "");
      image
          .putObject("aspectRatio")
          .put("height", 400 + dice.below(1600))
          .put("width", 400 + dice.below(1600));
      image.set("image", blob(dice, "image/jpeg"));
    }
    return embed;
  }

  private static ObjectNode blob(Dice dice, String mimeType) {
    ObjectNode blob = Json.object().put("$type", "blob");
    blob.putObject("ref").put("$link", "bafkrei" + dice.from(DID_ALPHABET, 51) + "a");
    return blob.put("mimeType", mimeType).put("size", 10_000 + dice.below(900_000));
  }

  private static String sentence(Dice dice) {
    PostText text = new PostText(dice, Language.pick(dice));
    text.words(2 + dice.below(8));
    return text.text();
  }

  private ObjectNode reference(long post) {
    return reference(post, record(Kind.POST, post));
  }

  private ObjectNode reference(long post, ObjectNode record) {
    return Json.object()
        .put("cid", cid(record))
        .put("uri", "at://" + author(post) + "/app.bsky.feed.post/" + rkey(post));
  }

  /**
   * A post made before: mostly a recent one. The world's first events point to posts from before it
   * began.
   */
  private long postBefore(long number, Dice dice) {
    long candidate = number - 1 - dice.skewed(100_000, 6);
    while (candidate >= 0 && kind(candidate) != Kind.POST) {
      candidate--;
    }
    return candidate >= 0 ? candidate : number + Integer.MIN_VALUE;
  }

  private static String cid(ObjectNode record) {
    try {
      return Cid.of(record);
    } catch (IOException e) {
      throw new UncheckedIOException("a made-up record has no CID", e);
    }
  }

  private String author(long number) {
    return account(Dice.of(seed, number, 6));
  }

  /** Some accounts are far busier than others. */
  private String account(Dice dice) {
    return "did:plc:" + Dice.of(seed, dice.skewed(AUTHORS, 3), 7).from(DID_ALPHABET, 24);
  }

  /** An account's handle follows from its DID. */
  public static String handle(String did) {
    String name = Language.ENGLISH.word(16 + Math.floorMod(did.hashCode(), 40_000));
    return name + Math.floorMod(did.hashCode() / 7, 1000) + ".test";
  }

  private String rev(long number) {
    return Tid.of(ownTimeUs(number), (int) (number & 1023));
  }

  private String rkey(long number) {
    return Tid.of(ownTimeUs(number) - 40_000, (int) (number & 1023));
  }

  /**
   * When the author's server saw it: a little before the host passes it on; the same on every host.
   */
  private long ownTimeUs(long number) {
    return BEGIN_US
        + (long) (number * (1e6 / eventsPerSecond))
        - 200_000
        - (long) (Dice.of(seed, number, 8).share() * 600_000);
  }

  private String createdAt(Dice dice, long number) {
    long timeUs = ownTimeUs(number) - 50_000;
    double form = dice.share();
    if (form < 0.01) {
      return Instant.ofEpochMilli(timeUs / 1000).atOffset(ZoneOffset.ofHours(9)).toString();
    } else if (form < 0.0105) {
      return "yesterday";
    }
    return time(timeUs);
  }

  private static String time(long timeUs) {
    return MILLIS.format(Instant.ofEpochMilli(timeUs / 1000));
  }
}
