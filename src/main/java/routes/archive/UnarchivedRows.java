package routes.archive;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import org.apache.avro.generic.GenericRecord;
import routes.buffer.StoredBlock;
import routes.jetstream.Block;

/** Reads blocks of the buffer as the archive will store them, without storing anything. */
public final class UnarchivedRows {

  private static final EventRows ROWS = new EventRows();

  /** A row, and the table that it will belong to. */
  public record Row(TableName table, GenericRecord values) {}

  private UnarchivedRows() {}

  /** The rows of a block, in order. A frame that cannot be read is a row of the dead letters. */
  public static List<Row> of(StoredBlock stored) {
    return of(stored, frame -> true);
  }

  /** The same of those frames that are wanted. */
  public static List<Row> of(StoredBlock stored, Predicate<byte[]> wanted) {
    Block block = stored.block();
    List<Row> rows = new ArrayList<>();
    for (byte[] frame : block.frames()) {
      if (!wanted.test(frame)) {
        continue;
      }
      routes.archive.Row row;
      try {
        row = ROWS.row(frame, block.host(), block.receivedAt());
      } catch (RuntimeException e) {
        row = EventRows.poison(frame, block.host(), block.receivedAt(), e);
      }
      rows.add(new Row(row.table(), row.values()));
    }
    return rows;
  }
}
