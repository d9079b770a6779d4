package routes.archive;

import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericRecord;
import routes.jetstream.Block;

/**
 * What a batch adds to the ledger: a line for every minute in which events happened and every
 * connection that brought them.
 *
 * <p>The times that a line covers are those at which the connection had arrived when it brought the
 * events. A single event with another time, early or late, counts, and covers nothing: it does not
 * show that its neighbours came too.
 */
final class LedgerLines {

  private final Map<Key, Line> lines = new LinkedHashMap<>();
  private final Map<String, Flow> flows = new HashMap<>();

  private record Key(Instant minute, String host, String connection) {}

  /** One minute of one connection. */
  static final class Line {

    private final boolean continues;
    private final Instant firstReceived;
    private Instant lastReceived;
    private long firstTimeUs;
    private long lastTimeUs;
    private long events;
    private long stored;
    private long duplicates;
    private long deadLetters;

    private Line(boolean continues, Instant received) {
      this.continues = continues;
      this.firstReceived = received;
    }

    void stored() {
      stored++;
    }

    void duplicate() {
      duplicates++;
    }

    void deadLetter() {
      deadLetters++;
    }

    private void covers(long timeUs) {
      firstTimeUs = firstTimeUs == 0 ? timeUs : Math.min(firstTimeUs, timeUs);
      lastTimeUs = Math.max(lastTimeUs, timeUs);
    }
  }

  /** Where a connection has arrived. */
  private static final class Flow {

    private long atUs;
    private long strayUs;

    /** Whether the connection has arrived at that time; one event alone does not move it far. */
    boolean reaches(long timeUs) {
      if (atUs == 0 || near(atUs, timeUs)) {
        atUs = Math.max(atUs, timeUs);
        return true;
      }
      if (near(strayUs, timeUs)) {
        atUs = timeUs;
        return true;
      }
      strayUs = timeUs;
      return false;
    }

    private static boolean near(long one, long other) {
      return Math.abs(one - other) <= Coverage.BLIND_US;
    }
  }

  /**
   * Counts an event or a frame, and gives the line that is to know what became of it.
   *
   * @param timeUs the event's {@code time_us}; 0 for a frame without one
   */
  Line received(Block block, long timeUs) {
    Flow flow = flows.computeIfAbsent(block.connection(), connection -> new Flow());
    boolean canBeTrue =
        block.firstTimeUs() > 0 && timeUs >= block.firstTimeUs() && timeUs <= block.lastTimeUs();
    boolean reached = canBeTrue && flow.reaches(timeUs);
    long at = canBeTrue ? timeUs : flow.atUs > 0 ? flow.atUs : block.lastTimeUs();
    Line line = line(block, at > 0 ? Times.instant(at) : block.receivedAt());
    line.events++;
    if (reached) {
      line.covers(timeUs);
    }
    return line;
  }

  /** Takes down that reading was ended on purpose. */
  void stopped(Block block) {
    long at = block.lastTimeUs();
    line(block, at > 0 ? Times.instant(at) : block.receivedAt()).lastTimeUs = at;
  }

  private Line line(Block block, Instant at) {
    Key key = new Key(at.truncatedTo(ChronoUnit.MINUTES), block.host(), block.connection());
    Line line =
        lines.computeIfAbsent(key, unknown -> new Line(block.continues(), block.receivedAt()));
    line.lastReceived = block.receivedAt();
    return line;
  }

  List<GenericRecord> rows() {
    List<GenericRecord> rows = new ArrayList<>(lines.size());
    lines.forEach((key, line) -> rows.add(row(key, line)));
    return rows;
  }

  private static GenericRecord row(Key key, Line line) {
    GenericRecord row = new GenericData.Record(TableName.LEDGER.schema());
    row.put("time_us", Times.micros(key.minute));
    row.put("host", key.host);
    row.put("connection", key.connection);
    row.put("continues", line.continues);
    row.put("first_time_us", line.firstTimeUs == 0 ? null : line.firstTimeUs);
    row.put("last_time_us", line.lastTimeUs == 0 ? null : line.lastTimeUs);
    row.put("first_received", Times.micros(line.firstReceived));
    row.put("last_received", Times.micros(line.lastReceived));
    row.put("events", line.events);
    row.put("stored", line.stored);
    row.put("duplicates", line.duplicates);
    row.put("dead_letters", line.deadLetters);
    return row;
  }
}
