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

  private static final RecordColumns IDENTITY =
      new RecordColumns(TableName.ACTORS.schema(), "identity");
  private static final RecordColumns ACCOUNT =
      new RecordColumns(TableName.ACTORS.schema(), "account");
  private static final Map<TableName, RecordColumns> RECORD = new EnumMap<>(TableName.class);

  static {
    for (TableName table : TableName.EVENTS) {
      RECORD.put(table, new RecordColumns(table.schema(), "record"));
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
    GenericRecord row = start(table, commit);
    if (table == TableName.ACTORS) {
      row.put("kind", "commit");
    }
    row.put("collection", commit.collection());
    row.put("rkey", commit.rkey());
    row.put("operation", commit.operation().wireName());
    row.put("rev", commit.rev());
    row.put("cid", commit.cid());
    row.put("sort_at", commit.timeUs());
    if (commit.record() != null) {
      var createdAt = commit.record().get("createdAt");
      OptionalLong created =
          createdAt != null && createdAt.isTextual()
              ? Times.parse(createdAt.textValue())
              : OptionalLong.empty();
      if (created.isPresent()) {
        row.put("created_at", created.getAsLong());
      }
      if (createdAt != null) {
        row.put("sort_at", Math.min(created.orElse(0), commit.timeUs()));
      }
      if (table == TableName.POSTS) {
        PostFeatures.fill(row, commit.record());
      }
      RECORD.get(table).fill(row, commit.record());
    }
    return new Row(table, row);
  }

  private static Row account(
      Event event,
      String kind,
      RecordColumns columns,
      com.fasterxml.jackson.databind.node.ObjectNode payload) {
    GenericRecord row = start(TableName.ACTORS, event);
    row.put("kind", kind);
    row.put("sort_at", event.timeUs());
    columns.fill(row, payload);
    return new Row(TableName.ACTORS, row);
  }

  private static GenericRecord start(TableName table, Event event) {
    GenericRecord row = new GenericData.Record(table.schema());
    row.put("did", event.did());
    row.put("time_us", event.timeUs());
    row.put("envelope", event.unknown() == null ? null : Json.write(event.unknown()));
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
