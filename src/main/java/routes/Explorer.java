package routes;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.context.properties.ConfigurationPropertiesScan;

/** Catches Bluesky's event stream, keeps it, and answers questions about it. */
@SpringBootApplication
@ConfigurationPropertiesScan
public class Explorer {

  public static void main(String[] arguments) {
    SpringApplication.run(Explorer.class, arguments);
  }
}
