package routes;

import java.io.IOException;
import java.util.Arrays;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.context.properties.ConfigurationPropertiesScan;
import routes.search.SqlWorker;
import routes.wiring.BackupCommand;
import routes.wiring.VerifyCommand;

/** Catches Bluesky's event stream, keeps it, and answers questions about it. */
@SpringBootApplication
@ConfigurationPropertiesScan
public class Explorer {

  /**
   * @param arguments {@code verify} to check an archive and end, {@code backup FOLDER} to keep a
   *     second one as it is now; else properties as Spring Boot reads them
   */
  public static void main(String[] arguments) throws IOException {
    if (arguments.length == 1 && arguments[0].equals(SqlWorker.ARGUMENT)) {
      SqlWorker.run(System.in, System.out);
      return;
    }
    if (arguments.length > 0 && arguments[0].equals("verify")) {
      System.exit(VerifyCommand.run(Arrays.copyOfRange(arguments, 1, arguments.length)));
    }
    if (arguments.length > 0 && arguments[0].equals("backup")) {
      System.exit(BackupCommand.run(Arrays.copyOfRange(arguments, 1, arguments.length)));
    }
    SpringApplication.run(Explorer.class, arguments);
  }
}
