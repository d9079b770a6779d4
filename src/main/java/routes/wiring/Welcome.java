package routes.wiring;

import java.net.URI;
import java.util.Locale;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.boot.context.event.ApplicationReadyEvent;
import org.springframework.boot.web.context.WebServerApplicationContext;
import org.springframework.context.event.EventListener;
import org.springframework.stereotype.Component;
import routes.wiring.ExplorerProperties.Role;

/** Says at the start what this process does, where the data is, and what to open next. */
@Component
class Welcome {

  private static final Logger LOG = LoggerFactory.getLogger(Welcome.class);

  private final ExplorerProperties properties;

  Welcome(ExplorerProperties properties) {
    this.properties = properties;
  }

  @EventListener
  void onReady(ApplicationReadyEvent ready) {
    String base =
        ready.getApplicationContext() instanceof WebServerApplicationContext web
            ? "http://localhost:" + web.getWebServer().getPort()
            : "";
    StringBuilder text = new StringBuilder("\n\n");
    line(
        text,
        "",
        properties.demo()
            ? "Bluesky Post Explorer: DEMO, all data is made up"
            : "Bluesky Post Explorer");
    line(
        text,
        "does",
        properties.roles().stream()
            .map(role -> role.name().toLowerCase(Locale.ROOT))
            .sorted()
            .collect(Collectors.joining(", ")));
    if (properties.has(Role.INGEST)) {
      line(text, "reads", String.join(" or ", properties.jetstream().hosts()));
    }
    if (properties.has(Role.DRAIN)) {
      line(text, "archives", "by the schedule " + properties.drain().schedule());
    }
    line(text, "data", properties.dataDir().toAbsolutePath().normalize().toString());
    line(
        text,
        "buffer",
        properties.redis().url().equals("embedded")
            ? "a Redis server of our own"
            : withoutPassword(properties.redis().url()));
    if (properties.has(Role.QUERY)) {
      line(text, "page", base + "/");
      line(text, "status", base + "/api/v1/status");
      line(
          text,
          "search",
          base
              + "/search?text="
              + (properties.demo() ? "volcano" : "hello")
              + "   (finds what is archived)");
      line(text, "API", base + "/api/v1/openapi.yaml");
    }
    line(text, "health", base + "/observe/health");
    LOG.info("{}", text);
  }

  private static void line(StringBuilder text, String name, String value) {
    text.append(String.format("  %-10s%s%n", name, value));
  }

  private static String withoutPassword(String url) {
    URI uri = URI.create(url);
    return uri.getScheme() + "://" + uri.getHost() + (uri.getPort() > 0 ? ":" + uri.getPort() : "");
  }
}
