package routes.jetstream;

import static java.util.Objects.requireNonNull;

import io.vertx.core.Vertx;
import io.vertx.core.http.WebSocketClient;
import io.vertx.core.http.WebSocketClientOptions;
import io.vertx.core.http.WebSocketConnectOptions;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import org.apache.camel.Category;
import org.apache.camel.Consumer;
import org.apache.camel.Processor;
import org.apache.camel.Producer;
import org.apache.camel.component.vertx.common.VertxHelper;
import org.apache.camel.component.vertx.websocket.VertxWebsocketConfiguration;
import org.apache.camel.component.vertx.websocket.VertxWebsocketEndpoint;
import org.apache.camel.spi.UriEndpoint;
import org.apache.camel.spi.UriParam;

/**
 * Blocks of events from Bluesky's Jetstream.
 *
 * <p>Each exchange carries one {@link Block}. The socket is read on only when the exchange is done;
 * at most one more block is collected meanwhile. When an exchange fails, its block is given up, and
 * reading starts anew at the position, so that nothing is left out.
 */
@UriEndpoint(
    firstVersion = "0.1.0",
    scheme = "jetstream",
    title = "Bluesky Jetstream",
    syntax = "jetstream:hosts",
    consumerOnly = true,
    category = {Category.SOCIAL},
    headersClass = JetstreamHeaders.class)
public class JetstreamEndpoint extends VertxWebsocketEndpoint {

  /** As many as a server takes. */
  private static final int MAX_COLLECTIONS = 100;

  private static final Pattern COLLECTION =
      Pattern.compile(
          "[a-zA-Z]([a-zA-Z0-9-]{0,62})?(\\.[a-zA-Z0-9]([a-zA-Z0-9-]{0,62})?)+|[a-zA-Z][a-zA-Z0-9-]*(\\.[a-zA-Z0-9-]+)*\\.\\*");

  private final List<JetstreamHost> hosts;
  private volatile JetstreamConsumer consumer;

  @UriParam(
      description =
          "Collections to ask for, separated by commas, at most 100; a prefix may end in .* (app.bsky.feed.*)."
              + " All when empty. Identity and account events come whatever is asked for.")
  private String collections = "";

  @UriParam(
      description =
          "The PositionSource that is asked at every connect how far the data kept reaches (#bean:name)."
              + " Without one, every connect starts with what happens now.")
  private PositionSource position = Optional::empty;

  @UriParam(
      description =
          "The StretchSource of a reader that fills gaps (#bean:name): instead of reading on from the position,"
              + " it reads one stretch of time after the other, and is idle when there is none.")
  private StretchSource stretches;

  @UriParam(
      defaultValue = "1m",
      description = "How long a reader that fills gaps waits between two stretches.")
  private Duration stretchDelay = Duration.ofMinutes(1);

  @UriParam(defaultValue = "1000", description = "Frames in a block, at most.")
  private int batchSize = 1000;

  @UriParam(
      defaultValue = "4194304",
      description = "Bytes of frames in a block; the frame that passes this number is its last.")
  private long batchBytes = 4L << 20;

  @UriParam(
      defaultValue = "500ms",
      description = "How long a frame waits at most for its block to fill.")
  private Duration linger = Duration.ofMillis(500);

  @UriParam(
      defaultValue = "10s",
      description =
          "How far before the position reading starts: a host's times are not strictly increasing. Brings duplicates.")
  private Duration rewind = Duration.ofSeconds(10);

  @UriParam(
      defaultValue = "1m",
      description =
          "The same where another host gave the position: each host has times of its own for the same events."
              + " A reader that fills gaps reads on for as long behind their end.")
  private Duration hostRewind = Duration.ofMinutes(1);

  @UriParam(
      defaultValue = "10s",
      description =
          "How far a host's clock may be ahead of ours. A time further ahead cannot be true and never moves the position.")
  private Duration clockTolerance = Duration.ofSeconds(10);

  @UriParam(
      defaultValue = "60s",
      description = "A connection on which nothing came for so long is given up.")
  private Duration idleTimeout = Duration.ofSeconds(60);

  @UriParam(
      defaultValue = "1s",
      description = "Pause before the next connect; doubles with every failure.")
  private Duration reconnectDelay = Duration.ofSeconds(1);

  @UriParam(defaultValue = "30s", description = "The longest pause before a connect.")
  private Duration maxReconnectDelay = Duration.ofSeconds(30);

  @UriParam(
      defaultValue = "10s",
      description = "How long a connect may take, each of socket and handshake.")
  private Duration connectTimeout = Duration.ofSeconds(10);

  @UriParam(
      defaultValue = "16777216",
      description =
          "Bytes of the largest message. Servers are asked not to send larger ones; one that comes all the same ends the connection.")
  private int maxMessageBytes = 16 << 20;

  @UriParam(
      description =
          "Not supported: the frames would need a dictionary that is not part of the protocol's documents.")
  private boolean compress;

  private WebSocketClient client;

  public JetstreamEndpoint(
      String uri,
      JetstreamComponent component,
      VertxWebsocketConfiguration configuration,
      List<JetstreamHost> hosts) {
    super(uri, component, configuration);
    this.hosts = List.copyOf(hosts);
  }

  /**
   * Checks the options together.
   *
   * @throws IllegalArgumentException naming the option that is wrong, and what it may be
   */
  void check() {
    List<String> names = collectionNames();
    if (names.size() > MAX_COLLECTIONS) {
      throw new IllegalArgumentException(
          "collections: "
              + names.size()
              + " names, but a Jetstream server takes at most "
              + MAX_COLLECTIONS
              + "; use a prefix such as app.bsky.*");
    }
    for (String name : names) {
      if (!COLLECTION.matcher(name).matches()) {
        throw new IllegalArgumentException(
            "collections: '"
                + name
                + "' is no collection; it should be like app.bsky.feed.post or app.bsky.feed.*");
      }
    }
    if (compress) {
      throw new IllegalArgumentException(
          "compress=true: a server then compresses with zstd and a dictionary of its own, which it does not hand out; leave it off");
    }
    if (batchSize < 1 || batchBytes < 1) {
      throw new IllegalArgumentException("batchSize and batchBytes have to be greater than zero");
    }
    for (Duration duration :
        List.of(linger, idleTimeout, reconnectDelay, connectTimeout, stretchDelay)) {
      if (duration.toMillis() < 1) {
        throw new IllegalArgumentException(
            "linger, idleTimeout, reconnectDelay, connectTimeout and stretchDelay have to be at least 1 ms");
      }
    }
    if (rewind.isNegative()
        || hostRewind.compareTo(rewind) < 0
        || clockTolerance.isNegative()
        || maxReconnectDelay.compareTo(reconnectDelay) < 0) {
      throw new IllegalArgumentException(
          "rewind and clockTolerance must not be negative, hostRewind not less than rewind,"
              + " maxReconnectDelay not less than reconnectDelay");
    }
    if (maxMessageBytes < 8 << 20) {
      throw new IllegalArgumentException(
          "maxMessageBytes: at least " + (8 << 20) + ": messages of more than a megabyte are sent");
    }
  }

  @Override
  public Consumer createConsumer(Processor processor) throws Exception {
    JetstreamConsumer created = new JetstreamConsumer(this, processor, Clock.systemUTC());
    configureConsumer(created);
    consumer = created;
    return created;
  }

  /** What its consumer is doing now; empty while it has none. */
  public Optional<JetstreamStatus> status() {
    return Optional.ofNullable(consumer).map(JetstreamConsumer::status);
  }

  /** Whether it fills gaps, instead of reading on. */
  public boolean isFilling() {
    return stretches != null;
  }

  @Override
  public Producer createProducer() {
    throw new UnsupportedOperationException("jetstream: only reads; Jetstream takes no messages");
  }

  @Override
  public boolean isLenientProperties() {
    return false;
  }

  @Override
  public String getServiceUrl() {
    return String.join(",", hosts.stream().map(JetstreamHost::name).toList());
  }

  @Override
  protected void doStop() throws Exception {
    consumer = null;
    if (client != null) {
      client.close();
      client = null;
    }
    super.doStop();
  }

  List<JetstreamHost> hosts() {
    return hosts;
  }

  Vertx vertx() {
    return getVertx();
  }

  synchronized WebSocketClient client() {
    if (client == null) {
      WebSocketClientOptions options =
          new WebSocketClientOptions()
              .setMaxFrameSize(maxMessageBytes)
              .setMaxMessageSize(maxMessageBytes)
              .setConnectTimeout((int) connectTimeout.toMillis());
      if (getConfiguration().getSslContextParameters() != null) {
        try {
          VertxHelper.setupSSLOptions(
              getCamelContext(), getConfiguration().getSslContextParameters(), options);
        } catch (Exception e) {
          throw new IllegalArgumentException(
              "the SSL context parameters cannot be used: " + e.getMessage(), e);
        }
      }
      client = vertx().createWebSocketClient(options);
    }
    return client;
  }

  /**
   * How to connect.
   *
   * @param fruitless how many connections in a row ended before they got past the position: the
   *     host that gave it is asked for less and less of what we have, down to a second of it
   */
  WebSocketConnectOptions connectOptions(
      JetstreamHost host, Optional<Position> from, int fruitless) {
    StringBuilder query = new StringBuilder("?maxMessageSizeBytes=").append(maxMessageBytes);
    for (String name : collectionNames()) {
      query.append("&wantedCollections=").append(URLEncoder.encode(name, StandardCharsets.UTF_8));
    }
    from.ifPresent(position -> query.append("&cursor=").append(cursor(host, position, fruitless)));
    return new WebSocketConnectOptions()
        .setHost(host.host())
        .setPort(host.port())
        .setSsl(host.tls())
        .setURI(host.path() + query)
        .setAllowOriginHeader(false);
  }

  /**
   * Where to start reading, microseconds since 1970: before the position, further where another
   * host's clock gave it. Only with the host of the position less will do: what another clock says
   * can be off by more.
   */
  private long cursor(JetstreamHost host, Position position, int fruitless) {
    boolean sameHost = position.host().equals(host.name());
    long millis = (sameHost ? rewind : hostRewind).toMillis();
    long shortened =
        sameHost ? Math.max(Math.min(millis, 1000), millis >> Math.min(fruitless, 30)) : millis;
    return Math.max(1, position.timeUs() - 1000 * shortened);
  }

  private List<String> collectionNames() {
    return Arrays.stream(collections.split(","))
        .map(String::strip)
        .filter(name -> !name.isEmpty())
        .toList();
  }

  public String getCollections() {
    return collections;
  }

  public void setCollections(String collections) {
    this.collections = requireNonNull(collections, "collections");
  }

  public PositionSource getPosition() {
    return position;
  }

  public void setPosition(PositionSource position) {
    this.position = requireNonNull(position, "position");
  }

  public StretchSource getStretches() {
    return stretches;
  }

  public void setStretches(StretchSource stretches) {
    this.stretches = stretches;
  }

  public Duration getStretchDelay() {
    return stretchDelay;
  }

  public void setStretchDelay(Duration stretchDelay) {
    this.stretchDelay = stretchDelay;
  }

  public int getBatchSize() {
    return batchSize;
  }

  public void setBatchSize(int batchSize) {
    this.batchSize = batchSize;
  }

  public long getBatchBytes() {
    return batchBytes;
  }

  public void setBatchBytes(long batchBytes) {
    this.batchBytes = batchBytes;
  }

  public Duration getLinger() {
    return linger;
  }

  public void setLinger(Duration linger) {
    this.linger = linger;
  }

  public Duration getRewind() {
    return rewind;
  }

  public void setRewind(Duration rewind) {
    this.rewind = rewind;
  }

  public Duration getHostRewind() {
    return hostRewind;
  }

  public void setHostRewind(Duration hostRewind) {
    this.hostRewind = hostRewind;
  }

  public Duration getClockTolerance() {
    return clockTolerance;
  }

  public void setClockTolerance(Duration clockTolerance) {
    this.clockTolerance = clockTolerance;
  }

  public Duration getIdleTimeout() {
    return idleTimeout;
  }

  public void setIdleTimeout(Duration idleTimeout) {
    this.idleTimeout = idleTimeout;
  }

  public Duration getReconnectDelay() {
    return reconnectDelay;
  }

  public void setReconnectDelay(Duration reconnectDelay) {
    this.reconnectDelay = reconnectDelay;
  }

  public Duration getMaxReconnectDelay() {
    return maxReconnectDelay;
  }

  public void setMaxReconnectDelay(Duration maxReconnectDelay) {
    this.maxReconnectDelay = maxReconnectDelay;
  }

  public Duration getConnectTimeout() {
    return connectTimeout;
  }

  public void setConnectTimeout(Duration connectTimeout) {
    this.connectTimeout = connectTimeout;
  }

  public int getMaxMessageBytes() {
    return maxMessageBytes;
  }

  public void setMaxMessageBytes(int maxMessageBytes) {
    this.maxMessageBytes = maxMessageBytes;
  }

  public boolean isCompress() {
    return compress;
  }

  public void setCompress(boolean compress) {
    this.compress = compress;
  }
}
