package routes.archive;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * What times the archive covers, as the ledger tells it: facts about connections in, stretches and
 * gaps out. A gap is what no connection has covered; so one that is filled is none any more.
 */
final class Coverage {

  /**
   * Between two events of one connection that are further apart than this, a host sent nothing for
   * so long that it must have been blind. Microseconds.
   */
  static final long BLIND_US = 60_000_000;

  /** How far what a stop says may be from the last event before it. */
  private static final long STOP_US = 5_000_000;

  private final List<Stretch> covered = new ArrayList<>();
  private final List<Stretch> filled = new ArrayList<>();
  private final List<Gap> gaps = new ArrayList<>();
  private final TreeMap<Long, Long> minutes = new TreeMap<>();

  /** A stretch of time, microseconds since 1970; its end is part of it. */
  record Stretch(long fromUs, long toUs) {}

  /** A stretch that nothing covers, between an event before it and one behind it. */
  record Gap(long fromUs, long toUs, Reason reason) {}

  /** Why nothing was received. */
  enum Reason {
    /** Nobody was connected, and when somebody was again, the hosts did not hold it any more. */
    DISCONNECTED,
    /** Somebody was connected, and the host left it out. */
    HOST_BLIND,
    /** Reading had been ended on purpose, and the hosts did not hold it any more. */
    STOPPED
  }

  /** A row of the ledger. Times in microseconds since 1970; 0 where there is none. */
  record Row(
      long minuteUs,
      String connection,
      long firstUs,
      long lastUs,
      long firstReceivedUs,
      long lastReceivedUs,
      long events) {

    private boolean isStop() {
      return connection.equals("stopped");
    }

    private boolean fills() {
      return connection.startsWith("fill:");
    }
  }

  /** What one connection brought without a hole. */
  private record Piece(
      String connection, long fromUs, long toUs, long firstReceivedUs, long lastReceivedUs) {

    private Piece with(Row row) {
      return new Piece(
          connection,
          fromUs,
          Math.max(toUs, row.lastUs),
          Math.min(firstReceivedUs, row.firstReceivedUs),
          Math.max(lastReceivedUs, row.lastReceivedUs));
    }
  }

  Coverage(Collection<Row> rows) {
    Map<String, List<Row>> byConnection = new HashMap<>();
    List<Long> stops = new ArrayList<>();
    for (Row row : rows) {
      minutes.merge(row.minuteUs, row.events, Long::sum);
      if (row.isStop()) {
        stops.add(row.lastUs);
      } else if (row.firstUs > 0) {
        byConnection.computeIfAbsent(row.connection, name -> new ArrayList<>()).add(row);
      }
    }
    List<Piece> pieces = new ArrayList<>();
    List<Piece> read = new ArrayList<>();
    for (List<Row> connection : byConnection.values()) {
      List<Piece> its = pieces(connection);
      pieces.addAll(its);
      if (!connection.get(0).fills()) {
        read.addAll(its);
      }
    }
    pieces.sort(Comparator.comparingLong(Piece::fromUs));
    read.sort(Comparator.comparingLong(Piece::fromUs));
    join(pieces, stops, covered, gaps);
    List<Gap> without = new ArrayList<>();
    join(read, stops, new ArrayList<>(), without);
    for (Gap gap : without) {
      for (Stretch stretch : covered) {
        long from = Math.max(gap.fromUs, stretch.fromUs);
        long to = Math.min(gap.toUs, stretch.toUs);
        if (from < to) {
          filled.add(new Stretch(from, to));
        }
      }
    }
  }

  private static List<Piece> pieces(List<Row> rows) {
    rows.sort(Comparator.comparingLong(Row::firstUs));
    List<Piece> pieces = new ArrayList<>();
    for (Row row : rows) {
      int last = pieces.size() - 1;
      if (last >= 0 && row.firstUs - pieces.get(last).toUs <= BLIND_US) {
        pieces.set(last, pieces.get(last).with(row));
      } else {
        pieces.add(
            new Piece(
                row.connection, row.firstUs, row.lastUs, row.firstReceivedUs, row.lastReceivedUs));
      }
    }
    return pieces;
  }

  private static void join(
      List<Piece> pieces, List<Long> stops, List<Stretch> covered, List<Gap> gaps) {
    Piece reaching = null;
    for (Piece piece : pieces) {
      int last = covered.size() - 1;
      if (reaching == null) {
        covered.add(new Stretch(piece.fromUs, piece.toUs));
      } else if (piece.fromUs <= reaching.toUs) {
        covered.set(
            last, new Stretch(covered.get(last).fromUs, Math.max(reaching.toUs, piece.toUs)));
      } else {
        gaps.add(new Gap(reaching.toUs, piece.fromUs, reason(reaching, piece, stops)));
        covered.add(new Stretch(piece.fromUs, piece.toUs));
      }
      reaching = reaching == null || piece.toUs > reaching.toUs ? piece : reaching;
    }
  }

  private static Reason reason(Piece before, Piece behind, List<Long> stops) {
    if (before.connection.equals(behind.connection)) {
      return Reason.HOST_BLIND;
    }
    long awayUs = behind.firstReceivedUs - before.lastReceivedUs;
    if (awayUs < (behind.fromUs - before.toUs) / 2) {
      return Reason.HOST_BLIND;
    }
    boolean onPurpose =
        stops.stream().anyMatch(at -> at >= before.toUs - STOP_US && at < behind.fromUs);
    return onPurpose ? Reason.STOPPED : Reason.DISCONNECTED;
  }

  List<Stretch> covered() {
    return covered;
  }

  /** What only a reader that fills gaps has brought. */
  List<Stretch> filled() {
    return filled;
  }

  List<Gap> gaps() {
    return gaps;
  }

  /** Events by minute, each once: those stored, and the dead letters. */
  TreeMap<Long, Long> minutes() {
    return minutes;
  }

  /** How much of a stretch is covered, microseconds. */
  long coveredUs(long fromUs, long toUs) {
    long sum = 0;
    for (Stretch stretch : covered) {
      sum += Math.max(0, Math.min(toUs, stretch.toUs) - Math.max(fromUs, stretch.fromUs));
    }
    return sum;
  }
}
