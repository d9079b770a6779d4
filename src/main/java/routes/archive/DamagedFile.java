package routes.archive;

import java.nio.file.Path;
import org.apache.iceberg.exceptions.NotFoundException;

/**
 * A file of the archive is not what was written. Nothing is written on top of it.
 *
 * <p>To Iceberg it is a file that cannot be found: anything else it would try to read again for
 * minutes.
 */
public final class DamagedFile extends NotFoundException {

  private static final long serialVersionUID = 1;

  DamagedFile(Path file, String how) {
    this(file, how, null);
  }

  DamagedFile(Path file, String how, Throwable cause) {
    super(cause, "the file %s is damaged: %s", file, how);
  }
}
