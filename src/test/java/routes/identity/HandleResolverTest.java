package routes.identity;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HandleResolverTest {

  private final AtomicInteger asked = new AtomicInteger();
  private final CountDownLatch done = new CountDownLatch(1);
  private volatile int status = 200;
  private volatile String answer = "{\"did\":\"did:plc:x\"}";
  private volatile String path;
  private HttpServer server;
  private final Instant now = Instant.parse("2026-07-04T12:00:00Z");
  @TempDir private Path folder;
  private AnswerCache cache;

  @BeforeEach
  void start() throws IOException {
    cache = new AnswerCache(folder.resolve("identity.sqlite"), Clock.fixed(now, ZoneOffset.UTC));
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext(
        "/xrpc/",
        exchange -> {
          path = exchange.getRequestURI().toString();
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
    cache.close();
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
        .hasMessageContaining("no did");
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
    assertThat(
            new HandleResolver(Optional.empty(), Duration.ofSeconds(1), cache).didOf("alice.test"))
        .isEmpty();
    assertThat(asked.get()).isZero();
  }

  @Test
  void tellsTheHandleOfAnAccount() throws Exception {
    answer = "{\"did\":\"did:plc:x\",\"handle\":\"alice.test\"}";
    assertThat(resolver(Duration.ofSeconds(5)).handleOf("did:plc:x")).contains("alice.test");
    assertThat(path).isEqualTo("/xrpc/app.bsky.actor.getProfile?actor=did%3Aplc%3Ax");
    answer = "{\"did\":\"did:plc:y\",\"handle\":\"handle.invalid\"}";
    assertThat(resolver(Duration.ofSeconds(5)).handleOf("did:plc:y")).isEmpty();
  }

  @Test
  void remembersOnDiskForSomeTime() throws Exception {
    resolver(Duration.ofSeconds(5)).didOf("alice.test");
    status = 400;
    resolver(Duration.ofSeconds(5)).didOf("nobody.test");
    assertThat(asked.get()).isEqualTo(2);
    cache.close();
    status = 200;
    restart(now.plus(Duration.ofMinutes(9)));
    assertThat(resolver(Duration.ofSeconds(5)).didOf("alice.test")).contains("did:plc:x");
    assertThat(resolver(Duration.ofSeconds(5)).didOf("nobody.test")).isEmpty();
    assertThat(asked.get()).isEqualTo(2);
    restart(now.plus(Duration.ofMinutes(11)));
    assertThat(resolver(Duration.ofSeconds(5)).didOf("nobody.test")).contains("did:plc:x");
    assertThat(asked.get()).isEqualTo(3);
    restart(now.plus(Duration.ofHours(25)));
    resolver(Duration.ofSeconds(5)).didOf("alice.test");
    assertThat(asked.get()).isEqualTo(4);
  }

  private void restart(Instant at) {
    cache.close();
    cache = new AnswerCache(folder.resolve("identity.sqlite"), Clock.fixed(at, ZoneOffset.UTC));
  }

  @Test
  void doesWithoutACacheThatIsDamaged() throws Exception {
    Files.writeString(folder.resolve("identity.sqlite"), "this is no database at all".repeat(100));
    HandleResolver resolver = resolver(Duration.ofSeconds(5));
    assertThat(resolver.didOf("alice.test")).contains("did:plc:x");
    assertThat(resolver.didOf("alice.test")).contains("did:plc:x");
    assertThat(resolver.didOf("alice.test")).contains("did:plc:x");
    assertThat(asked.get()).as("made anew, and used again").isLessThan(3);
  }

  private HandleResolver resolver(Duration timeout) {
    return new HandleResolver(
        Optional.of(URI.create("http://127.0.0.1:" + server.getAddress().getPort())),
        timeout,
        cache);
  }
}
