package routes.archive;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The SHA-256 of files: data files carry it in their name (its first 32 hexadecimal digits), files
 * of metadata have one beside them, as {@code sha256sum -c} reads it.
 */
final class Checksum {

  private static final int DIGITS_IN_NAME = 32;
  private static final int BUFFER = 1 << 18;
  private static final Pattern NAME =
      Pattern.compile(".*-sha256-([0-9a-f]{" + DIGITS_IN_NAME + "})\\.parquet");

  private Checksum() {}

  static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-256", e);
    }
  }

  static String hex(byte[] bytes) {
    return HexFormat.of().formatHex(sha256().digest(bytes));
  }

  static String hex(Path file) throws IOException {
    MessageDigest digest = sha256();
    byte[] buffer = new byte[BUFFER];
    try (InputStream in = Files.newInputStream(file)) {
      for (int read = in.read(buffer); read >= 0; read = in.read(buffer)) {
        digest.update(buffer, 0, read);
      }
    }
    return HexFormat.of().formatHex(digest.digest());
  }

  /**
   * Gives a finished data file its name: what it was called, and its checksum.
   *
   * @param file called {@code something.parquet}
   * @return where it is now
   */
  static Path name(Path file) throws IOException {
    String name = file.getFileName().toString().replace(".parquet", "");
    return Files.move(
        file,
        file.resolveSibling(
            name + "-sha256-" + hex(file).substring(0, DIGITS_IN_NAME) + ".parquet"));
  }

  /** What a data file says of itself; empty for one from before names had it. */
  private static Optional<String> inName(Path file) {
    Matcher name = NAME.matcher(file.getFileName().toString());
    return name.matches() ? Optional.of(name.group(1)) : Optional.empty();
  }

  /**
   * Reads a data file, and compares it with what it says of itself.
   *
   * @throws DamagedFile when it is not there, has another size, or another content
   */
  static void check(ArchiveFile file) throws IOException {
    if (!Files.exists(file.path())) {
      throw new DamagedFile(file.path(), "it is missing");
    }
    long size = Files.size(file.path());
    if (size != file.bytes()) {
      throw new DamagedFile(
          file.path(), "it has " + size + " bytes, and had " + file.bytes() + " at its commit");
    }
    Optional<String> expected = inName(file.path());
    if (expected.isPresent() && !hex(file.path()).startsWith(expected.get())) {
      throw new DamagedFile(
          file.path(), "its content has another SHA-256 than the one in its name");
    }
  }
}
