package routes.archive;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.util.List;
import java.util.OptionalLong;
import org.apache.avro.generic.GenericRecord;
import routes.jetstream.Tid;

/**
 * What makes an event the same event, however often it comes: the first 128 bits of a SHA-256 over
 * its identity.
 *
 * <p>For a commit that is (did, collection, rkey, operation, rev). For an identity or account event
 * it is (did, kind, its own time) and what it says: two that differ only in their status are two
 * events. Their number at the relay does not count.
 */
record EventKey(long high, long low) {

  private static final List<String> COMMIT =
      List.of("did", "collection", "rkey", "operation", "rev");
  private static final List<String> ACCOUNT =
      List.of("did", "kind", "event_time", "handle", "active", "status", "extra");

  /** Columns that are needed to find the identity of a table's rows. */
  static List<String> columns(TableName table) {
    return switch (table) {
      case DEAD_LETTERS -> List.of("sha256");
      case ACTORS ->
          List.of(
              "did",
              "collection",
              "rkey",
              "operation",
              "rev",
              "kind",
              "event_time",
              "handle",
              "active",
              "status",
              "extra");
      default -> COMMIT;
    };
  }

  static EventKey of(TableName table, GenericRecord row) {
    boolean account = table == TableName.ACTORS && !"commit".equals(row.get("kind"));
    List<String> columns =
        table == TableName.DEAD_LETTERS ? List.of("sha256") : account ? ACCOUNT : COMMIT;
    MessageDigest digest = Checksum.sha256();
    for (String column : columns) {
      Object value = row.get(column);
      byte[] bytes = value == null ? new byte[0] : value.toString().getBytes(UTF_8);
      digest.update(ByteBuffer.allocate(4).putInt(value == null ? -1 : bytes.length).flip());
      digest.update(bytes);
    }
    ByteBuffer hash = ByteBuffer.wrap(digest.digest());
    return new EventKey(hash.getLong(), hash.getLong());
  }

  /**
   * When the event happened by its own account, microseconds since 1970: the same in every copy of
   * it.
   */
  static OptionalLong ownTime(TableName table, GenericRecord row) {
    if (table == TableName.DEAD_LETTERS) {
      return OptionalLong.empty();
    }
    Object rev = row.get("rev");
    if (rev != null) {
      return Tid.timeUs(rev.toString());
    }
    Object time = row.get("event_time");
    return time == null ? OptionalLong.empty() : OptionalLong.of((Long) time);
  }
}
