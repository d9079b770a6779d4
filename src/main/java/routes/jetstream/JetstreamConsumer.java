package routes.jetstream;

import static java.util.Objects.requireNonNull;

import java.time.Clock;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Optional;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import org.apache.camel.Exchange;
import org.apache.camel.Processor;
import org.apache.camel.component.vertx.websocket.VertxWebsocketClientConsumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import routes.jetstream.JetstreamStatus.State;

/**
 * Keeps one connection to one of the hosts, and sends its blocks through the route one after the
 * other.
 *
 * <p>What may block (the position, the route) runs on one thread of its own, in order.
 */
public class JetstreamConsumer extends VertxWebsocketClientConsumer
    implements JetstreamConnection.Owner {

  private static final Logger LOG = LoggerFactory.getLogger(JetstreamConsumer.class);

  private static final String STRETCH_IS_READ = "the stretch is read";

  private final JetstreamEndpoint endpoint;
  private final Clock clock;

  private ScheduledExecutorService worker;
  private volatile JetstreamConnection connection;
  private volatile JetstreamStatus status;
  private volatile boolean running;
  private volatile ScheduledFuture<?> nextConnect;
  private volatile Block lastKept;
  private Stretch stretch;
  private int hostIndex;
  private int failures;
  private int fruitless;
  private boolean anyBlock;
  private long connectedAtUs;
  private String lastFailure = "";

  JetstreamConsumer(JetstreamEndpoint endpoint, Processor processor, Clock clock) {
    super(endpoint, processor);
    this.endpoint = requireNonNull(endpoint, "endpoint");
    this.clock = requireNonNull(clock, "clock");
    this.status = new JetstreamStatus(State.STARTING, "", clock.instant(), null);
  }

  /** What the consumer is doing now. */
  public JetstreamStatus status() {
    return status;
  }

  @Override
  protected void doStart() throws Exception {
    running = true;
    worker =
        endpoint
            .getCamelContext()
            .getExecutorServiceManager()
            .newSingleThreadScheduledExecutor(this, "jetstream");
    worker.execute(this::connect);
  }

  @Override
  protected void doStop() throws Exception {
    halt("the route stops");
    super.doStop();
  }

  @Override
  protected void doSuspend() throws Exception {
    halt("the route is suspended");
    super.doSuspend();
  }

  @Override
  protected void doResume() throws Exception {
    doStart();
  }

  private void halt(String why) {
    running = false;
    JetstreamConnection open = connection;
    if (open != null) {
      open.close(why);
    }
    ScheduledFuture<?> waiting = nextConnect;
    if (waiting != null) {
      waiting.cancel(false);
    }
    if (worker != null) {
      // The block with the route is finished; others are not begun.
      endpoint.getCamelContext().getExecutorServiceManager().shutdownGraceful(worker);
      worker = null;
      sayThatItWasOnPurpose();
    }
    report(State.STOPPED, "", why);
  }

  /** So that a hole that comes of it can be told from one that came of a crash. */
  private void sayThatItWasOnPurpose() {
    Block last = lastKept;
    lastKept = null;
    if (last != null && !endpoint.isFilling()) {
      Exception failure = send(Block.stopped(last.host(), last.lastTimeUs(), Instant.now(clock)));
      if (failure != null) {
        LOG.debug("Nobody will know that reading was ended on purpose", failure);
      }
    }
  }

  private void connect() {
    if (!running) {
      return;
    }
    JetstreamHost host = endpoint.hosts().get(hostIndex % endpoint.hosts().size());
    Optional<Position> position;
    try {
      if (endpoint.isFilling()) {
        stretch = endpoint.getStretches().next().orElse(null);
        if (stretch == null) {
          report(State.IDLE, "", null);
          connectLater(endpoint.getStretchDelay().toMillis());
          return;
        }
        position = Optional.of(new Position(stretch.fromUs(), ""));
      } else {
        position = endpoint.getPosition().read();
      }
    } catch (Exception e) {
      failed(host, "how far the data kept reaches cannot be told now: " + RootCause.message(e));
      return;
    }
    long positionUs = position.map(Position::timeUs).orElse(0L);
    fruitless =
        anyBlock && positionUs == connectedAtUs ? fruitless + 1 : Math.max(0, fruitless - 1);
    connectedAtUs = positionUs;
    anyBlock = false;
    if (fruitless % 2 == 1) {
      // The host that gave the position has to send least to get past it.
      host = hostOf(position).orElse(host);
    }
    report(State.CONNECTING, host.name(), null);
    connection =
        new JetstreamConnection(
            endpoint,
            host,
            endpoint.connectOptions(host, position, fruitless),
            endpoint.isFilling() ? 0 : positionUs,
            this,
            clock);
    connection.open();
  }

  private Optional<JetstreamHost> hostOf(Optional<Position> position) {
    return endpoint.hosts().stream()
        .filter(host -> position.isPresent() && position.get().host().equals(host.name()))
        .findFirst();
  }

  @Override
  public void connected(JetstreamConnection connected) {
    lastFailure = "";
    report(State.CONNECTED, connected.host().name(), null);
    LOG.info("Connected to {}", connected.host().name());
  }

  @Override
  public void received(JetstreamConnection from, Block block) {
    onWorker(() -> process(from, block));
  }

  private void process(JetstreamConnection from, Block block) {
    if (!running || from != connection) {
      return;
    }
    Exception failure = send(block);
    if (failure == null) {
      failures = 0;
      anyBlock = true;
      lastKept = block;
      if (endpoint.isFilling() && isBehindTheStretch(block)) {
        stretchIsRead(from);
      } else {
        from.acknowledge();
      }
    } else {
      LOG.debug("A block was not kept", failure);
      // A block behind it must not be kept either: the position would pass over this one.
      connection = null;
      from.close("a block was not kept, so it is read again: " + RootCause.message(failure));
    }
  }

  /** Also by this host's clock, which is not the one that the stretch was told by. */
  private boolean isBehindTheStretch(Block block) {
    return block.lastTimeUs() > stretch.toUs() + 1000 * endpoint.getHostRewind().toMillis();
  }

  private void stretchIsRead(JetstreamConnection from) {
    LOG.info(
        "{}: read again what happened from {} to {}",
        from.host().name(),
        Instant.EPOCH.plus(stretch.fromUs(), ChronoUnit.MICROS),
        Instant.EPOCH.plus(stretch.toUs(), ChronoUnit.MICROS));
    connection = null;
    hostIndex++;
    from.close(STRETCH_IS_READ);
  }

  /** Sends a block through the route; null when that went well. */
  private Exception send(Block block) {
    Exchange exchange = createExchange(false);
    exchange.getMessage().setBody(block);
    exchange.getMessage().setHeader(JetstreamHeaders.HOST, block.host());
    exchange.getMessage().setHeader(JetstreamHeaders.COUNT, block.count());
    exchange.getMessage().setHeader(JetstreamHeaders.BYTES, block.bytes());
    Exception failure;
    try {
      createUoW(exchange);
      getProcessor().process(exchange);
      failure = exchange.getException();
      if (failure == null && exchange.isRollbackOnly()) {
        failure = new IllegalStateException("the exchange was rolled back");
      }
    } catch (Exception e) {
      failure = e;
    } finally {
      doneUoW(exchange);
      releaseExchange(exchange, false);
    }
    return failure;
  }

  @Override
  public void ended(JetstreamConnection over, String why) {
    onWorker(
        () -> {
          if (why.equals(STRETCH_IS_READ)) {
            report(State.IDLE, "", null);
            connectLater(endpoint.getStretchDelay().toMillis());
          } else {
            failed(over.host(), why);
          }
        });
  }

  private void onWorker(Runnable work) {
    ScheduledExecutorService thread = worker;
    if (running && thread != null) {
      try {
        thread.execute(work);
      } catch (RejectedExecutionException e) {
        LOG.debug("Stopped meanwhile", e);
      }
    }
  }

  /** Waits a little, longer with every failure in a row, and tries the next host. */
  private void failed(JetstreamHost host, String why) {
    if (!running) {
      return;
    }
    connection = null;
    int attempt = Math.min(failures++, 16);
    hostIndex++;
    long longest =
        Math.min(
            endpoint.getMaxReconnectDelay().toMillis(),
            endpoint.getReconnectDelay().toMillis() << attempt);
    long delay = longest / 2 + ThreadLocalRandom.current().nextLong(longest / 2 + 1);
    report(State.WAITING, host.name(), why);
    if (!why.equals(lastFailure)) {
      LOG.warn("{}: {}. Trying again in {} ms, and until it works", host.name(), why, delay);
      lastFailure = why;
    } else {
      LOG.debug("{}: {}. Trying again in {} ms", host.name(), why, delay);
    }
    connectLater(delay);
  }

  private void connectLater(long millis) {
    nextConnect = worker.schedule(this::connect, millis, TimeUnit.MILLISECONDS);
  }

  private void report(State state, String host, String detail) {
    status = new JetstreamStatus(state, host, Instant.now(clock), detail);
  }
}
