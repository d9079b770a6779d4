package routes.simulator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.vertx.core.Vertx;
import io.vertx.core.http.WebSocket;
import io.vertx.core.http.WebSocketClient;
import io.vertx.core.http.WebSocketClientOptions;
import io.vertx.core.http.WebSocketConnectOptions;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class JetstreamServerTest {

  private static final Instant NOW = Instant.parse("2026-07-04T14:38:08Z");
  private static final long NOW_US = NOW.toEpochMilli() * 1000;

  private final World world = new World(3, 500);
  private final Vertx vertx = Vertx.vertx();
  private final List<String> received = new CopyOnWriteArrayList<>();
  private final AtomicBoolean closed = new AtomicBoolean();
  private JetstreamServer server;

  @AfterEach
  void close() {
    vertx.close().toCompletionStage().toCompletableFuture().join();
    server.close();
  }

  @Test
  void replaysEverythingSinceTheCursor() {
    start(Misbehaviour.NONE);
    connect("?cursor=" + (NOW_US - 2_000_000));
    List<String> expected = expected(NOW_US - 2_000_000);
    await().until(() -> received.size() >= expected.size());
    assertThat(received).isEqualTo(expected);
    assertThat(expected).hasSizeBetween(980, 1020);
  }

  @Test
  void sendsOnlyTheCollectionsWantedAndWhatIsAboutAccounts() {
    start(Misbehaviour.NONE);
    connect("?wantedCollections=app.bsky.graph.*&cursor=" + (NOW_US - 2_000_000));
    List<String> expected =
        expected(NOW_US - 2_000_000).stream()
            .filter(
                frame ->
                    frame.contains("\"collection\":\"app.bsky.graph.")
                        || !frame.contains("\"kind\":\"commit\""))
            .toList();
    await().until(() -> received.size() >= expected.size());
    assertThat(received).isEqualTo(expected);
  }

  @Test
  void takesACursorAheadOfTheClockAsNow() {
    start(Misbehaviour.NONE);
    connect("?cursor=" + (NOW_US + 3_600_000_000L));
    await().until(() -> server.connections() == 1);
    assertThat(received).isEmpty();
  }

  @Test
  void misbehavesWhenTold() {
    start(new Misbehaviour(1, 0, 0, 0.1, 0.1, Duration.ofSeconds(1), 0, Duration.ZERO));
    connect("?cursor=" + (NOW_US - 2_000_000));
    List<String> events = expected(NOW_US - 3_000_000);
    await().until(() -> new HashSet<>(received).containsAll(events));
    List<String> junk = new ArrayList<>();
    for (long n = world.numberAt(NOW_US - 3_000_000 - world.spreadUs());
        world.timeUs(n) <= NOW_US;
        n++) {
      if (world.timeUs(n) >= NOW_US - 3_000_000) {
        server
            .junkBefore(n)
            .ifPresent(frame -> junk.add(new String(frame, StandardCharsets.UTF_8)));
      }
    }
    assertThat(junk).hasSizeGreaterThan(80);
    assertThat(received).containsAll(junk);
    assertThat(received.size()).isGreaterThan(events.size() + junk.size());
  }

  @Test
  void dropsConnectionsWhenTold() {
    start(new Misbehaviour(1, 0.05, 0, 0, 0, Duration.ZERO, 0, Duration.ZERO));
    try {
      connect("?cursor=" + (NOW_US - 2_000_000));
    } catch (CompletionException e) {
      // It may be dropped before the client has told that it is there.
      assertThat(e).hasRootCauseMessage("WebSocket is closed");
      closed.set(true);
    }
    await().until(closed::get);
    assertThat(received).hasSizeLessThan(900);
  }

  private void start(Misbehaviour misbehaviour) {
    server = new JetstreamServer(world, misbehaviour, Clock.fixed(NOW, ZoneOffset.UTC), 0);
  }

  private void connect(String query) {
    WebSocketClient client =
        vertx.createWebSocketClient(new WebSocketClientOptions().setMaxFrameSize(1 << 20));
    URI uri = URI.create(server.url());
    WebSocket socket =
        client
            .webSocket()
            .handler(frame -> received.add(frame.toString(StandardCharsets.UTF_8)))
            .closeHandler(nothing -> closed.set(true))
            .connect(
                new WebSocketConnectOptions()
                    .setHost(uri.getHost())
                    .setPort(uri.getPort())
                    .setURI("/subscribe" + query))
            .toCompletionStage()
            .toCompletableFuture()
            .join();
    assertThat(socket).isNotNull();
  }

  private List<String> expected(long cursorUs) {
    List<String> frames = new ArrayList<>();
    for (long n = world.numberAt(cursorUs - world.spreadUs()); world.timeUs(n) <= NOW_US; n++) {
      if (world.timeUs(n) >= cursorUs) {
        frames.add(new String(world.frame(n), StandardCharsets.UTF_8));
      }
    }
    return frames;
  }
}
