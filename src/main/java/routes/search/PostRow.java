package routes.search;

import java.util.Collection;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Stream;
import org.apache.avro.generic.GenericRecord;

/**
 * A version of a post as the archive holds it: what filters look at, and answers show. Lists are
 * empty where the row has none.
 *
 * @param cid of the record; null where its content is gone
 * @param timeUs when it was seen, microseconds since 1970
 * @param createdAt when the record says it was made; null where that cannot be read
 * @param sortAt the earlier of both
 * @param text null for none
 * @param replyRoot the first post of the thread; null without one, as the two below
 * @param embedKind what is embedded, such as {@code images}; null for nothing
 * @param mediaCount images and videos
 * @param altTexts what its images are said to show
 * @param selfLabels what its author warns of
 */
public record PostRow(
    String did,
    String rkey,
    String operation,
    String rev,
    String cid,
    long timeUs,
    Long createdAt,
    long sortAt,
    String text,
    List<String> langs,
    String replyRoot,
    String replyParent,
    String quote,
    List<String> links,
    List<String> tags,
    List<String> mentions,
    String embedKind,
    int mediaCount,
    List<String> altTexts,
    List<String> selfLabels) {

  /** The columns that answers show, or are sorted by. */
  static final List<String> SHOWN =
      List.of("did", "rkey", "rev", "sort_at", "text", "reply_parent_uri");

  /** The columns that can be looked for. */
  static final List<String> SEARCHED =
      List.of(
          "did",
          "rkey",
          "operation",
          "rev",
          "time_us",
          "created_at",
          "sort_at",
          "text",
          "langs",
          "reply_root_uri",
          "reply_parent_uri",
          "quote_uri",
          "links",
          "tags",
          "mentions",
          "media_count");

  /** All columns. */
  static final List<String> ALL =
      Stream.concat(SEARCHED.stream(), Stream.of("cid", "embed_kind", "alt_texts", "self_labels"))
          .toList();

  /** The row, as far as its columns were read. */
  static PostRow of(GenericRecord row) {
    return of(column -> row.hasField(column) ? row.get(column) : null);
  }

  /**
   * The row, as far as its columns are known.
   *
   * @param columns gives the value of a column; null for one that is not known, and one that has
   *     none
   */
  public static PostRow of(Function<String, Object> columns) {
    Integer media = (Integer) columns.apply("media_count");
    return new PostRow(
        string(columns, "did"),
        string(columns, "rkey"),
        string(columns, "operation"),
        string(columns, "rev"),
        string(columns, "cid"),
        number(columns, "time_us"),
        (Long) columns.apply("created_at"),
        number(columns, "sort_at"),
        string(columns, "text"),
        strings(columns, "langs"),
        string(columns, "reply_root_uri"),
        string(columns, "reply_parent_uri"),
        string(columns, "quote_uri"),
        strings(columns, "links"),
        strings(columns, "tags"),
        strings(columns, "mentions"),
        string(columns, "embed_kind"),
        media == null ? 0 : media,
        strings(columns, "alt_texts"),
        strings(columns, "self_labels"));
  }

  private static long number(Function<String, Object> columns, String column) {
    return columns.apply(column) instanceof Long number ? number : 0;
  }

  private static String string(Function<String, Object> columns, String column) {
    Object value = columns.apply(column);
    return value == null ? null : value.toString();
  }

  private static List<String> strings(Function<String, Object> columns, String column) {
    Object value = columns.apply(column);
    return value == null
        ? List.of()
        : ((Collection<?>) value).stream().map(Object::toString).toList();
  }

  /** Whether it says that a post is gone. */
  boolean isDelete() {
    return operation.equals("delete");
  }

  /** Whether it ends earlier versions of the post. */
  boolean isChange() {
    return !operation.equals("create");
  }

  /** {@code at://did/app.bsky.feed.post/rkey}. */
  public String uri() {
    return "at://" + did + "/app.bsky.feed.post/" + rkey;
  }
}
