package routes.simulator;

import static java.util.Objects.requireNonNull;

import com.fasterxml.jackson.databind.JsonNode;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.http.ServerWebSocket;
import io.vertx.core.http.WebSocketFrameType;
import io.vertx.core.http.impl.ws.WebSocketFrameImpl;
import java.io.IOException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import routes.jetstream.Json;

/**
 * A Jetstream server over a {@link World}, on the loopback address: {@code
 * ws://127.0.0.1:port/subscribe} with {@code cursor} and {@code wantedCollections}. Without a
 * cursor it sends what happens from now on; with one, everything since, as fast as it is read.
 */
public final class JetstreamServer implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(JetstreamServer.class);

  private static final int MAX_FRAME_BYTES = 16 << 20;

  private final World world;
  private final Misbehaviour misbehaviour;
  private final Clock clock;
  private final Vertx vertx;
  private final HttpServer server;
  private final AtomicLong connections = new AtomicLong();
  private final AtomicLong framesSent = new AtomicLong();
  private volatile long heldUs = Long.MAX_VALUE;
  private volatile long blindFromUs = Long.MAX_VALUE;
  private volatile long blindToUs = Long.MAX_VALUE;
  private volatile boolean closed;

  /**
   * Starts to listen.
   *
   * @param port 0 for any free one
   * @param clock nothing after its time has happened yet; it may stand still
   */
  public JetstreamServer(World world, Misbehaviour misbehaviour, Clock clock, int port) {
    this.world = requireNonNull(world, "world");
    this.misbehaviour = requireNonNull(misbehaviour, "misbehaviour");
    this.clock = requireNonNull(clock, "clock");
    this.vertx = Vertx.vertx(new VertxOptions().setEventLoopPoolSize(1));
    HttpServerOptions options =
        new HttpServerOptions()
            .setHost("127.0.0.1")
            .setPort(port)
            .setMaxWebSocketFrameSize(MAX_FRAME_BYTES);
    this.server =
        vertx
            .createHttpServer(options)
            .webSocketHandler(this::accept)
            .requestHandler(
                request ->
                    request
                        .response()
                        .setStatusCode(426)
                        .end("a Jetstream: connect by websocket, at /subscribe\n"))
            .listen()
            .toCompletionStage()
            .toCompletableFuture()
            .join();
    LOG.info("Simulated Jetstream at {}", url());
  }

  /** Where to connect: {@code ws://127.0.0.1:port}. */
  public String url() {
    return "ws://127.0.0.1:" + server.actualPort();
  }

  /** Frames sent so far, over all connections. */
  public long framesSent() {
    return framesSent.get();
  }

  /** Connections made so far. */
  public long connections() {
    return connections.get();
  }

  /** From now on, nothing that happened longer ago is replayed: an earlier cursor is clamped. */
  public void hold(Duration duration) {
    heldUs = TimeUnit.NANOSECONDS.toMicros(duration.toNanos());
  }

  /** Leaves out what happens in that time, and says nothing of it. */
  public void beBlind(Instant from, Instant to) {
    blindToUs = TimeUnit.MILLISECONDS.toMicros(to.toEpochMilli());
    blindFromUs = TimeUnit.MILLISECONDS.toMicros(from.toEpochMilli());
  }

  /** The junk that stands before an event, if any. */
  public Optional<byte[]> junkBefore(long number) {
    Dice dice = Dice.of(misbehaviour.seed(), number, 20);
    return dice.chance(misbehaviour.junk())
        ? Optional.of(Junk.frame(dice, number, world.frame(number)))
        : Optional.empty();
  }

  private void accept(ServerWebSocket socket) {
    long connection = connections.incrementAndGet();
    Dice dice = Dice.of(misbehaviour.seed(), connection, 21);
    if (!socket.path().equals("/subscribe")) {
      socket.reject(404);
    } else if (dice.chance(misbehaviour.unavailable())) {
      socket.reject(503);
    } else {
      Thread.ofVirtual()
          .name("simulator-" + connection)
          .start(() -> serve(new Connection(socket, dice)));
    }
  }

  private void serve(Connection connection) {
    try {
      connection.run();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (RuntimeException e) {
      LOG.debug("A simulated connection ended", e);
    }
  }

  @Override
  public void close() {
    closed = true;
    vertx.close().toCompletionStage().toCompletableFuture().join();
  }

  private final class Connection {

    private final ServerWebSocket socket;
    private final Dice dice;
    private final List<String> wanted = new ArrayList<>();
    private long cursorUs;

    Connection(ServerWebSocket socket, Dice dice) {
      this.socket = socket;
      this.dice = dice;
      this.cursorUs = now();
      if (socket.query() != null) {
        for (String pair : socket.query().split("&")) {
          int equals = pair.indexOf('=');
          String value = URLDecoder.decode(pair.substring(equals + 1), StandardCharsets.UTF_8);
          if (pair.startsWith("wantedCollections=")) {
            wanted.add(value);
          } else if (pair.startsWith("cursor=")) {
            // A cursor ahead of the clock means now.
            cursorUs =
                Math.min(
                    cursorUs,
                    Long.parseLong(value)
                        - TimeUnit.NANOSECONDS.toMicros(misbehaviour.rewind().toNanos()));
          }
        }
      }
    }

    void run() throws InterruptedException {
      cursorUs = Math.max(cursorUs, now() - heldUs);
      long number = world.numberAt(cursorUs - world.spreadUs());
      while (!closed && !socket.isClosed()) {
        long timeUs = world.timeUs(number);
        if (timeUs > now()) {
          TimeUnit.MICROSECONDS.sleep(Math.min(20_000, timeUs - now() + 1));
          continue;
        }
        boolean blind = timeUs >= blindFromUs && timeUs < blindToUs;
        if (timeUs >= cursorUs && !blind && !send(number)) {
          return;
        }
        number++;
      }
    }

    /** Sends an event and whatever goes wrong with it; false when the connection is over. */
    private boolean send(long number) throws InterruptedException {
      if (misbehaviour.junk() > 0) {
        Optional<byte[]> junk = junkBefore(number);
        if (junk.isPresent() && !write(junk.get())) {
          return false;
        }
      }
      byte[] frame = world.frame(number);
      if (!isWanted(frame)) {
        return true;
      }
      if (!write(frame)) {
        return false;
      }
      if (dice.chance(misbehaviour.duplicate()) && !write(frame)) {
        return false;
      }
      if (dice.chance(misbehaviour.drop())) {
        socket.close();
        return false;
      }
      if (dice.chance(misbehaviour.silence())) {
        LOG.debug("Falling silent");
        return false;
      }
      return true;
    }

    private boolean write(byte[] frame) throws InterruptedException {
      try {
        while (socket.writeQueueFull()) {
          CountDownLatch drained = new CountDownLatch(1);
          socket.drainHandler(nothing -> drained.countDown());
          long patience =
              misbehaviour.slowClient().isZero()
                  ? Long.MAX_VALUE
                  : misbehaviour.slowClient().toMillis();
          if (socket.writeQueueFull() && !awaitOrClosed(drained, patience)) {
            return false;
          }
        }
        // The public factory of text frames takes only strings, and junk is not always UTF-8.
        socket.writeFrame(new WebSocketFrameImpl(WebSocketFrameType.TEXT, frame, true));
        framesSent.incrementAndGet();
        return true;
      } catch (IllegalStateException closedMeanwhile) {
        return false;
      }
    }

    private boolean awaitOrClosed(CountDownLatch drained, long patienceMillis)
        throws InterruptedException {
      long waited = 0;
      while (!drained.await(100, TimeUnit.MILLISECONDS)) {
        waited += 100;
        if (socket.isClosed() || closed) {
          return false;
        }
        if (waited >= patienceMillis) {
          socket.close();
          return false;
        }
      }
      return true;
    }

    private boolean isWanted(byte[] frame) {
      if (wanted.isEmpty()) {
        return true;
      }
      try {
        JsonNode event = Json.read(frame);
        String collection = event.path("commit").path("collection").asText(null);
        return collection == null || wanted.stream().anyMatch(name -> matches(name, collection));
      } catch (IOException e) {
        throw new IllegalStateException("a made-up event is no JSON", e);
      }
    }

    private boolean matches(String name, String collection) {
      return name.endsWith(".*")
          ? collection.startsWith(name.substring(0, name.length() - 1))
          : name.equals(collection);
    }

    private long now() {
      return clock.millis() * 1000;
    }
  }
}
