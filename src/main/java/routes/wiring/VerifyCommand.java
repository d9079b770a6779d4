package routes.wiring;

import java.io.IOException;
import java.io.PrintStream;
import java.sql.SQLException;
import routes.archive.Verification;

/**
 * {@code verify}: checks an archive from end to end and tells what it found.
 *
 * <p>Beside a running application too; it changes nothing.
 */
public final class VerifyCommand {

  /** The archive is whole. */
  static final int WHOLE = 0;

  /** Something in it is damaged. */
  static final int DAMAGED = 1;

  /** There is no archive where it was looked for. */
  static final int NOTHING_THERE = 2;

  private VerifyCommand() {}

  /**
   * @param arguments properties: {@code --explorer.data-dir=…}
   * @return status for the shell: 0 whole, 1 damaged, 2 no archive there
   */
  public static int run(String... arguments) {
    return CommandProperties.with(arguments, properties -> run(properties, System.out));
  }

  private static int run(ExplorerProperties properties, PrintStream out) {
    out.println("Verifying the archive in " + properties.dataDir().toAbsolutePath().normalize());
    try {
      Verification.Report report =
          new Verification(properties.dataDir(), what -> out.println("  " + what))
              .run(
                  properties.query().memory().toMegabytes() + "MB",
                  Runtime.getRuntime().availableProcessors());
      report.damages().forEach(damage -> out.println("DAMAGE  " + damage));
      report.notes().forEach(note -> out.println("note    " + note));
      out.printf(
          "%s: %d commits, %d files, %d rows, %d bytes, %d CIDs proven and %d left out, %d damages, %d notes, in %.1f s%n",
          report.isWhole() ? "WHOLE" : "DAMAGED",
          report.commits(),
          report.files(),
          report.rows(),
          report.bytes(),
          report.cids(),
          report.leftOutCids(),
          report.damages().size(),
          report.notes().size(),
          report.duration().toMillis() / 1000.0);
      return report.isWhole() ? WHOLE : DAMAGED;
    } catch (IllegalArgumentException e) {
      out.println(e.getMessage());
      return NOTHING_THERE;
    } catch (IOException | SQLException e) {
      out.println("DAMAGE  " + e.getMessage());
      return DAMAGED;
    }
  }
}
