package routes.archive;

import java.io.File;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.Optional;
import org.apache.iceberg.exceptions.AlreadyExistsException;
import org.apache.iceberg.exceptions.NotFoundException;
import org.apache.iceberg.inmemory.InMemoryInputFile;
import org.apache.iceberg.io.FileIO;
import org.apache.iceberg.io.InputFile;
import org.apache.iceberg.io.OutputFile;
import org.apache.iceberg.io.PositionOutputStream;

/**
 * Iceberg's files on a local disk. What is written is on the disk, not only in its cache, when the
 * file is closed; and what is read is what was written, or the file is named as damaged.
 */
public final class LocalFileIO implements FileIO {

  private static final long serialVersionUID = 1;
  private static final int SHA256_DIGITS = 64;
  private static final String CHECKSUM = ".sha256";

  /** Made by Iceberg, by this class's name. */
  public LocalFileIO() {}

  /** A file of metadata, if it is still what was written; anything else as it is. */
  @Override
  public InputFile newInputFile(String location) {
    Path file = path(location);
    try {
      Optional<String> expected = checksumOf(file);
      if (expected.isEmpty()) {
        return org.apache.iceberg.Files.localInput(location);
      }
      byte[] content = Files.readAllBytes(file);
      if (!Checksum.hex(content).equals(expected.get())) {
        throw new DamagedFile(file, "its content has another SHA-256 than when it was written");
      }
      return new InMemoryInputFile(location, content);
    } catch (NoSuchFileException e) {
      throw new NotFoundException(e, "the file %s is missing", file);
    } catch (IOException e) {
      throw new UncheckedIOException("the file " + file + " cannot be read: " + e.getMessage(), e);
    }
  }

  /** Empty where there is none, or a crash cut it off. */
  private static Optional<String> checksumOf(Path file) throws IOException {
    Path checksum = checksumFile(file);
    if (!Files.exists(checksum)) {
      return Optional.empty();
    }
    String text = Files.readString(checksum);
    return text.length() > SHA256_DIGITS
        ? Optional.of(text.substring(0, SHA256_DIGITS))
        : Optional.empty();
  }

  /** Where the checksum of a file of metadata is. */
  static Path checksumFile(Path file) {
    return file.resolveSibling(file.getFileName() + CHECKSUM);
  }

  static boolean isChecksum(Path file) {
    return file.toString().endsWith(CHECKSUM);
  }

  @Override
  public OutputFile newOutputFile(String location) {
    return new SyncedFile(path(location));
  }

  @Override
  public void deleteFile(String location) {
    try {
      Files.deleteIfExists(path(location));
      Files.deleteIfExists(checksumFile(path(location)));
    } catch (IOException e) {
      throw new UncheckedIOException("cannot delete " + location, e);
    }
  }

  /** Forces a finished file, and its entry in the folder, to the disk. */
  static void sync(Path file) throws IOException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      channel.force(true);
    }
    syncFolder(file);
  }

  private static void syncFolder(Path file) throws IOException {
    try (FileChannel folder = FileChannel.open(file.getParent(), StandardOpenOption.READ)) {
      folder.force(true);
    }
  }

  static Path path(String location) {
    return location.startsWith("file:")
        ? Path.of(java.net.URI.create(location).getPath())
        : Path.of(location);
  }

  private record SyncedFile(Path file) implements OutputFile {

    @Override
    public PositionOutputStream create() {
      try {
        Files.createDirectories(file.getParent());
        Files.createFile(file);
      } catch (FileAlreadyExistsException e) {
        throw new AlreadyExistsException(e, "file exists: %s", file);
      } catch (IOException e) {
        throw new UncheckedIOException("cannot create " + file, e);
      }
      return createOrOverwrite();
    }

    @Override
    public PositionOutputStream createOrOverwrite() {
      try {
        Files.createDirectories(file.getParent());
        return new SyncedStream(file.toFile());
      } catch (IOException e) {
        throw new UncheckedIOException("cannot write " + file, e);
      }
    }

    @Override
    public String location() {
      return file.toString();
    }

    @Override
    public InputFile toInputFile() {
      return org.apache.iceberg.Files.localInput(file.toFile());
    }
  }

  private static final class SyncedStream extends PositionOutputStream {

    private final File file;
    private final FileOutputStream out;
    private final MessageDigest digest = Checksum.sha256();
    private long position;
    private boolean closed;

    SyncedStream(File file) throws IOException {
      this.file = file;
      this.out = new FileOutputStream(file);
    }

    @Override
    public long getPos() {
      return position;
    }

    @Override
    public void write(int b) throws IOException {
      out.write(b);
      digest.update((byte) b);
      position++;
    }

    @Override
    public void write(byte[] bytes, int offset, int length) throws IOException {
      out.write(bytes, offset, length);
      digest.update(bytes, offset, length);
      position += length;
    }

    @Override
    public void close() throws IOException {
      if (!closed) {
        closed = true;
        try (out) {
          out.getChannel().force(true);
        }
        // Not forced: a checksum that a crash cut off is none.
        Files.writeString(
            checksumFile(file.toPath()),
            HexFormat.of().formatHex(digest.digest()) + "  " + file.getName() + "\n");
        syncFolder(file.toPath());
      }
    }
  }
}
