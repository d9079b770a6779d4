package routes.archive;

import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.EnumMap;
import java.util.Map;
import java.util.OptionalLong;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericRecord;
import routes.jetstream.Event;
import routes.jetstream.EventReader;
import routes.jetstream.Json;
import routes.jetstream.UnreadableFrame;

/** Turns frames into rows: of the table that the event belongs to, or of {@code dead_letters}. */
final class EventRows implements Batch.Frames {

  /** The reason of a frame that our own code fails at. */
  static final String POISON = "poison";

  private static final int KIND = TableName.ACTORS.position("kind");
  private static final RecordColumns IDENTITY =
      new RecordColumns(TableName.ACTORS.schema(), "identity");
  private static final RecordColumns ACCOUNT =
      new RecordColumns(TableName.ACTORS.schema(), "account");
  private static final Map<TableName, Columns> COLUMNS = new EnumMap<>(TableName.class);

  static {
    for (TableName table : TableName.EVENTS) {
      COLUMNS.put(table, new Columns(table));
    }
  }

  private static final Columns ACTORS = COLUMNS.get(TableName.ACTORS);

  /** Where the columns of a table are: looked up by name once, and not for each event. */
  private static final class Columns {

    private final TableName table;
    private final RecordColumns record;
    private final int did;
    private final int collection;
    private final int rkey;
    private final int operation;
    private final int rev;
    private final int cid;
    private final int timeUs;
    private final int createdAt;
    private final int sortAt;
    private final int envelope;

    Columns(TableName table) {
      this.table = table;
      this.record = new RecordColumns(table.schema(), "record");
      this.did = table.position("did");
      this.collection = table.position("collection");
      this.rkey = table.position("rkey");
      this.operation = table.position("operation");
      this.rev = table.position("rev");
      this.cid = table.position("cid");
      this.timeUs = table.position("time_us");
      this.createdAt = table.position("created_at");
      this.sortAt = table.position("sort_at");
      this.envelope = table.position("envelope");
    }
  }

  /**
   * @param host that sent the frame
   * @param receivedAt by our clock
   */
  @Override
  public Row row(byte[] frame, String host, Instant receivedAt) {
    Event event;
    try {
      event = EventReader.read(frame);
    } catch (UnreadableFrame e) {
      return deadLetter(frame, host, receivedAt, e.reason().label(), e.getMessage());
    }
    if (event instanceof Event.Commit commit) {
      return commit(commit);
    }
    if (event instanceof Event.Identity identity) {
      return account(event, "identity", IDENTITY, identity.identity());
    }
    return account(event, "account", ACCOUNT, ((Event.Account) event).account());
  }

  private static Row commit(Event.Commit commit) {
    TableName table = TableName.ofCollection(commit.collection());
    Columns columns = COLUMNS.get(table);
    GenericRecord row = start(columns, commit);
    if (table == TableName.ACTORS) {
      row.put(KIND, "commit");
    }
    row.put(columns.collection, commit.collection());
    row.put(columns.rkey, commit.rkey());
    row.put(columns.operation, commit.operation().wireName());
    row.put(columns.rev, commit.rev());
    row.put(columns.cid, commit.cid());
    row.put(columns.sortAt, commit.timeUs());
    if (commit.record() != null) {
      var createdAt = commit.record().get("createdAt");
      OptionalLong created =
          createdAt != null && createdAt.isTextual()
              ? Times.parse(createdAt.textValue())
              : OptionalLong.empty();
      if (created.isPresent()) {
        row.put(columns.createdAt, created.getAsLong());
      }
      if (createdAt != null) {
        row.put(columns.sortAt, Math.min(created.orElse(0), commit.timeUs()));
      }
      if (table == TableName.POSTS) {
        PostFeatures.fill(row, commit.record());
      }
      columns.record.fill(row, commit.record());
    }
    return new Row(table, row);
  }

  private static Row account(
      Event event,
      String kind,
      RecordColumns payloadColumns,
      com.fasterxml.jackson.databind.node.ObjectNode payload) {
    GenericRecord row = start(ACTORS, event);
    row.put(KIND, kind);
    row.put(ACTORS.sortAt, event.timeUs());
    payloadColumns.fill(row, payload);
    return new Row(TableName.ACTORS, row);
  }

  private static GenericRecord start(Columns columns, Event event) {
    GenericRecord row = new GenericData.Record(columns.table.schema());
    row.put(columns.did, event.did());
    row.put(columns.timeUs, event.timeUs());
    row.put(columns.envelope, event.unknown() == null ? null : Json.write(event.unknown()));
    return row;
  }

  /** A dead letter for a frame that cannot be processed, through a mistake of ours. */
  static Row poison(byte[] frame, String host, Instant receivedAt, Throwable failure) {
    return deadLetter(
        frame, host, receivedAt, POISON, "processing it failed: " + failure.toString());
  }

  private static Row deadLetter(
      byte[] frame, String host, Instant receivedAt, String reason, String detail) {
    GenericRecord row = new GenericData.Record(TableName.DEAD_LETTERS.schema());
    row.put("time_us", Times.micros(receivedAt));
    row.put("host", host);
    row.put("reason", reason);
    row.put("detail", Json.isUnicode(detail) ? detail : Json.write(Json.object().textNode(detail)));
    row.put("sha256", Checksum.hex(frame));
    row.put("bytes", ByteBuffer.wrap(frame));
    return new Row(TableName.DEAD_LETTERS, row);
  }
}
