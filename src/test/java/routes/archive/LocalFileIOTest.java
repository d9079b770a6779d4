package routes.archive;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import org.apache.iceberg.exceptions.AlreadyExistsException;
import org.apache.iceberg.exceptions.NotFoundException;
import org.apache.iceberg.io.OutputFile;
import org.apache.iceberg.io.PositionOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LocalFileIOTest {

  @TempDir Path folder;

  private final LocalFileIO io = new LocalFileIO();

  private Path write(String name, String text) throws IOException {
    Path file = folder.resolve(name);
    try (PositionOutputStream out = io.newOutputFile(file.toString()).create()) {
      byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
      out.write(bytes[0]);
      assertThat(out.getPos()).isEqualTo(1);
      out.write(bytes, 1, bytes.length - 1);
      assertThat(out.getPos()).isEqualTo(bytes.length);
      out.close();
    }
    return file;
  }

  private String read(Path file) throws IOException {
    try (InputStream in = io.newInputFile(file.toString()).newStream()) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  @Test
  void givesBackWhatWasWritten() throws Exception {
    Path file = write("new/folder/a.json", "hello");
    assertThat(read(file)).isEqualTo("hello");
    assertThat(io.newInputFile(file.toString()).getLength()).isEqualTo(5);
    assertThat(Files.readString(LocalFileIO.checksumFile(file)))
        .isEqualTo("2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824  a.json\n");
  }

  @Test
  void namesAFileThatIsNotWhatWasWritten() throws Exception {
    Path file = write("a.json", "hello");
    Files.writeString(file, "hallo");
    assertThatThrownBy(() -> read(file))
        .isInstanceOf(DamagedFile.class)
        .hasMessageContaining(file.toString())
        .hasMessageContaining("damaged");
  }

  @Test
  void aChecksumThatWasCutOffIsNone() throws Exception {
    Path file = write("a.json", "hello");
    Files.writeString(file, "hallo");
    Files.writeString(LocalFileIO.checksumFile(file), "2cf24dba5fb0a30e");
    assertThat(read(file)).isEqualTo("hallo");
    Files.delete(LocalFileIO.checksumFile(file));
    assertThat(read(file)).isEqualTo("hallo");
  }

  @Test
  void saysWhenAFileIsMissing() throws Exception {
    Path file = write("a.json", "hello");
    Files.delete(file);
    assertThatThrownBy(() -> read(file))
        .isInstanceOf(NotFoundException.class)
        .hasMessageContaining(file.toString());
  }

  @Test
  void overwritesOnlyWhenToldTo() throws Exception {
    Path file = write("a.json", "hello");
    OutputFile again = io.newOutputFile(file.toString());
    assertThatThrownBy(again::create).isInstanceOf(AlreadyExistsException.class);
    try (PositionOutputStream out = again.createOrOverwrite()) {
      out.write("other".getBytes(StandardCharsets.UTF_8));
    }
    assertThat(read(file)).isEqualTo("other");
    assertThat(again.location()).isEqualTo(file.toString());
    assertThat(again.toInputFile().getLength()).isEqualTo(5);
  }

  @Test
  void deletesTheChecksumToo() throws Exception {
    Path file = write("a.json", "hello");
    io.deleteFile(file.toString());
    assertThat(file).doesNotExist();
    assertThat(LocalFileIO.checksumFile(file)).doesNotExist();
    io.deleteFile(file.toString());
  }

  @Test
  void understandsFileUris() {
    assertThat(LocalFileIO.path("file:/a/b c".replace(" ", "%20"))).isEqualTo(Path.of("/a/b c"));
    assertThat(LocalFileIO.path("/a/b%20c")).isEqualTo(Path.of("/a/b%20c"));
  }

  @Test
  void aDataFileSaysOfItselfWhatItHolds() throws Exception {
    Path file = Files.writeString(folder.resolve("batch-1.parquet"), "hello");
    Path named = Checksum.name(file);
    assertThat(file).doesNotExist();
    assertThat(named.getFileName())
        .hasToString("batch-1-sha256-2cf24dba5fb0a30e26e83b2ac5b9e29e.parquet");
    Checksum.check(archiveFile(named, 5));
    assertThatThrownBy(() -> Checksum.check(archiveFile(named, 6)))
        .isInstanceOf(DamagedFile.class)
        .hasMessageContaining("it has 5 bytes, and had 6");
    Files.writeString(named, "hallo");
    assertThatThrownBy(() -> Checksum.check(archiveFile(named, 5)))
        .isInstanceOf(DamagedFile.class)
        .hasMessageContaining("another SHA-256");
    Path unnamed = Files.writeString(folder.resolve("old.parquet"), "x");
    Checksum.check(archiveFile(unnamed, 1));
    Files.delete(unnamed);
    assertThatThrownBy(() -> Checksum.check(archiveFile(unnamed, 1)))
        .hasMessageContaining("missing");
  }

  private static ArchiveFile archiveFile(Path path, long bytes) {
    return new ArchiveFile(
        path,
        LocalDate.of(2026, 7, 4),
        1,
        bytes,
        new ArchiveFile.Range(null, null, null, null, null, null));
  }

  @Test
  void aFileMayHoldWhatItsBoundsAllow() {
    ArchiveFile file =
        new ArchiveFile(
            Path.of("x"),
            LocalDate.of(2026, 7, 4),
            1,
            1,
            new ArchiveFile.Range(1L, 2L, "d", "m", 1L, 2L));
    assertThat(file.mayHoldRev("a", "c")).isFalse();
    assertThat(file.mayHoldRev("a", "d")).isTrue();
    assertThat(file.mayHoldRev("e", "f")).isTrue();
    assertThat(file.mayHoldRev("m", "z")).isTrue();
    assertThat(file.mayHoldRev("n", "z")).isFalse();
    assertThat(archiveFile(Path.of("y"), 1).mayHoldRev("a", "a")).isTrue();
  }
}
