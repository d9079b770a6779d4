package routes.archive;

import java.nio.file.Path;

/** A file of the archive is not what was written. Nothing is written on top of it. */
public final class DamagedFile extends RuntimeException {

  private static final long serialVersionUID = 1;

  DamagedFile(Path file, String how) {
    this(file, how, null);
  }

  DamagedFile(Path file, String how, Throwable cause) {
    super("the file " + file + " is damaged: " + how, cause);
  }
}
