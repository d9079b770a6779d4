package routes.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static routes.fixtures.Frames.ALICE;
import static routes.fixtures.Frames.BOB;
import static routes.fixtures.Frames.identity;
import static routes.fixtures.Frames.post;
import static routes.fixtures.Frames.record;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.microsoft.playwright.Browser;
import com.microsoft.playwright.Download;
import com.microsoft.playwright.Locator;
import com.microsoft.playwright.Page;
import com.microsoft.playwright.options.ColorScheme;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import routes.fixtures.Chromium;
import routes.fixtures.ExplorerProcess;
import routes.fixtures.ScriptedJetstream;

/**
 * The page in a real Chromium, with hostile posts among the others; skipped where there is none.
 * Screenshots are left in {@code target/screenshots}.
 */
class ExplorerPageIT {

  private static final Path SCREENSHOTS = Path.of("target/screenshots");
  private static final String ZALGO = "z" + "\u0323\u0307\u0489".repeat(400);

  private static final List<String> HOSTILE =
      List.of(
          "<script>window.hurt = true</script><img src=x onerror='window.hurt = true'>",
          "\u202egnihton si siht\u202c and <b>this is not bold</b>",
          "😀".repeat(3000),
          ZALGO,
          "a".repeat(3000));

  @TempDir static Path folder;

  private static ScriptedJetstream jetstream;
  private static ExplorerProcess explorer;
  private static Chromium chromium;

  @BeforeAll
  static void start() throws Exception {
    Chromium.assumeInstalled();
    Files.createDirectories(SCREENSHOTS);
    List<byte[]> frames = new ArrayList<>();
    frames.add(identity(ALICE, 1, "alice.test"));
    for (int i = 0; i < 90; i++) {
      ObjectNode record =
          record(
              60_000L * i,
              (i % 3 == 0 ? "A volcano, " : "Some coffee, ") + "number " + i + " #sky");
      ArrayNode langs = record.putArray("langs");
      langs.add(i % 2 == 0 ? "en" : "pt");
      frames.add(post(i % 2 == 0 ? ALICE : BOB, 60_000L * i, record));
    }
    for (int i = 0; i < HOSTILE.size(); i++) {
      long millis = 60_000L * 95 + i;
      frames.add(post(BOB, millis, record(millis, "hostile " + HOSTILE.get(i))));
    }
    jetstream = ScriptedJetstream.sending(frames);
    explorer =
        new ExplorerProcess(
                folder,
                "--explorer.jetstream.hosts=" + jetstream.url(),
                "--explorer.drain.schedule=* * * * * ?")
            .awaitReady();
    await()
        .atMost(Duration.ofMinutes(1))
        .until(() -> explorer.json("/search").at("/meta/count").asInt() == 90 + HOSTILE.size());
    chromium = new Chromium();
  }

  @AfterAll
  static void end() {
    for (AutoCloseable each : new AutoCloseable[] {chromium, explorer, jetstream}) {
      if (each != null) {
        try {
          each.close();
        } catch (Exception e) {
          throw new IllegalStateException(e);
        }
      }
    }
  }

  /** A window on the page, and whatever it complains about. */
  private static final class Window implements AutoCloseable {

    private final Page page;
    private final List<String> complaints = new ArrayList<>();

    Window(int width, int height, ColorScheme colours, String question) {
      page =
          chromium
              .browser()
              .newPage(
                  new Browser.NewPageOptions()
                      .setViewportSize(width, height)
                      .setColorScheme(colours)
                      .setTimezoneId("UTC"));
      page.onConsoleMessage(
          message -> {
            if (message.type().equals("error") || message.type().equals("warning")) {
              complaints.add(message.text());
            }
          });
      page.onPageError(complaints::add);
      page.navigate(explorer.address() + "/" + question);
      shown();
    }

    void shown() {
      // All of what was asked last, and nothing left of what was asked before.
      page.waitForFunction(
          "() => document.querySelector('main').getAttribute('aria-busy') === 'false'"
              + " && /\\d/.test(document.getElementById('summary').textContent)"
              + " && document.querySelector('#chart canvas')"
              + " && document.querySelector('#top-language li')");
    }

    void ask(String question) {
      page.locator("#question").fill(question);
      page.keyboard().press("Enter");
      shown();
    }

    List<String> texts() {
      return page.locator("#posts .text").allTextContents();
    }

    String summary() {
      return page.locator("#summary").textContent();
    }

    void picture(String name) {
      page.screenshot(
          new Page.ScreenshotOptions()
              .setPath(SCREENSHOTS.resolve(name + ".png"))
              .setFullPage(true));
    }

    /** What axe finds wrong for people with disabilities. */
    void assertAccessible() throws IOException {
      try (InputStream axe =
          ExplorerPageIT.class.getResourceAsStream(
              "/META-INF/resources/webjars/axe-core/4.6.3/axe.min.js")) {
        // By the debugger, for the page's own policy lets no script in.
        page.evaluate(new String(axe.readAllBytes(), StandardCharsets.UTF_8));
      }
      Object violations =
          page.evaluate(
              "async () => (await axe.run()).violations.map(v => v.id + ': ' + v.nodes.map(n => n.target + ' ' + n.failureSummary).join('; '))");
      assertThat((List<?>) violations).isEmpty();
      // It looks at the colours of the chart.
      complaints.removeIf(complaint -> complaint.contains("willReadFrequently"));
    }

    @Override
    public void close() {
      page.context().close();
      page.close();
    }
  }

  private static Window desktop(String question) {
    return new Window(1280, 900, ColorScheme.LIGHT, question);
  }

  @Test
  void showsTheNewestAndIsAccessibleInEveryShape() throws Exception {
    try (Window light = desktop("");
        Window dark = new Window(1280, 900, ColorScheme.DARK, "");
        Window phone = new Window(390, 844, ColorScheme.LIGHT, "")) {
      for (Window window : List.of(light, dark, phone)) {
        assertThat(window.texts()).hasSize(30);
        assertThat(window.summary()).startsWith("95 posts");
        assertThat(window.complaints).isEmpty();
        window.assertAccessible();
      }
      light.picture("desktop");
      dark.picture("dark");
      phone.picture("phone");
      Object wider =
          phone.page.evaluate(
              "() => document.documentElement.scrollWidth > document.documentElement.clientWidth");
      assertThat(wider).as("nothing sticks out on a phone").isEqualTo(false);
    }
  }

  @Test
  void whatPostsSayDoesNoHarm() {
    try (Window window = desktop("?q=hostile")) {
      assertThat(window.texts())
          .containsExactlyInAnyOrderElementsOf(
              HOSTILE.stream().map(text -> "hostile " + text).toList());
      assertThat(window.page.evaluate("() => window.hurt === undefined")).isEqualTo(true);
      assertThat(window.page.locator("#posts script, #posts img, #posts b").count()).isZero();
      Object tallest =
          window.page.evaluate(
              "() => Math.max(...[...document.querySelectorAll('#posts li')].map(li => li.offsetHeight))");
      assertThat(((Number) tallest).intValue()).isLessThan(600);
      assertThat(window.complaints).isEmpty();
      window.picture("hostile");
    }
  }

  @Test
  void searchesNarrowsAndGoesBack() {
    try (Window window = desktop("")) {
      window.ask("volcano");
      assertThat(window.summary()).startsWith("30 posts");
      assertThat(window.page.url()).endsWith("?q=volcano");
      window
          .page
          .locator("#top-language button", new Page.LocatorOptions().setHasText("pt"))
          .click();
      window.page.waitForURL("**lang*");
      window.shown();
      assertThat(window.summary()).startsWith("15 posts");
      assertThat(window.page.locator("#question").inputValue()).isEqualTo("volcano lang:pt");
      window.page.goBack();
      window.page.waitForFunction("() => document.getElementById('question').value === 'volcano'");
      window.shown();
      assertThat(window.summary()).startsWith("30 posts");
      window.ask("from:alice.test");
      assertThat(window.summary()).startsWith("45 posts");
      assertThat(window.page.locator("#posts .about a").first().textContent())
          .isEqualTo("alice.test");
      assertThat(window.page.locator("#posts .about a").nth(1).getAttribute("href"))
          .startsWith("https://bsky.app/profile/did%3Aplc%3A");
      window.page.locator("#question").fill("since:yesterday");
      window.page.keyboard().press("Enter");
      Locator problem = window.page.locator("#problem");
      problem.waitFor();
      assertThat(problem.textContent()).contains("yesterday");
      window.complaints.removeIf(complaint -> complaint.contains("status of 400"));
      assertThat(window.complaints).isEmpty();
    }
  }

  @Test
  void describesTheApi() throws Exception {
    try (Window window = desktop("")) {
      window.page.navigate(explorer.address() + "/api.html");
      window.page.locator("#search h2").waitFor();
      assertThat(window.page.locator("#search h2").textContent()).isEqualTo("GET /search");
      assertThat(window.page.locator("#api section").count()).isGreaterThan(20);
      assertThat(window.complaints).isEmpty();
      window.assertAccessible();
      window.picture("api");
    }
  }

  @Test
  void suggestsFiltersToTheKeyboard() {
    try (Window window = desktop("")) {
      Locator field = window.page.locator("#question");
      field.focus();
      window.page.keyboard().type("ha");
      assertThat(window.page.locator("#suggestions li").allTextContents())
          .first()
          .asString()
          .startsWith("has:");
      window.page.keyboard().press("ArrowDown");
      window.picture("suggestions");
      window.page.keyboard().press("Enter");
      assertThat(field.inputValue()).isEqualTo("has:");
      assertThat(window.page.locator("#suggestions li")).isNotNull();
      window.page.keyboard().press("ArrowDown");
      window.page.keyboard().press("Enter");
      assertThat(field.inputValue()).isEqualTo("has:media ");
      window.page.keyboard().press("Escape");
      assertThat(window.page.locator("#suggestions").isVisible()).isFalse();
    }
  }

  @Test
  void showsMoreZoomsAndExports() throws Exception {
    try (Window window = desktop("")) {
      window.page.locator("#more").click();
      window.page.waitForFunction("() => document.querySelectorAll('#posts li').length === 60");
      window.page.locator("#zoom-in").click();
      window.page.waitForURL("**since*");
      window.shown();
      assertThat(window.page.locator("#question").inputValue()).contains("since:", "until:");
      window.page.locator("#all-time").click();
      window.page.waitForURL(url -> !url.contains("since"));
      window.shown();
      Locator chart = window.page.locator("#chart .u-over");
      chart.dragTo(
          chart, new Locator.DragToOptions().setSourcePosition(300, 50).setTargetPosition(500, 60));
      window.page.waitForURL("**since*");
      window.shown();
      window.ask("volcano");
      window.page.locator("#export").click();
      window.page.locator("#export-estimate:has-text('30 posts')").waitFor();
      window.assertAccessible();
      window.picture("export");
      Download download =
          window.page.waitForDownload(() -> window.page.locator("#export-go").click());
      assertThat(download.suggestedFilename()).matches("bluesky-posts-.*\\.csv");
      assertThat(Files.readAllLines(download.path())).hasSize(31);
      window.page.locator("#export-state:has-text('Exported')").waitFor();
      assertThat(window.complaints).isEmpty();
    }
  }
}
