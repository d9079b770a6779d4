package routes.wiring;

import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.apache.camel.CamelContext;
import org.apache.camel.spi.RoutesLoader;
import org.apache.camel.spring.boot.CamelContextConfiguration;
import org.apache.camel.support.PluginHelper;
import org.apache.camel.support.ResourceHelper;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.DisposableBean;
import org.springframework.stereotype.Component;
import routes.jetstream.RootCause;
import routes.wiring.ExplorerProperties.Role;

/**
 * Loads the route files: one for each role from the jar, and those of the operator's folder, which
 * replace the built-in file of the same name or add to them.
 *
 * <p>The folder is looked at every two seconds, by content and not by time, so that it may be a
 * mounted ConfigMap. A file that cannot be loaded is reported, in the log, the health and a metric;
 * what ran before it goes on.
 */
@Component
class RouteFiles implements CamelContextConfiguration, DisposableBean {

  private static final Logger LOG = LoggerFactory.getLogger(RouteFiles.class);

  private static final String SUFFIX = ".camel.yaml";
  private static final long LOOK_SECONDS = 2;

  private final Path folder;
  private final Map<String, String> builtIn = new LinkedHashMap<>();
  private final Map<String, String> running = new HashMap<>();
  private final Map<String, String> refused = new HashMap<>();
  private final Map<String, Set<String>> routeIds = new HashMap<>();
  private final Map<String, String> failures = new ConcurrentHashMap<>();
  private final ScheduledExecutorService watch =
      Executors.newSingleThreadScheduledExecutor(
          Thread.ofPlatform().daemon().name("route-files").factory());

  RouteFiles(ExplorerProperties properties, MeterRegistry registry) {
    this.folder = properties.routesDir();
    for (Role role : Role.values()) {
      String name = role.name().toLowerCase(Locale.ROOT) + SUFFIX;
      if (properties.has(role) && RouteFiles.class.getResource("/routes/" + name) != null) {
        builtIn.put(name, resource(name));
      }
    }
    Gauge.builder("explorer.routes.broken", failures, Map::size)
        .description("Route files of the operator that could not be loaded")
        .register(registry);
  }

  /** Files that could not be loaded, and why. */
  Map<String, String> failures() {
    return new TreeMap<>(failures);
  }

  /** Built-in routes start with the context, under its supervision. */
  @Override
  public void beforeApplicationStart(CamelContext camel) {
    Map<String, String> operators = operators();
    for (var file : builtIn.entrySet()) {
      if (!operators.containsKey(file.getKey())) {
        try {
          loader(camel).loadRoutes(ResourceHelper.fromString(file.getKey(), file.getValue()));
          running.put(file.getKey(), file.getValue());
        } catch (Exception e) {
          throw new IllegalStateException(
              "the route file " + file.getKey() + " cannot be loaded: " + RootCause.message(e), e);
        }
      }
    }
  }

  @Override
  public void afterApplicationStart(CamelContext camel) {
    look(camel);
    watch.scheduleWithFixedDelay(
        () -> lookAgain(camel), LOOK_SECONDS, LOOK_SECONDS, TimeUnit.SECONDS);
  }

  private void lookAgain(CamelContext camel) {
    try {
      if (camel.isStarted()) {
        look(camel);
      }
    } catch (RuntimeException e) {
      LOG.warn("The route files in {} cannot be read: {}", folder, RootCause.message(e));
    }
  }

  private synchronized void look(CamelContext camel) {
    Map<String, String> operators = operators();
    Set<String> names = new TreeSet<>(builtIn.keySet());
    names.addAll(operators.keySet());
    names.addAll(running.keySet());
    names.addAll(failures.keySet());
    for (String name : names) {
      String wanted = operators.getOrDefault(name, builtIn.get(name));
      if (wanted == null) {
        failures.remove(name);
        refused.remove(name);
        if (running.remove(name) != null) {
          remove(camel, routeIds.remove(name));
          LOG.info("Removed the routes of {}", name);
        }
      } else if (wanted.equals(running.get(name))) {
        failures.remove(name);
        refused.remove(name);
      } else if (!wanted.equals(refused.get(name))) {
        replace(camel, name, wanted);
      }
    }
  }

  private void replace(CamelContext camel, String name, String wanted) {
    try {
      update(camel, name, wanted);
      failures.remove(name);
      refused.remove(name);
      LOG.info("Loaded the routes of {}", name);
    } catch (Exception e) {
      failures.put(name, RootCause.message(e));
      refused.put(name, wanted);
      String before = running.getOrDefault(name, builtIn.get(name));
      LOG.error(
          "The route file {} has a mistake, {}: {}",
          name,
          before == null ? "and is left out" : "what ran before it goes on",
          RootCause.message(e));
      if (before != null) {
        try {
          update(camel, name, before);
        } catch (Exception again) {
          throw new IllegalStateException(
              "the routes of " + name + " cannot be restored: " + RootCause.message(again), again);
        }
      }
    }
  }

  private void update(CamelContext camel, String name, String content) throws Exception {
    Set<String> ids = loader(camel).updateRoutes(ResourceHelper.fromString(name, content));
    Set<String> gone = new HashSet<>(routeIds.getOrDefault(name, Set.of()));
    gone.removeAll(ids);
    remove(camel, gone);
    routeIds.put(name, ids);
    running.put(name, content);
  }

  private static void remove(CamelContext camel, Set<String> ids) {
    for (String id : ids == null ? Set.<String>of() : ids) {
      try {
        camel.getRouteController().stopRoute(id);
        camel.removeRoute(id);
      } catch (Exception e) {
        LOG.warn("The route {} cannot be removed: {}", id, RootCause.message(e));
      }
    }
  }

  private Map<String, String> operators() {
    if (!Files.isDirectory(folder)) {
      return Map.of();
    }
    Map<String, String> files = new TreeMap<>();
    try (Stream<Path> list = Files.list(folder)) {
      for (Path file :
          list.filter(path -> path.getFileName().toString().endsWith(SUFFIX)).toList()) {
        files.put(file.getFileName().toString(), Files.readString(file));
      }
    } catch (IOException e) {
      throw new UncheckedIOException("the folder " + folder + " cannot be read", e);
    }
    return files;
  }

  private static RoutesLoader loader(CamelContext camel) {
    return PluginHelper.getRoutesLoader(camel);
  }

  private static String resource(String name) {
    try (InputStream in = RouteFiles.class.getResourceAsStream("/routes/" + name)) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException("the route file " + name + " cannot be read", e);
    }
  }

  @Override
  public void destroy() {
    watch.shutdownNow();
  }
}
