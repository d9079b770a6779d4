package routes.jetstream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.vertx.core.http.ServerWebSocket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BiConsumer;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.camel.Exchange;
import org.apache.camel.builder.RouteBuilder;
import org.apache.camel.impl.DefaultCamelContext;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import routes.fixtures.Frames;
import routes.fixtures.ScriptedJetstream;
import routes.jetstream.JetstreamStatus.State;

class JetstreamComponentTest {

  private static final String QUICK = "linger=20ms&reconnectDelay=20ms&maxReconnectDelay=40ms";

  private final DefaultCamelContext camel = new DefaultCamelContext();
  private final List<AutoCloseable> servers = new ArrayList<>();
  private final List<Block> blocks = new CopyOnWriteArrayList<>();
  private final AtomicReference<Position> position = new AtomicReference<>();

  /** Shorter where thousands of mistakes are tried that make a test wait in vain. */
  @BeforeAll
  static void patience() {
    Awaitility.setDefaultTimeout(Duration.ofSeconds(Integer.getInteger("await", 10)));
  }

  @AfterAll
  static void usualPatience() {
    Awaitility.reset();
  }

  @AfterEach
  void close() throws Exception {
    camel.stop();
    for (AutoCloseable server : servers) {
      server.close();
    }
  }

  @Test
  void handsOverAllFramesInOrder() throws Exception {
    List<byte[]> frames = posts(0, 2500);
    ScriptedJetstream server = server((socket, number) -> ScriptedJetstream.send(socket, frames));
    start(server.url() + "?batchSize=100&" + QUICK, this::keep);
    await().until(() -> received().size() == 2500);
    assertThat(received()).isEqualTo(texts(frames));
    assertThat(blocks).allMatch(block -> block.count() <= 100);
    assertThat(blocks.get(0).continues()).isFalse();
    assertThat(blocks.subList(1, blocks.size())).allMatch(Block::continues);
    assertThat(blocks).extracting(Block::connection).containsOnly(blocks.get(0).connection());
  }

  @Test
  void describesABlock() throws Exception {
    ScriptedJetstream server =
        server((socket, number) -> ScriptedJetstream.send(socket, posts(10, 13)));
    AtomicReference<Exchange> seen = new AtomicReference<>();
    start(
        server.url() + "?batchSize=3&" + QUICK,
        exchange -> {
          keep(exchange);
          seen.set(exchange.copy());
        });
    await().until(() -> seen.get() != null);
    Block block = blocks.get(0);
    assertThat(block.firstTimeUs()).isEqualTo(Frames.NOON_US + 10_000);
    assertThat(block.lastTimeUs()).isEqualTo(Frames.NOON_US + 12_000);
    assertThat(block.host()).isEqualTo(server.url());
    assertThat(seen.get().getMessage().getHeader(JetstreamHeaders.COUNT)).isEqualTo(3);
    assertThat(seen.get().getMessage().getHeader(JetstreamHeaders.HOST)).isEqualTo(server.url());
    assertThat(seen.get().getMessage().getHeader(JetstreamHeaders.BYTES)).isEqualTo(block.bytes());
  }

  @Test
  void doesNotReadOnWhileTheRouteIsBusy() throws Exception {
    AtomicInteger sent = new AtomicInteger();
    int many = 200_000;
    ScriptedJetstream server = server((socket, number) -> sendWhileItTakes(socket, sent, many));
    Semaphore goOn = new Semaphore(0);
    start(
        server.url() + "?batchSize=50&" + QUICK,
        exchange -> {
          goOn.acquire();
          keep(exchange);
        });
    // The socket's buffers fill, and the server can send no more.
    await()
        .during(Duration.ofMillis(300))
        .until(sent::get, before -> before == sent.get() && before > 0);
    assertThat(sent.get()).isLessThan(many);
    assertThat(blocks).isEmpty();
    goOn.release(many);
    await().until(() -> received().size() == many);
    assertThat(received()).doesNotHaveDuplicates();
  }

  private static void sendWhileItTakes(ServerWebSocket socket, AtomicInteger sent, int many) {
    while (sent.get() < many && !socket.isClosed() && !socket.writeQueueFull()) {
      ScriptedJetstream.send(socket, List.of(Frames.post(sent.incrementAndGet(), "x")));
    }
    if (sent.get() < many) {
      socket.drainHandler(nothing -> sendWhileItTakes(socket, sent, many));
    }
  }

  @Test
  void readsABlockAgainThatWasNotKept() throws Exception {
    ScriptedJetstream server =
        server((socket, number) -> ScriptedJetstream.send(socket, posts(0, 30)));
    AtomicInteger tries = new AtomicInteger();
    start(
        server.url() + "?batchSize=10&" + QUICK,
        exchange -> {
          if (tries.incrementAndGet() == 2) {
            throw new IllegalStateException("the buffer is full");
          }
          keep(exchange);
        });
    await().until(() -> received().containsAll(texts(posts(0, 30))));
    assertThat(server.requests()).hasSize(2);
    assertThat(server.requests().get(1))
        .contains("cursor=" + (Frames.NOON_US + 9_000 - 10_000_000));
  }

  @Test
  void keepsNothingBehindABlockThatWasNotKept() throws Exception {
    ScriptedJetstream server =
        server(
            (socket, number) -> {
              ScriptedJetstream.send(socket, posts(0, 25));
              socket.close();
            });
    AtomicInteger tries = new AtomicInteger();
    start(
        server.url() + "?batchSize=10&" + QUICK,
        exchange -> {
          if (tries.incrementAndGet() == 2) {
            // The connection ends, and its last frames are ready, before this block fails.
            await().until(() -> server.requests().size() == 1 && server.closed() == 1);
            throw new IllegalStateException("the buffer is full");
          }
          keep(exchange);
        });
    await().until(() -> blocks.size() >= 4);
    List<byte[]> expected = new ArrayList<>(posts(0, 10));
    expected.addAll(posts(0, 25));
    assertThat(received().subList(0, 35).equals(texts(expected)))
        .as(() -> numbers(received()))
        .isTrue();
  }

  private static String numbers(List<String> frames) {
    return frames.stream()
        .map(frame -> frame.replaceAll(".*\"text\":\"post (\\d+)\".*", "$1"))
        .collect(Collectors.joining(" "));
  }

  @Test
  void startsEveryConnectionAtThePosition() throws Exception {
    position.set(new Position(Frames.NOON_US, "elsewhere"));
    ScriptedJetstream server =
        server(
            (socket, number) -> {
              ScriptedJetstream.send(socket, posts(number * 100_000, number * 100_000 + 1));
              socket.close();
            });
    start(server.url() + "?" + QUICK, this::keep);
    await().until(() -> server.requests().size() >= 3 && blocks.size() >= 2);
    assertThat(server.requests().get(0))
        .as("another host's position: further back")
        .contains("cursor=" + (Frames.NOON_US - 60_000_000));
    assertThat(server.requests().get(1))
        .as("behind what was kept")
        .contains("cursor=" + (Frames.NOON_US + 100_000_000 - 10_000_000));
  }

  @Test
  void getsOnWithAHostThatNeverSendsMoreThanASecondAtOnce() throws Exception {
    position.set(new Position(Frames.NOON_US + 60_000_000, ""));
    ScriptedJetstream server =
        server(
            (socket, number) -> {
              int from =
                  (int)
                      ((Long.parseLong(socket.uri().replaceAll(".*cursor=", "")) - Frames.NOON_US)
                          / 1000);
              ScriptedJetstream.send(socket, posts(from, from + 1500));
              socket.close();
            });
    start(server.url() + "?" + QUICK, this::keep);
    await().until(() -> position.get().timeUs() >= Frames.NOON_US + 62_000_000);
    assertThat(server.requests().size()).isLessThan(30);
  }

  @Test
  void asksAnotherHostForNoLessHoweverOftenItBringsNothingNew() throws Exception {
    ScriptedJetstream one = server((socket, number) -> socket.close());
    ScriptedJetstream two =
        server(
            (socket, number) -> {
              ScriptedJetstream.send(socket, posts(0, 5));
              socket.close();
            });
    position.set(new Position(Frames.NOON_US + 60_000_000, one.url()));
    start(one.url() + "," + two.url() + "?" + QUICK, blocks -> {});
    await().until(() -> one.requests().size() > 4 && two.requests().size() > 4);
    assertThat(two.requests()).allMatch(uri -> uri.endsWith("cursor=" + Frames.NOON_US));
  }

  @Test
  void readsAStretchAndIsIdleWhenThereIsNoOther() throws Exception {
    ScriptedJetstream server =
        server((socket, number) -> ScriptedJetstream.send(socket, posts(0, 30)));
    List<Stretch> stretches =
        new CopyOnWriteArrayList<>(
            List.of(new Stretch(Frames.NOON_US + 5_000, Frames.NOON_US + 14_500)));
    AtomicInteger asked = new AtomicInteger();
    startFilling(
        server.url() + "?batchSize=10&rewind=0s&hostRewind=0s&stretchDelay=20ms&" + QUICK,
        () -> {
          asked.incrementAndGet();
          return stretches.isEmpty() ? Optional.empty() : Optional.of(stretches.remove(0));
        });
    await().until(() -> asked.get() > 3);
    assertThat(server.requests()).hasSize(1);
    assertThat(server.requests().get(0)).contains("cursor=" + (Frames.NOON_US + 5_000));
    assertThat(received()).as("until an event is later").isEqualTo(texts(posts(0, 20)));
    assertThat(blocks).allMatch(Block::isFilling);
    assertThat(blocks.get(0).lastTimeUs()).isEqualTo(Frames.NOON_US + 9_000);
    assertThat(status().state()).isEqualTo(State.IDLE);
    assertThat(((JetstreamEndpoint) camel.getRoute("test").getEndpoint()).isFilling()).isTrue();
    await().until(() -> server.closed() == 1);
    stretches.add(new Stretch(Frames.NOON_US, Frames.NOON_US + 1));
    await().until(() -> server.requests().size() == 2);
  }

  @Test
  void readsAStretchToItsEndWhereTheClockOfTheHostIsAhead() throws Exception {
    ScriptedJetstream server =
        server((socket, number) -> ScriptedJetstream.send(socket, posts(0, 40)));
    List<Stretch> stretches =
        new CopyOnWriteArrayList<>(
            List.of(new Stretch(Frames.NOON_US + 15_000, Frames.NOON_US + 17_500)));
    startFilling(
        server.url() + "?batchSize=10&rewind=0s&hostRewind=10ms&stretchDelay=20ms&" + QUICK,
        () -> stretches.isEmpty() ? Optional.empty() : Optional.of(stretches.remove(0)));
    await().until(() -> server.closed() == 1);
    assertThat(server.requests().get(0)).contains("cursor=" + (Frames.NOON_US + 5_000));
    assertThat(received()).as("ten milliseconds more").isEqualTo(texts(posts(0, 30)));
  }

  @Test
  void asksAnotherHostWhereOneDoesNotHoldTheStretch() throws Exception {
    ScriptedJetstream forgetful = server((socket, number) -> socket.close());
    ScriptedJetstream good =
        server((socket, number) -> ScriptedJetstream.send(socket, posts(0, 30)));
    startFilling(
        forgetful.url() + "," + good.url() + "?rewind=0s&hostRewind=0s&stretchDelay=20ms&" + QUICK,
        () ->
            blocks.isEmpty()
                ? Optional.of(new Stretch(Frames.NOON_US, Frames.NOON_US + 9_000))
                : Optional.empty());
    await().until(() -> !blocks.isEmpty());
    assertThat(forgetful.requests()).hasSize(1);
    await().until(() -> status().state() == State.IDLE);
    assertThat(blocks).extracting(Block::isStop).containsOnly(false);
  }

  private void startFilling(String uri, StretchSource stretches) throws Exception {
    camel.getRegistry().bind("stretches", stretches);
    start(uri + "&stretches=#bean:stretches", this::keep);
  }

  @Test
  void saysThatReadingWasEndedOnPurpose() throws Exception {
    ScriptedJetstream server =
        server((socket, number) -> ScriptedJetstream.send(socket, posts(0, 5)));
    start(server.url() + "?" + QUICK, this::keep);
    await().until(() -> received().size() == 5);
    camel.getRouteController().stopRoute("test");
    Block last = blocks.get(blocks.size() - 1);
    assertThat(last.isStop()).isTrue();
    assertThat(last.frames()).isEmpty();
    assertThat(last.lastTimeUs()).isEqualTo(Frames.NOON_US + 4_000);
    assertThat(last.host()).isEqualTo(server.url());
    int before = blocks.size();
    camel.getRouteController().startRoute("test");
    await().until(() -> server.requests().size() == 2);
    assertThat(blocks.subList(before, blocks.size())).noneMatch(Block::isStop);
  }

  @Test
  void saysNothingOfAnEndBeforeAnythingWasKept() throws Exception {
    ScriptedJetstream server = server((socket, number) -> {});
    start(server.url() + "?" + QUICK, this::keep);
    await().until(() -> status().state() == State.CONNECTED);
    camel.getRouteController().stopRoute("test");
    assertThat(blocks).isEmpty();
    assertThat(status().state()).isEqualTo(State.STOPPED);
  }

  @Test
  void asksForNoCursorBeforeAnythingIsKept() throws Exception {
    ScriptedJetstream server = server((socket, number) -> {});
    start(server.url() + "?collections=app.bsky.feed.post,app.bsky.graph.*&" + QUICK, this::keep);
    await().until(() -> !server.requests().isEmpty());
    assertThat(server.requests().get(0))
        .startsWith("/subscribe?")
        .contains("wantedCollections=app.bsky.feed.post")
        .contains("wantedCollections=app.bsky.graph.*")
        .doesNotContain("cursor");
  }

  @Test
  void doesNotConnectBeforeThePositionIsKnown() throws Exception {
    ScriptedJetstream server =
        server((socket, number) -> ScriptedJetstream.send(socket, posts(0, 1)));
    AtomicBoolean known = new AtomicBoolean();
    camel
        .getRegistry()
        .bind(
            "position",
            (PositionSource)
                () -> {
                  if (!known.get()) {
                    throw new IllegalStateException("Redis is gone");
                  }
                  return Optional.empty();
                });
    startRoute(server.url() + "?" + QUICK, this::keep);
    await()
        .until(this::status, status -> String.valueOf(status.detail()).contains("Redis is gone"));
    assertThat(server.requests()).isEmpty();
    known.set(true);
    await().until(() -> !blocks.isEmpty());
  }

  @Test
  void triesTheNextHostWhenOneFails() throws Exception {
    ScriptedJetstream refusing = server((socket, number) -> socket.reject(503));
    ScriptedJetstream good =
        server((socket, number) -> ScriptedJetstream.send(socket, posts(0, 5)));
    start("ws://127.0.0.1:1," + refusing.url() + "," + good.url() + "?" + QUICK, this::keep);
    await().until(() -> received().size() == 5);
    assertThat(refusing.requests()).hasSize(1);
    assertThat(status().state()).isEqualTo(State.CONNECTED);
    assertThat(status().host()).isEqualTo(good.url());
  }

  @Test
  void staysUpAndSaysSoWhenNobodyAnswers() throws Exception {
    start("ws://127.0.0.1:1?" + QUICK, this::keep);
    await()
        .until(
            this::status,
            status -> status.state() == State.WAITING && status.detail().contains("no connection"));
    assertThat(camel.isStarted()).isTrue();
  }

  @Test
  void givesUpAConnectionThatFellSilent() throws Exception {
    ScriptedJetstream server =
        server((socket, number) -> ScriptedJetstream.send(socket, posts(number, number + 1)));
    start(server.url() + "?idleTimeout=200ms&" + QUICK, this::keep);
    await().until(() -> server.requests().size() >= 3);
    assertThat(blocks.get(1).continues()).as("a new connection begins anew").isFalse();
    assertThat(blocks.get(1).connection()).isNotEqualTo(blocks.get(0).connection());
  }

  @Test
  void takesFramesOfManyMegabytes() throws Exception {
    byte[] large = Frames.post(1, "x".repeat(8 << 20));
    ScriptedJetstream server =
        server(
            (socket, number) ->
                ScriptedJetstream.send(socket, List.of(large, Frames.post(2, "y"))));
    start(server.url() + "?" + QUICK, this::keep);
    await().until(() -> received().size() == 2);
    assertThat(blocks.get(0).frames().get(0)).hasSameSizeAs(large);
  }

  @Test
  void putsTogetherAMessageThatComesInPieces() throws Exception {
    ScriptedJetstream server =
        server(
            (socket, number) -> {
              String text =
                  new String(Frames.post(1, "in pieces"), java.nio.charset.StandardCharsets.UTF_8);
              socket.writeFrame(
                  io.vertx.core.http.WebSocketFrame.textFrame(text.substring(0, 20), false));
              socket.writeFrame(
                  io.vertx.core.http.WebSocketFrame.continuationFrame(
                      io.vertx.core.buffer.Buffer.buffer(text.substring(20, 40)), false));
              socket.writeFrame(
                  io.vertx.core.http.WebSocketFrame.continuationFrame(
                      io.vertx.core.buffer.Buffer.buffer(text.substring(40)), true));
            });
    start(server.url() + "?" + QUICK, this::keep);
    await().until(() -> received().size() == 1);
    assertThat(received()).isEqualTo(texts(List.of(Frames.post(1, "in pieces"))));
  }

  @Test
  void keepsJunkAsItCame() throws Exception {
    byte[] notUtf8 = {'{', (byte) 0xc3, 0x28, '}'};
    ScriptedJetstream server =
        server(
            (socket, number) ->
                ScriptedJetstream.send(socket, List.of(notUtf8, new byte[0], Frames.bytes("[[["))));
    start(server.url() + "?" + QUICK, this::keep);
    await().until(() -> received().size() == 3);
    assertThat(blocks.get(0).frames().get(0)).isEqualTo(notUtf8);
    assertThat(blocks.get(0).lastTimeUs()).isZero();
  }

  @ParameterizedTest
  @CsvSource({"1988150400000000", "0", "2524608000000000", "99999999999999999"})
  void neverMovesThePositionToATimeThatCannotBeTrue(long timeUs) throws Exception {
    byte[] odd = Frames.bytes("{\"did\":\"x\",\"time_us\":" + timeUs + ",\"kind\":\"commit\"}");
    List<byte[]> frames = List.of(Frames.post(1, "a"), odd, Frames.post(2, "b"));
    ScriptedJetstream server = server((socket, number) -> ScriptedJetstream.send(socket, frames));
    start(server.url() + "?" + QUICK, this::keep);
    await().until(() -> received().size() >= 3);
    assertThat(blocks.get(blocks.size() - 1).lastTimeUs()).isEqualTo(Frames.NOON_US + 2_000);
    assertThat(blocks).allMatch(block -> block.firstTimeUs() >= Frames.NOON_US);
  }

  @Test
  void neverMovesThePositionBack() throws Exception {
    position.set(new Position(Frames.NOON_US + 50_000, "h"));
    ScriptedJetstream server =
        server((socket, number) -> ScriptedJetstream.send(socket, posts(1, 4)));
    start(server.url() + "?" + QUICK, this::keep);
    await().until(() -> !blocks.isEmpty());
    assertThat(blocks.get(0).lastTimeUs()).isEqualTo(Frames.NOON_US + 50_000);
  }

  private ScriptedJetstream server(BiConsumer<ServerWebSocket, Integer> script) {
    ScriptedJetstream server = new ScriptedJetstream(script);
    servers.add(server);
    return server;
  }

  private void start(String uri, ThrowingProcessor processor) throws Exception {
    camel
        .getRegistry()
        .bind("position", (PositionSource) () -> Optional.ofNullable(position.get()));
    startRoute(uri, processor);
  }

  private void startRoute(String uri, ThrowingProcessor processor) throws Exception {
    camel.addRoutes(
        new RouteBuilder() {
          @Override
          public void configure() {
            errorHandler(noErrorHandler());
            from("jetstream:" + uri + "&position=#bean:position")
                .routeId("test")
                .process(processor::process);
          }
        });
    camel.start();
  }

  private interface ThrowingProcessor {
    void process(Exchange exchange) throws Exception;
  }

  private void keep(Exchange exchange) {
    Block block = exchange.getMessage().getBody(Block.class);
    if (block.lastTimeUs() > 0) {
      position.set(new Position(block.lastTimeUs(), block.host()));
    }
    blocks.add(block);
  }

  private JetstreamStatus status() {
    return ((JetstreamConsumer) camel.getRoute("test").getConsumer()).status();
  }

  private List<String> received() {
    return texts(blocks.stream().flatMap(block -> block.frames().stream()).toList());
  }

  private static List<String> texts(List<byte[]> frames) {
    return frames.stream()
        .map(frame -> new String(frame, java.nio.charset.StandardCharsets.UTF_8))
        .toList();
  }

  private static List<byte[]> posts(int from, int to) {
    return from == to
        ? Collections.emptyList()
        : IntStream.range(from, to).mapToObj(i -> Frames.post(i, "post " + i)).toList();
  }
}
