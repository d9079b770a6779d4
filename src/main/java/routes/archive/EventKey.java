package routes.archive;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
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

  private static final int KIND = TableName.ACTORS.position("kind");
  private static final int EVENT_TIME = TableName.ACTORS.position("event_time");
  private static final int[] OF_ACCOUNT = positions(TableName.ACTORS, ACCOUNT);

  /** Of the columns that make the identity of a table's rows: looked up once, not for each row. */
  private static final Map<TableName, int[]> POSITIONS = new EnumMap<>(TableName.class);

  /** One for each thread: one for each key would double what a key allocates. */
  private static final ThreadLocal<MessageDigest> SHA256 =
      ThreadLocal.withInitial(Checksum::sha256);

  private static final Map<TableName, Integer> REV = new EnumMap<>(TableName.class);

  static {
    POSITIONS.put(TableName.DEAD_LETTERS, positions(TableName.DEAD_LETTERS, List.of("sha256")));
    for (TableName table : TableName.EVENTS) {
      POSITIONS.put(table, positions(table, COMMIT));
      REV.put(table, table.position("rev"));
    }
  }

  private static int[] positions(TableName table, List<String> columns) {
    return columns.stream().mapToInt(table::position).toArray();
  }

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
    boolean account = table == TableName.ACTORS && !"commit".equals(row.get(KIND));
    int[] columns = account ? OF_ACCOUNT : POSITIONS.get(table);
    byte[][] values = new byte[columns.length][];
    int length = 4 * values.length;
    for (int i = 0; i < values.length; i++) {
      Object value = row.get(columns[i]);
      values[i] = value == null ? null : value.toString().getBytes(UTF_8);
      length += value == null ? 0 : values[i].length;
    }
    ByteBuffer identity = ByteBuffer.allocate(length);
    for (byte[] value : values) {
      identity.putInt(value == null ? -1 : value.length);
      if (value != null) {
        identity.put(value);
      }
    }
    MessageDigest sha256 = SHA256.get();
    // Whatever interrupted the key before.
    sha256.reset();
    ByteBuffer hash = ByteBuffer.wrap(sha256.digest(identity.array()));
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
    Object rev = row.get(REV.get(table));
    if (rev != null) {
      return Tid.timeUs(rev.toString());
    }
    Object time = table == TableName.ACTORS ? row.get(EVENT_TIME) : null;
    return time == null ? OptionalLong.empty() : OptionalLong.of((Long) time);
  }
}
