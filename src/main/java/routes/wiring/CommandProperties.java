package routes.wiring;

import java.util.Map;
import java.util.function.ToIntFunction;
import org.springframework.boot.Banner;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Configuration;

/** The properties as the application reads them, for a command that needs nothing else of it. */
@Configuration(proxyBeanMethods = false)
@EnableConfigurationProperties(ExplorerProperties.class)
class CommandProperties {

  /** Gives the status that the command ends with. */
  static int with(String[] arguments, ToIntFunction<ExplorerProperties> command) {
    try (ConfigurableApplicationContext context =
        new SpringApplicationBuilder(CommandProperties.class)
            .web(WebApplicationType.NONE)
            .bannerMode(Banner.Mode.OFF)
            .logStartupInfo(false)
            .properties(Map.of("logging.level.root", "WARN"))
            .run(arguments)) {
      return command.applyAsInt(context.getBean(ExplorerProperties.class));
    }
  }
}
