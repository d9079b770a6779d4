package routes.search;

import java.io.BufferedOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.IntBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.zip.CRC32C;
import java.util.zip.CheckedOutputStream;
import org.apache.lucene.util.FixedBitSet;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import routes.search.Engagement.Kind;

/**
 * The engagement of the rows of a data file of posts, as far as some source files tell it: of each
 * kind the rows that have any, ascending, and how much. Mapped into memory, read only, and safe for
 * several threads.
 */
final class EngagementFile {

  private static final Logger LOG = LoggerFactory.getLogger(EngagementFile.class);

  private static final int VERSION = 1;

  private final Set<String> sources;
  private final Map<Kind, Counts> counts;

  /** Rows, and the count of each. */
  private record Counts(IntBuffer rows, IntBuffer of) {

    private int of(int row) {
      int low = 0;
      int high = rows.limit() - 1;
      while (low <= high) {
        int middle = (low + high) >>> 1;
        int found = rows.get(middle);
        if (found == row) {
          return of.get(middle);
        }
        if (found < row) {
          low = middle + 1;
        } else {
          high = middle - 1;
        }
      }
      return 0;
    }
  }

  private EngagementFile(Set<String> sources, Map<Kind, Counts> counts) {
    this.sources = sources;
    this.counts = counts;
  }

  /**
   * Opens a file, and reads all of it once to see that it is whole.
   *
   * @param rows of the data file
   * @return empty when there is none, or none that can be used
   */
  static Optional<EngagementFile> open(Path file, int rows) {
    try (FileChannel channel = FileChannel.open(file)) {
      return Optional.of(read(channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size()), rows));
    } catch (NoSuchFileException e) {
      return Optional.empty();
    } catch (IOException | BufferUnderflowException | IllegalArgumentException e) {
      LOG.warn("{} is not used, and made anew: {}", file, e.toString());
      return Optional.empty();
    }
  }

  private static EngagementFile read(ByteBuffer in, int rows) throws IOException {
    CRC32C sum = new CRC32C();
    sum.update(in.slice(0, in.limit() - Long.BYTES));
    if (in.getLong(in.limit() - Long.BYTES) != sum.getValue()) {
      throw new IOException("its checksum is another");
    }
    if (in.getInt() != VERSION || in.getInt() != rows) {
      throw new IOException("it is of another version, or another file");
    }
    Set<String> sources = new HashSet<>();
    for (int left = in.getInt(); left > 0; left--) {
      byte[] name = new byte[in.getInt()];
      in.get(name);
      sources.add(new String(name, StandardCharsets.UTF_8));
    }
    Map<Kind, Counts> counts = new EnumMap<>(Kind.class);
    for (Kind kind : Kind.values()) {
      int size = in.getInt();
      counts.put(kind, new Counts(ints(in, size), ints(in, size)));
    }
    return new EngagementFile(sources, counts);
  }

  private static IntBuffer ints(ByteBuffer in, int size) {
    IntBuffer ints = in.slice(in.position(), size * Integer.BYTES).asIntBuffer();
    in.position(in.position() + size * Integer.BYTES);
    return ints;
  }

  /** The files that it tells of. */
  Set<String> sources() {
    return sources;
  }

  Engagement of(int row) {
    return new Engagement(
        of(Kind.LIKES, row), of(Kind.REPOSTS, row), of(Kind.REPLIES, row), of(Kind.QUOTES, row));
  }

  int of(Kind kind, int row) {
    return counts.get(kind).of(row);
  }

  /** The rows that have so much of a kind. */
  FixedBitSet rowsWith(Kind kind, int least, int rows) {
    FixedBitSet found = new FixedBitSet(rows);
    Counts all = counts.get(kind);
    for (int i = 0; i < all.rows.limit(); i++) {
      if (all.of.get(i) >= least) {
        found.set(all.rows.get(i));
      }
    }
    return found;
  }

  /**
   * What several files tell together.
   *
   * @param rows of the data file
   */
  static Builder sumOf(List<EngagementFile> parts, int rows) {
    Set<String> sources = new HashSet<>();
    parts.forEach(part -> sources.addAll(part.sources));
    Builder sum = new Builder(sources, rows);
    for (Kind kind : Kind.values()) {
      int[] all = new int[rows];
      for (EngagementFile part : parts) {
        Counts counts = part.counts.get(kind);
        for (int i = 0; i < counts.rows.limit(); i++) {
          all[counts.rows.get(i)] += counts.of.get(i);
        }
      }
      for (int row = 0; row < rows; row++) {
        sum.add(kind, row, all[row]);
      }
    }
    return sum;
  }

  /** Makes a file. */
  static final class Builder {

    private final Set<String> sources;
    private final int rows;
    private final Map<Kind, Growing> counts = new EnumMap<>(Kind.class);

    private static final class Growing {
      private int[] rows = new int[1024];
      private int[] of = new int[1024];
      private int size;

      private void add(int row, int count) {
        if (size == rows.length) {
          rows = Arrays.copyOf(rows, 2 * size);
          of = Arrays.copyOf(of, 2 * size);
        }
        rows[size] = row;
        of[size++] = count;
      }
    }

    /**
     * @param sources the files that it tells of
     * @param rows of the data file
     */
    Builder(Set<String> sources, int rows) {
      this.sources = Set.copyOf(sources);
      this.rows = rows;
      for (Kind kind : Kind.values()) {
        counts.put(kind, new Growing());
      }
    }

    /** Adds a row, behind all that were added of that kind before. */
    void add(Kind kind, int row, int count) {
      if (count > 0) {
        counts.get(kind).add(row, count);
      }
    }

    /** Puts the file where it belongs, in the place of one that is there. */
    void write(Path file, Path temporaryFolder) throws IOException {
      Files.createDirectories(file.getParent());
      Path temporary = temporaryFolder.resolve("building-" + UUID.randomUUID());
      try {
        CheckedOutputStream checked =
            new CheckedOutputStream(
                new BufferedOutputStream(Files.newOutputStream(temporary)), new CRC32C());
        try (DataOutputStream out = new DataOutputStream(checked)) {
          write(out);
          out.writeLong(checked.getChecksum().getValue());
        }
        Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE);
      } finally {
        Files.deleteIfExists(temporary);
      }
    }

    private void write(DataOutputStream out) throws IOException {
      out.writeInt(VERSION);
      out.writeInt(rows);
      out.writeInt(sources.size());
      for (String source : sources) {
        byte[] name = source.getBytes(StandardCharsets.UTF_8);
        out.writeInt(name.length);
        out.write(name);
      }
      for (Kind kind : Kind.values()) {
        Growing all = counts.get(kind);
        out.writeInt(all.size);
        for (int[] each : new int[][] {all.rows, all.of}) {
          for (int i = 0; i < all.size; i++) {
            out.writeInt(each[i]);
          }
        }
      }
    }
  }
}
