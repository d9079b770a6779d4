package routes.identity;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class HandleResolverTest {

  private final AtomicInteger asked = new AtomicInteger();
  private final CountDownLatch done = new CountDownLatch(1);
  private volatile int status = 200;
  private volatile String answer = "{\"did\":\"did:plc:x\"}";
  private HttpServer server;

  @BeforeEach
  void start() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext(
        "/xrpc/com.atproto.identity.resolveHandle",
        exchange -> {
          asked.incrementAndGet();
          if (answer == null) {
            try {
              done.await();
            } catch (InterruptedException e) {
              Thread.currentThread().interrupt();
            }
            return;
          }
          byte[] body = answer.getBytes(StandardCharsets.UTF_8);
          exchange.sendResponseHeaders(status, body.length);
          exchange.getResponseBody().write(body);
          exchange.close();
        });
    server.start();
  }

  @AfterEach
  void stop() {
    done.countDown();
    server.stop(0);
  }

  @Test
  void asksOnceAndRemembers() throws Exception {
    HandleResolver resolver = resolver(Duration.ofSeconds(5));
    assertThat(resolver.didOf("Alice.Test")).contains("did:plc:x");
    assertThat(resolver.didOf("alice.test")).contains("did:plc:x");
    assertThat(asked.get()).isEqualTo(1);
  }

  @Test
  void knowsThatNobodyHasAHandle() throws Exception {
    status = 400;
    answer = "{\"error\":\"InvalidRequest\",\"message\":\"Unable to resolve handle\"}";
    assertThat(resolver(Duration.ofSeconds(5)).didOf("nobody.test")).isEmpty();
  }

  @Test
  void saysWhenThereIsNoUsableAnswerAndAsksAgain() throws Exception {
    HandleResolver resolver = resolver(Duration.ofSeconds(5));
    status = 502;
    assertThatThrownBy(() -> resolver.didOf("alice.test"))
        .isInstanceOf(HandleResolver.Unreachable.class)
        .hasMessageContaining("502");
    status = 200;
    answer = "[]";
    assertThatThrownBy(() -> resolver.didOf("alice.test"))
        .isInstanceOf(HandleResolver.Unreachable.class)
        .hasMessageContaining("no DID");
    answer = "<html>";
    assertThatThrownBy(() -> resolver.didOf("alice.test"))
        .isInstanceOf(HandleResolver.Unreachable.class);
    answer = "{\"did\":\"did:web:y\"}";
    assertThat(resolver.didOf("alice.test")).contains("did:web:y");
  }

  @Test
  void doesNotWaitForever() {
    answer = null;
    assertThatThrownBy(() -> resolver(Duration.ofMillis(200)).didOf("alice.test"))
        .isInstanceOf(HandleResolver.Unreachable.class);
  }

  @Test
  void asksNobodyWhenTurnedOff() throws Exception {
    assertThat(new HandleResolver(Optional.empty(), Duration.ofSeconds(1)).didOf("alice.test"))
        .isEmpty();
    assertThat(asked.get()).isZero();
  }

  private HandleResolver resolver(Duration timeout) {
    return new HandleResolver(
        Optional.of(URI.create("http://127.0.0.1:" + server.getAddress().getPort())), timeout);
  }
}
