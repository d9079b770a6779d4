package routes.archive;

import static java.util.Objects.requireNonNull;

import java.util.OptionalLong;
import org.apache.avro.generic.GenericRecord;

/** A row, and the table that it belongs to. */
final class Row {

  private final TableName table;
  private final GenericRecord values;
  private EventKey key;
  private OptionalLong ownTime;
  private long timeUs = -1;

  Row(TableName table, GenericRecord values) {
    this.table = requireNonNull(table, "table");
    this.values = requireNonNull(values, "values");
  }

  TableName table() {
    return table;
  }

  GenericRecord values() {
    return values;
  }

  /** Works out what is asked for later, in the thread that has made it. */
  Row prepared() {
    key();
    ownTime();
    timeUs();
    return this;
  }

  /** By which the event is known. */
  EventKey key() {
    if (key == null) {
      key = EventKey.of(table, values);
    }
    return key;
  }

  /** {@link EventKey#ownTime}. */
  OptionalLong ownTime() {
    if (ownTime == null) {
      ownTime = EventKey.ownTime(table, values);
    }
    return ownTime;
  }

  long timeUs() {
    if (timeUs < 0) {
      timeUs = (Long) values.get("time_us");
    }
    return timeUs;
  }

  /** Why it is a dead letter. */
  String reason() {
    return (String) values.get("reason");
  }
}
