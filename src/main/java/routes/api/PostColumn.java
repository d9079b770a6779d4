package routes.api;

import static routes.api.PostColumn.Kind.FLAG;
import static routes.api.PostColumn.Kind.LIST;
import static routes.api.PostColumn.Kind.NUMBER;
import static routes.api.PostColumn.Kind.TEXT;
import static routes.api.PostColumn.Kind.TIME;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.Function;
import java.util.function.ToIntFunction;
import routes.search.Engagement;
import routes.search.Post;
import routes.search.PostQuery;

/**
 * What answers and exports can show of a post. Columns that the table {@code posts} has as well are
 * called as there.
 */
enum PostColumn {
  URI(TEXT, "at://did/app.bsky.feed.post/rkey", Post::uri),
  SORT_AT(
      TIME,
      "the time that answers are sorted by: created_at or time_us, whichever is earlier",
      post -> post.row().sortAt()),
  DID(TEXT, "the author", Post::did),
  HANDLE(TEXT, "the author's handle, where the archive knows one", Post::handle),
  TEXT_(TEXT, "the text", Post::text),
  LANGS(LIST, "languages, as the author gave them", post -> post.row().langs()),
  CREATED_AT(TIME, "when the author's client says it was made", post -> post.row().createdAt()),
  TIME_US(TIME, "when the network passed it on", post -> post.row().timeUs()),
  RKEY(TEXT, "the key of the record", post -> post.row().rkey()),
  REV(TEXT, "the revision of the author's repository", post -> post.row().rev()),
  CID(TEXT, "the content identifier of the record", post -> post.row().cid()),
  REPLY_ROOT_URI(TEXT, "the first post of the thread", post -> post.row().replyRoot()),
  REPLY_PARENT_URI(TEXT, "the post that it answers", Post::parent),
  QUOTE_URI(TEXT, "the post, list or feed embedded", post -> post.row().quote()),
  LINKS(LIST, "web addresses", post -> post.row().links()),
  TAGS(LIST, "hashtags that are marked", post -> post.row().tags()),
  MENTIONS(LIST, "DIDs of the accounts mentioned", post -> post.row().mentions()),
  EMBED_KIND(TEXT, "what is embedded, such as images or external", post -> post.row().embedKind()),
  MEDIA_COUNT(NUMBER, "images and videos", post -> post.row().mediaCount()),
  ALT_TEXTS(LIST, "descriptions of images and videos", post -> post.row().altTexts()),
  SELF_LABELS(LIST, "labels that the author put on it", post -> post.row().selfLabels()),
  DELETED(FLAG, "whether it is known to be deleted", Post::deleted),
  LIKES(NUMBER, "likes, where they are counted", engagement(Engagement::likes)),
  REPOSTS(NUMBER, "reposts, where they are counted", engagement(Engagement::reposts)),
  REPLIES(NUMBER, "posts that answer it, where they are counted", engagement(Engagement::replies)),
  QUOTES(NUMBER, "posts that quote it, where they are counted", engagement(Engagement::quotes));

  /** What an answer shows unless others are asked for. */
  static final List<PostColumn> SHORT = List.of(URI, SORT_AT, DID, HANDLE, TEXT_);

  static final List<PostColumn> ALL = List.of(values());

  /** What is known of every post found, without reading more of it. */
  private static final Set<PostColumn> ALWAYS_READ =
      EnumSet.of(
          URI,
          SORT_AT,
          DID,
          HANDLE,
          TEXT_,
          RKEY,
          REV,
          REPLY_PARENT_URI,
          DELETED,
          LIKES,
          REPOSTS,
          REPLIES,
          QUOTES);

  /** What its values are. */
  enum Kind {
    TEXT,
    /** Microseconds since 1970. */
    TIME,
    NUMBER,
    FLAG,
    /** Of texts. */
    LIST
  }

  private final Kind kind;
  private final String description;
  private final Function<Post, Object> value;

  PostColumn(Kind kind, String description, Function<Post, Object> value) {
    this.kind = kind;
    this.description = description;
    this.value = value;
  }

  private static Function<Post, Object> engagement(ToIntFunction<Engagement> count) {
    return post -> post.engagement() == null ? null : count.applyAsInt(post.engagement());
  }

  /** The query with as many columns of the posts as these need. */
  static PostQuery reading(List<PostColumn> columns, PostQuery query) {
    return ALWAYS_READ.containsAll(columns) ? query : query.withAllColumns();
  }

  Kind kind() {
    return kind;
  }

  String description() {
    return description;
  }

  /** Null where the post has none. */
  Object of(Post post) {
    return value.apply(post);
  }

  /** As parameters, answers and files write it. */
  String label() {
    return name().toLowerCase(Locale.ROOT).replaceFirst("_$", "");
  }

  /**
   * The columns asked for, in that order.
   *
   * @param byDefault where none are
   * @throws ProblemException for one that there is not
   */
  static List<PostColumn> read(Parameters parameters, List<PostColumn> byDefault) {
    String asked = parameters.text("fields").orElse(null);
    if (asked == null) {
      return byDefault;
    }
    if (asked.strip().equals("all")) {
      return ALL;
    }
    Set<PostColumn> columns = new LinkedHashSet<>();
    for (String name : asked.split(",", -1)) {
      columns.add(
          Arrays.stream(values())
              .filter(column -> column.label().equals(name.strip()))
              .findFirst()
              .orElseThrow(
                  () ->
                      new ProblemException(
                          Problem.badParameter(
                              "fields",
                              "There is no column '" + Parameters.shorten(name) + "'.",
                              "Write all, or some of these with commas between: "
                                  + String.join(", ", ALL.stream().map(PostColumn::label).toList())
                                  + "."))));
    }
    return new ArrayList<>(columns);
  }
}
