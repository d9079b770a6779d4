package routes.search;

import java.util.Collection;
import java.util.List;
import org.apache.avro.generic.GenericRecord;

/**
 * A version of a post as the archive holds it: what filters look at, and answers show. Lists are
 * empty where the row has none.
 *
 * @param timeUs when it was seen, microseconds since 1970
 * @param createdAt when the record says it was made; null where that cannot be read
 * @param sortAt the earlier of both
 * @param text null for none
 * @param replyRoot the first post of the thread; null without one, as the two below
 */
record PostRow(
    String did,
    String rkey,
    String operation,
    String rev,
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
    int mediaCount) {

  /** The columns that answers show, or are sorted by. */
  static final List<String> SHOWN =
      List.of("did", "rkey", "rev", "sort_at", "text", "reply_parent_uri");

  /** All columns that {@link #of} knows. */
  static final List<String> COLUMNS =
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

  /** The row, as far as its columns were read. */
  static PostRow of(GenericRecord row) {
    Integer media = (Integer) value(row, "media_count");
    return new PostRow(
        string(row, "did"),
        string(row, "rkey"),
        string(row, "operation"),
        string(row, "rev"),
        number(row, "time_us"),
        (Long) value(row, "created_at"),
        number(row, "sort_at"),
        string(row, "text"),
        strings(row, "langs"),
        string(row, "reply_root_uri"),
        string(row, "reply_parent_uri"),
        string(row, "quote_uri"),
        strings(row, "links"),
        strings(row, "tags"),
        strings(row, "mentions"),
        media == null ? 0 : media);
  }

  /** A row of which only that is known. */
  static PostRow ofValues(
      String did,
      String text,
      List<String> langs,
      List<String> links,
      List<String> tags,
      List<String> mentions,
      String replyParent,
      String quote,
      int mediaCount) {
    return new PostRow(
        did,
        null,
        null,
        null,
        0,
        null,
        0,
        text,
        langs,
        null,
        replyParent,
        quote,
        links,
        tags,
        mentions,
        mediaCount);
  }

  /** Null for a column that was not read, as for one that has none. */
  private static Object value(GenericRecord row, String column) {
    return row.hasField(column) ? row.get(column) : null;
  }

  private static long number(GenericRecord row, String column) {
    return value(row, column) instanceof Long number ? number : 0;
  }

  private static String string(GenericRecord row, String column) {
    Object value = value(row, column);
    return value == null ? null : value.toString();
  }

  private static List<String> strings(GenericRecord row, String column) {
    Object value = value(row, column);
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

  String uri() {
    return "at://" + did + "/app.bsky.feed.post/" + rkey;
  }
}
