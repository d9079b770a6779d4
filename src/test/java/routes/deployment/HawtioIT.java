package routes.deployment;

import static org.assertj.core.api.Assertions.assertThat;

import com.microsoft.playwright.Browser;
import com.microsoft.playwright.Locator;
import com.microsoft.playwright.Page;
import com.microsoft.playwright.assertions.LocatorAssertions;
import com.microsoft.playwright.assertions.PlaywrightAssertions;
import com.microsoft.playwright.options.AriaRole;
import java.io.IOException;
import java.net.Inet4Address;
import java.net.NetworkInterface;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.Collections;
import java.util.Optional;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import routes.fixtures.Chromium;
import routes.fixtures.ExplorerProcess;
import routes.fixtures.ExtractedJar;
import routes.oracle.Archived;
import routes.simulator.JetstreamServer;
import routes.simulator.Misbehaviour;
import routes.simulator.World;

/** An operator looks at routes and steers them; a stranger finds nothing. */
@Order(5)
class HawtioIT {

  private static final Path SCREENSHOTS = Path.of("target/screenshots");
  private static final double PATIENCE_MS = 30_000;

  @TempDir Path folder;

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0)) {
      return socket.getLocalPort();
    }
  }

  @Test
  void routesAreSeenStoppedStartedAndTracedByTheOperatorAlone() throws Exception {
    Chromium.assumeInstalled();
    int port = freePort();
    try (JetstreamServer server =
            new JetstreamServer(new World(91, 100), Misbehaviour.NONE, Clock.systemUTC(), 0);
        ExplorerProcess explorer =
            new ExplorerProcess(
                folder,
                ExtractedJar.program(),
                "--spring.profiles.active=hawtio",
                "--management.server.port=" + port,
                "--explorer.jetstream.hosts=" + server.url(),
                "--explorer.jetstream.start=PT10S",
                "--explorer.drain.schedule=0/2 * * * * ?")) {
      explorer.awaitReady();
      Archived.awaitFlow(explorer);
      strangersFindNothing(port, 200);
      strangersFindNothing(URI.create(explorer.address()).getPort(), 404);
      steer("http://localhost:" + port + "/observe/hawtio/");
    }
  }

  private static int ask(String address, int port, String... headers) throws Exception {
    // Java's own client does not let the host be another.
    try (java.net.Socket socket = new java.net.Socket(address, port)) {
      String request =
          "GET /observe/jolokia HTTP/1.1\r\nConnection: close\r\n"
              + String.join("\r\n", headers)
              + "\r\n\r\n";
      socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
      String answer =
          new String(socket.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1);
      return Integer.parseInt(answer.split(" ")[1]);
    }
  }

  private static void strangersFindNothing(int port, int operator) throws Exception {
    String here = "Host: localhost:" + port;
    assertThat(ask("127.0.0.1", port, here)).as("the operator").isEqualTo(operator);
    assertThat(ask("127.0.0.1", port, "Host: evil.example"))
        .as("a name that leads here")
        .isEqualTo(404);
    assertThat(ask("127.0.0.1", port, here, "X-Forwarded-For: 192.0.2.7"))
        .as("through a proxy on this machine")
        .isEqualTo(404);
    assertThat(ask("127.0.0.1", port, here, "Origin: https://evil.example"))
        .as("from a page of somebody else")
        .isEqualTo(404);
    assertThat(ask("127.0.0.1", port, here, "Sec-Fetch-Site: cross-site"))
        .as("from an image in a page of somebody else")
        .isEqualTo(404);
    Optional<String> address = addressOfThisMachine();
    if (address.isPresent()) {
      assertThat(ask(address.get(), port, here)).as("by the network").isEqualTo(404);
    }
  }

  private static Optional<String> addressOfThisMachine() throws IOException {
    for (NetworkInterface each : Collections.list(NetworkInterface.getNetworkInterfaces())) {
      if (each.isUp() && !each.isLoopback()) {
        for (var address : Collections.list(each.getInetAddresses())) {
          if (address instanceof Inet4Address) {
            return Optional.of(address.getHostAddress());
          }
        }
      }
    }
    return Optional.empty();
  }

  private static void steer(String address) throws IOException {
    Files.createDirectories(SCREENSHOTS);
    try (Chromium chromium = new Chromium()) {
      Page page =
          chromium.browser().newPage(new Browser.NewPageOptions().setViewportSize(1400, 900));
      page.setDefaultTimeout(PATIENCE_MS);
      page.navigate(address);
      inTheTree(page, "routes").click();
      Locator row =
          page.getByRole(AriaRole.ROW)
              .filter(new Locator.FilterOptions().setHasText("drain-schedule"));
      awaitText(row, "Started");
      screenshot(page, "hawtio-routes");

      row.getByRole(AriaRole.CHECKBOX).check();
      button(page, "Stop").click();
      awaitText(row, "Stopped");
      screenshot(page, "hawtio-stopped");
      if (!row.getByRole(AriaRole.CHECKBOX).isChecked()) {
        row.getByRole(AriaRole.CHECKBOX).check();
      }
      button(page, "Start").click();
      awaitText(row, "Started");

      inTheTree(page, "drain").click();
      page.getByText("Trace", new Page.GetByTextOptions().setExact(true)).click();
      button(page, "Start Tracing").click();
      Locator message = page.getByRole(AriaRole.ROW).nth(1);
      PlaywrightAssertions.assertThat(message)
          .isVisible(new LocatorAssertions.IsVisibleOptions().setTimeout(PATIENCE_MS));
      screenshot(page, "hawtio-trace");
    }
  }

  private static Locator inTheTree(Page page, String name) {
    return page.getByText(name, new Page.GetByTextOptions().setExact(true)).first();
  }

  private static Locator button(Page page, String name) {
    return page.getByRole(
        AriaRole.BUTTON, new Page.GetByRoleOptions().setName(name).setExact(true));
  }

  private static void awaitText(Locator where, String text) {
    PlaywrightAssertions.assertThat(where)
        .containsText(text, new LocatorAssertions.ContainsTextOptions().setTimeout(PATIENCE_MS));
  }

  private static void screenshot(Page page, String name) {
    page.screenshot(new Page.ScreenshotOptions().setPath(SCREENSHOTS.resolve(name + ".png")));
  }
}
