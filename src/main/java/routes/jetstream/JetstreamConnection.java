package routes.jetstream;

import io.vertx.core.Context;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.ClientWebSocket;
import io.vertx.core.http.WebSocketConnectOptions;
import io.vertx.core.http.WebSocketFrame;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.UUID;

/**
 * One socket, from connect to its end: collects frames to blocks and hands over one block at a
 * time.
 *
 * <p>All of it runs on one event loop and never blocks it. While a block is with the route, one
 * more is collected; when that is full too, the socket is paused, and the host feels it through
 * TCP.
 */
final class JetstreamConnection {

  /** What Vert.x gives as the status of a connection that ended without a closing frame. */
  private static final short BROKEN_OFF = 1006;

  /** What a connection tells its owner; called on the event loop. */
  interface Owner {

    void connected(JetstreamConnection connection);

    /** A block to process; {@link JetstreamConnection#acknowledge} is due when that is done. */
    void received(JetstreamConnection connection, Block block);

    /** The connection is over and will not call again. */
    void ended(JetstreamConnection connection, String why);
  }

  private final JetstreamEndpoint endpoint;
  private final JetstreamHost host;
  private final WebSocketConnectOptions connectOptions;
  private final Owner owner;
  private final Clock clock;
  private final Vertx vertx;
  private final Context context;
  private final FrameTime frameTime;
  private final String id;

  private ClientWebSocket socket;
  private Buffer message;
  private List<byte[]> frames = new ArrayList<>();
  private long frameBytes;
  private long firstTimeUs;
  private long lastTimeUs;
  private boolean continues;
  private boolean withRoute;
  private boolean paused;
  private boolean connected;
  private String failure;
  private boolean ended;
  private boolean lingered;
  private long connectTimer = -1;
  private long lingerTimer = -1;
  private long watchdogTimer = -1;
  private long lastFrameNanos;

  JetstreamConnection(
      JetstreamEndpoint endpoint,
      JetstreamHost host,
      WebSocketConnectOptions connectOptions,
      long positionTimeUs,
      Owner owner,
      Clock clock) {
    this.endpoint = endpoint;
    this.id = (endpoint.isFilling() ? Block.FILLING : "") + UUID.randomUUID().toString();
    this.host = host;
    this.connectOptions = connectOptions;
    this.lastTimeUs = positionTimeUs;
    this.owner = owner;
    this.clock = clock;
    this.vertx = endpoint.vertx();
    this.context = vertx.getOrCreateContext();
    this.frameTime = new FrameTime(clock, endpoint.getClockTolerance());
  }

  JetstreamHost host() {
    return host;
  }

  void open() {
    context.runOnContext(
        nothing -> {
          if (ended) {
            return;
          }
          socket = endpoint.client().webSocket();
          socket.frameHandler(this::onFrame);
          socket.exceptionHandler(this::onFailure);
          socket.closeHandler(closed -> onClosed());
          socket.endHandler(end -> onEnd());
          // The client's own time-out for the handshake is of no use: it ends a connection whose
          // timer has the number 0.
          connectTimer =
              vertx.setTimer(endpoint.getConnectTimeout().toMillis(), timer -> onConnectTimeout());
          socket
              .connect(connectOptions)
              .onSuccess(opened -> onConnected())
              .onFailure(failure -> end("no connection: " + describe(failure)));
        });
  }

  /** The block handed over last is kept: the next one may come. */
  void acknowledge() {
    context.runOnContext(
        nothing -> {
          withRoute = false;
          if (ended) {
            return;
          }
          if (isFull() || lingered) {
            handOver();
          }
          if (paused) {
            paused = false;
            lastFrameNanos = System.nanoTime();
            socket.resume();
          }
        });
  }

  /**
   * Gives the connection up; frames not handed over yet are forgotten, they come again from the
   * position.
   */
  void close(String why) {
    context.runOnContext(
        nothing -> {
          frames = List.of();
          end(why);
        });
  }

  private void onConnectTimeout() {
    connectTimer = -1;
    end("no connection within " + endpoint.getConnectTimeout().toMillis() + " ms");
  }

  private void onConnected() {
    connected = true;
    cancelConnectTimer();
    if (ended) {
      socket.close();
      return;
    }
    lastFrameNanos = System.nanoTime();
    watchdogTimer =
        vertx.setPeriodic(Math.max(1, endpoint.getIdleTimeout().toMillis() / 4), timer -> watch());
    owner.connected(this);
  }

  private void onFailure(Throwable cause) {
    failure = describe(cause);
    onClosed();
  }

  /**
   * A host that says good-bye has sent whole frames before, and they may still wait in the paused
   * socket: the end comes behind them. A connection that breaks ends here.
   */
  private void onClosed() {
    Short code = socket.closeStatusCode();
    if (code == null || code == BROKEN_OFF) {
      end(failure == null ? "the connection broke off" : failure);
    }
  }

  private void onEnd() {
    end("the host closed the connection" + closeReason());
  }

  private void watch() {
    long silentMillis = (System.nanoTime() - lastFrameNanos) / 1_000_000;
    if (!paused && silentMillis >= endpoint.getIdleTimeout().toMillis()) {
      end("nothing came for " + silentMillis / 1000 + " s");
    }
  }

  private void onFrame(WebSocketFrame frame) {
    if (ended || !(frame.isText() || frame.isBinary() || frame.isContinuation())) {
      return;
    }
    lastFrameNanos = System.nanoTime();
    if (message == null && frame.isFinal()) {
      onMessage(frame.binaryData().getBytes());
      return;
    }
    message = message == null ? Buffer.buffer() : message;
    message.appendBuffer(frame.binaryData());
    if (message.length() > endpoint.getMaxMessageBytes()) {
      end("a message larger than maxMessageBytes (" + endpoint.getMaxMessageBytes() + ")");
    } else if (frame.isFinal()) {
      byte[] bytes = message.getBytes();
      message = null;
      onMessage(bytes);
    }
  }

  private void onMessage(byte[] bytes) {
    frames.add(bytes);
    frameBytes += bytes.length;
    OptionalLong timeUs = frameTime.of(bytes);
    if (timeUs.isPresent()) {
      firstTimeUs =
          firstTimeUs == 0 ? timeUs.getAsLong() : Math.min(firstTimeUs, timeUs.getAsLong());
      lastTimeUs = Math.max(lastTimeUs, timeUs.getAsLong());
    }
    if (!isFull()) {
      if (lingerTimer < 0) {
        lingerTimer = vertx.setTimer(endpoint.getLinger().toMillis(), timer -> onLingered());
      }
    } else if (!withRoute) {
      handOver();
    } else if (!paused) {
      paused = true;
      socket.pause();
    }
  }

  private void onLingered() {
    lingerTimer = -1;
    lingered = true;
    if (!withRoute && !ended) {
      handOver();
    }
  }

  private boolean isFull() {
    return frames.size() >= endpoint.getBatchSize() || frameBytes >= endpoint.getBatchBytes();
  }

  private void handOver() {
    cancelLinger();
    lingered = false;
    Block block =
        new Block(host.name(), id, continues, firstTimeUs, lastTimeUs, Instant.now(clock), frames);
    frames = new ArrayList<>();
    frameBytes = 0;
    firstTimeUs = 0;
    continues = true;
    withRoute = true;
    owner.received(this, block);
  }

  private void end(String why) {
    if (ended) {
      return;
    }
    ended = true;
    cancelConnectTimer();
    cancelLinger();
    if (watchdogTimer >= 0) {
      vertx.cancelTimer(watchdogTimer);
    }
    message = null;
    if (!frames.isEmpty()) {
      // What came is whole, and follows on the block before: so even a connection that ends at once
      // gets us on.
      handOver();
    }
    if (connected) {
      socket.close();
    }
    owner.ended(this, why);
  }

  private void cancelConnectTimer() {
    if (connectTimer >= 0) {
      vertx.cancelTimer(connectTimer);
      connectTimer = -1;
    }
  }

  private void cancelLinger() {
    if (lingerTimer >= 0) {
      vertx.cancelTimer(lingerTimer);
      lingerTimer = -1;
    }
  }

  private String closeReason() {
    Short code = socket.closeStatusCode();
    String reason = socket.closeReason();
    return code == null
        ? ""
        : " (" + code + (reason == null || reason.isEmpty() ? "" : ", " + reason) + ")";
  }

  private static String describe(Throwable cause) {
    String text = cause.getMessage();
    return text == null ? cause.getClass().getSimpleName() : text;
  }
}
