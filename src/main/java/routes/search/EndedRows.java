package routes.search;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.zip.CRC32;
import java.util.zip.CheckedInputStream;
import java.util.zip.CheckedOutputStream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The rows of a file that a later change has ended, which of them a later version has taken the
 * place of, and in which file that change is: so that it is known what was ended at an earlier
 * commit, too. Kept beside the index of the file, as a cache of what the data files say.
 *
 * <p>Changed by one thread at a time; {@link #now} is safe for others.
 */
final class EndedRows {

  private static final Logger LOG = LoggerFactory.getLogger(EndedRows.class);

  private static final String NAME = "ended-rows";
  private static final int VERSION = 3;

  /** Each commit changes a little for every file; writing all of it down each time is too much. */
  private static final int WORTH_SAVING = 16;

  /** Files that are live no more, and remembered all the same: an earlier commit may need them. */
  private static final int FORMER = 1_000;

  private final Path file;

  /** Every file has one for each other; their names are the same strings. */
  private final Map<String, Ended> endedBy = new LinkedHashMap<>();

  private volatile HiddenRows rows;
  private int unsaved;

  /**
   * Rows that changes end.
   *
   * @param older those of them that a later version has taken the place of
   */
  record Found(Set<Integer> rows, Set<Integer> older) {}

  /** The same, in order and in less room. */
  private record Ended(int[] rows, int[] older) {

    /** What most files say of most others. */
    private static final Ended NONE = new Ended(new int[0], new int[0]);

    private static Ended of(int[] rows, int[] older) {
      return rows.length == 0 && older.length == 0 ? NONE : new Ended(rows, older);
    }

    private static Ended of(Found found) {
      return of(sorted(found.rows), sorted(found.older));
    }

    private static int[] sorted(Set<Integer> rows) {
      return rows.stream().mapToInt(Integer::intValue).sorted().toArray();
    }

    private void addTo(HiddenRows hidden) {
      for (int row : rows) {
        hidden.ended().set(row);
      }
      for (int row : older) {
        hidden.older().set(row);
      }
    }
  }

  private EndedRows(Path file, int count) {
    this.file = file;
    this.rows = HiddenRows.none(count);
  }

  /**
   * @param folder of the index
   * @param count rows of the file
   */
  static EndedRows open(Path folder, int count) {
    EndedRows ended = new EndedRows(folder.resolve(NAME), count);
    if (Files.exists(ended.file)) {
      try {
        ended.read();
      } catch (IOException | RuntimeException e) {
        LOG.warn("{} is not used, and made anew: {}", ended.file, e.toString());
        return new EndedRows(folder.resolve(NAME), count);
      }
    }
    return ended;
  }

  private void read() throws IOException {
    CheckedInputStream checked =
        new CheckedInputStream(new BufferedInputStream(Files.newInputStream(file)), new CRC32());
    try (DataInputStream in = new DataInputStream(checked)) {
      if (in.readInt() != VERSION || in.readInt() != rows.ended().length()) {
        throw new IOException("it is of another version, or another file");
      }
      for (int left = in.readInt(); left > 0; left--) {
        String name = in.readUTF();
        Ended ended = Ended.of(readRows(in), readRows(in));
        endedBy.put(name.intern(), ended);
        ended.addTo(rows);
      }
      long sum = checked.getChecksum().getValue();
      if (in.readLong() != sum) {
        throw new IOException("its checksum is another");
      }
    }
  }

  private int[] readRows(DataInputStream in) throws IOException {
    int count = rows.ended().length();
    int[] read = new int[Math.clamp(in.readInt(), 0, count)];
    for (int i = 0; i < read.length; i++) {
      read[i] = in.readInt();
      if (read[i] < 0 || read[i] >= count) {
        throw new IOException("it names a row that the file has not");
      }
    }
    return read;
  }

  /** Writes down what has come since the last time, if it is worth it by now. */
  void save() throws IOException {
    if (unsaved >= WORTH_SAVING) {
      saveAll();
    }
  }

  /** Writes down what has come since the last time. */
  void saveAll() throws IOException {
    if (unsaved == 0) {
      return;
    }
    Path temporary = file.resolveSibling(NAME + "-" + UUID.randomUUID());
    try {
      write(temporary);
      Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE);
    } finally {
      Files.deleteIfExists(temporary);
    }
    unsaved = 0;
  }

  private void write(Path to) throws IOException {
    CheckedOutputStream checked =
        new CheckedOutputStream(new BufferedOutputStream(Files.newOutputStream(to)), new CRC32());
    try (DataOutputStream out = new DataOutputStream(checked)) {
      out.writeInt(VERSION);
      out.writeInt(rows.ended().length());
      out.writeInt(endedBy.size());
      for (Map.Entry<String, Ended> ended : endedBy.entrySet()) {
        out.writeUTF(ended.getKey());
        for (int[] each : new int[][] {ended.getValue().rows, ended.getValue().older}) {
          out.writeInt(each.length);
          for (int row : each) {
            out.writeInt(row);
          }
        }
      }
      out.writeLong(checked.getChecksum().getValue());
    }
  }

  /** Whether changes in that file have been looked for. */
  boolean lookedIn(String name) {
    return endedBy.containsKey(name);
  }

  /**
   * Takes down what the changes in a file end.
   *
   * @param name of that file
   */
  void add(String name, Found found) throws IOException {
    endedBy.put(name.intern(), Ended.of(found));
    if (!found.rows().isEmpty()) {
      rows = rows.with(found);
    }
    unsaved++;
  }

  /** Forgets about files that are gone for long. */
  void forgetFormer(Set<String> live) {
    List<String> former = endedBy.keySet().stream().filter(name -> !live.contains(name)).toList();
    for (String name : former.subList(0, Math.max(0, former.size() - FORMER))) {
      endedBy.remove(name);
      unsaved++;
    }
  }

  /** Whether a row is known to be ended; by a later version, where that is asked for. */
  boolean contains(int row, boolean byVersion) {
    HiddenRows known = rows;
    return byVersion ? known.older().get(row) : known.ended().get(row);
  }

  /** The rows as known now; never changed afterwards. */
  HiddenRows now() {
    return rows;
  }

  /** The rows that changes in these files end. */
  HiddenRows by(Set<String> names) {
    HiddenRows hidden = HiddenRows.none(rows.ended().length());
    for (Map.Entry<String, Ended> ended : endedBy.entrySet()) {
      if (names.contains(ended.getKey())) {
        ended.getValue().addTo(hidden);
      }
    }
    return hidden;
  }
}
