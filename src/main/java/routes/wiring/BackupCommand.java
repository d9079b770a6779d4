package routes.wiring;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.Arrays;
import java.util.List;
import routes.archive.Backup;

/**
 * {@code backup FOLDER}: makes a backup of the archive in a folder, or brings it up to date.
 *
 * <p>Beside a running application too; it changes nothing in the archive.
 */
public final class BackupCommand {

  /** The backup is as the archive was. */
  static final int DONE = 0;

  /** It could not be made. */
  static final int FAILED = 1;

  /** It is not clear of what, or where to. */
  static final int MISUSED = 2;

  private BackupCommand() {}

  /**
   * @param arguments the folder, and properties: {@code --explorer.data-dir=…}
   * @return status for the shell: 0 done, 1 failed, 2 no archive there, or no folder for a backup
   */
  public static int run(String... arguments) {
    return run(System.out, arguments);
  }

  static int run(PrintStream out, String... arguments) {
    List<String> folders =
        Arrays.stream(arguments).filter(argument -> !argument.startsWith("-")).toList();
    if (folders.size() != 1) {
      out.println("Name one folder for the backup: backup FOLDER --explorer.data-dir=…");
      return MISUSED;
    }
    String[] properties =
        Arrays.stream(arguments)
            .filter(argument -> argument.startsWith("-"))
            .toArray(String[]::new);
    return CommandProperties.with(
        properties, found -> run(out, found.dataDir(), Path.of(folders.get(0))));
  }

  private static int run(PrintStream out, Path dataFolder, Path folder) {
    try {
      Backup.Report report = new Backup(dataFolder, folder).run();
      out.println("Backup in " + folder.toAbsolutePath().normalize() + ": " + report);
      return DONE;
    } catch (IllegalArgumentException e) {
      out.println(e.getMessage());
      return MISUSED;
    } catch (IOException | SQLException e) {
      out.println("The backup failed: " + e);
      return FAILED;
    }
  }
}
