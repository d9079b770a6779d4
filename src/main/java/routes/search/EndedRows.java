package routes.search;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.HashSet;
import java.util.Set;
import java.util.UUID;
import java.util.zip.CRC32;
import java.util.zip.CheckedInputStream;
import java.util.zip.CheckedOutputStream;
import org.apache.lucene.search.DocIdSetIterator;
import org.apache.lucene.util.BitSetIterator;
import org.apache.lucene.util.FixedBitSet;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The rows of a file that a later change has ended, which of them a later version has taken the
 * place of, and the files in which such changes were looked for. Kept beside the index of the file,
 * as a cache of what the data files say.
 *
 * <p>Changed by one thread at a time; {@link #now} is safe for others.
 */
final class EndedRows {

  private static final Logger LOG = LoggerFactory.getLogger(EndedRows.class);

  private static final String NAME = "ended-rows";
  private static final int VERSION = 2;

  /** Each commit changes a little for every file; writing all of it down each time is too much. */
  private static final int WORTH_SAVING = 16;

  private final Path file;
  private final Set<String> lookedIn = new HashSet<>();
  private volatile HiddenRows rows;
  private int unsaved;

  /**
   * Rows that changes end.
   *
   * @param older those of them that a later version has taken the place of
   */
  record Found(Set<Integer> rows, Set<Integer> older) {}

  private EndedRows(Path file, int count) {
    this.file = file;
    this.rows = new HiddenRows(new FixedBitSet(count), new FixedBitSet(count));
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
        lookedIn.add(in.readUTF());
      }
      for (FixedBitSet set : new FixedBitSet[] {rows.ended(), rows.older()}) {
        for (int left = in.readInt(); left > 0; left--) {
          int row = in.readInt();
          if (row < 0 || row >= set.length()) {
            throw new IOException("it names a row that the file has not");
          }
          set.set(row);
        }
      }
      long sum = checked.getChecksum().getValue();
      if (in.readLong() != sum) {
        throw new IOException("its checksum is another");
      }
    }
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
      out.writeInt(lookedIn.size());
      for (String name : lookedIn) {
        out.writeUTF(name);
      }
      for (FixedBitSet set : new FixedBitSet[] {rows.ended(), rows.older()}) {
        out.writeInt(set.cardinality());
        DocIdSetIterator each = new BitSetIterator(set, 0);
        for (int row = each.nextDoc(); row != DocIdSetIterator.NO_MORE_DOCS; row = each.nextDoc()) {
          out.writeInt(row);
        }
      }
      out.writeLong(checked.getChecksum().getValue());
    }
  }

  /** Whether changes in that file have been looked for. */
  boolean lookedIn(String name) {
    return lookedIn.contains(name);
  }

  void lookedInto(String name) {
    unsaved += lookedIn.add(name) ? 1 : 0;
  }

  /** Forgets about files that are gone. */
  void keepOnly(Set<String> names) {
    unsaved += lookedIn.retainAll(names) ? 1 : 0;
  }

  void add(Found more) {
    if (!more.rows().isEmpty()) {
      rows = rows.with(more);
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
}
