package routes.buffer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisException;
import io.lettuce.core.RedisURI;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.time.Duration;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import routes.fixtures.Processes;

@Execution(ExecutionMode.CONCURRENT)
class EmbeddedRedisTest {

  @TempDir Path folder;

  @Test
  @Execution(ExecutionMode.SAME_THREAD)
  void neverEvictsAndKeepsAnAppendOnlyFile() throws IOException {
    try (EmbeddedRedis redis = EmbeddedRedis.start(folder, "64mb")) {
      assertThat(config(redis, "maxmemory-policy")).isEqualTo("noeviction");
      assertThat(config(redis, "appendonly")).isEqualTo("yes");
      assertThat(config(redis, "appendfsync")).isEqualTo("everysec");
      assertThat(config(redis, "maxmemory")).isEqualTo(Long.toString(64 << 20));
      assertThat(config(redis, "bind")).isEqualTo("127.0.0.1");
    }
  }

  @Test
  @Execution(ExecutionMode.SAME_THREAD)
  void keepsItsDataAndItsPortOverARestart() throws IOException {
    int port;
    try (EmbeddedRedis redis = EmbeddedRedis.start(folder, "64mb")) {
      port = redis.port();
      ask(redis, client -> client.set("key", "value"));
    }
    assertThat(process()).isNull();
    try (EmbeddedRedis redis = EmbeddedRedis.start(folder, "64mb")) {
      assertThat(redis.port()).isEqualTo(port);
      assertThat(ask(redis, client -> client.get("key"))).isEqualTo("value");
    }
  }

  @Test
  @Execution(ExecutionMode.SAME_THREAD)
  void takesOverAServerThatWasLeftBehind() throws IOException {
    EmbeddedRedis leftBehind = EmbeddedRedis.start(folder, "64mb");
    long process = process().pid();
    ask(leftBehind, client -> client.set("key", "value"));
    // What a killed process leaves: the server runs, and nobody has closed it.
    try (EmbeddedRedis redis = EmbeddedRedis.start(folder, "32mb")) {
      assertThat(process().pid()).isEqualTo(process);
      assertThat(ask(redis, client -> client.get("key"))).isEqualTo("value");
      assertThat(config(redis, "maxmemory")).isEqualTo(Long.toString(32 << 20));
    }
    assertThat(process()).isNull();
    leftBehind.close();
  }

  @Test
  @Execution(ExecutionMode.SAME_THREAD)
  void isEndedByTheLastWhoUsesIt() throws IOException {
    EmbeddedRedis first = EmbeddedRedis.start(folder, "64mb");
    EmbeddedRedis second = EmbeddedRedis.start(folder, "64mb");
    RedisClient user = RedisClient.create(uri(second));
    try (var connection = user.connect()) {
      first.close();
      assertThat(connection.sync().ping()).isEqualTo("PONG");
    } finally {
      user.shutdown();
    }
    second.close();
    assertThat(process()).isNull();
  }

  @Test
  @Execution(ExecutionMode.SAME_THREAD)
  void isStartedAgainWhenItDies() throws IOException {
    try (EmbeddedRedis redis = EmbeddedRedis.start(folder, "64mb")) {
      ask(redis, client -> client.set("key", "value"));
      // Every write is handed to the operating system before it is answered: a kill loses none.
      ProcessHandle killed = process();
      killed.destroyForcibly();
      await().until(() -> !killed.isAlive());
      await()
          .ignoreExceptions()
          .untilAsserted(
              () -> assertThat(ask(redis, client -> client.get("key"))).isEqualTo("value"));
    }
  }

  @Test
  @Execution(ExecutionMode.SAME_THREAD)
  void endsAServerThatHangsAndStartsAnother() throws IOException {
    EmbeddedRedis leftBehind = EmbeddedRedis.start(folder, "64mb");
    ask(leftBehind, client -> client.set("key", "value"));
    ProcessHandle hung = process();
    Processes.signal(hung.pid(), "STOP");
    try (EmbeddedRedis redis = EmbeddedRedis.start(folder, "64mb", Duration.ofSeconds(1))) {
      assertThat(hung.isAlive()).isFalse();
      assertThat(process().pid()).isNotEqualTo(hung.pid());
      assertThat(ask(redis, client -> client.get("key"))).isEqualTo("value");
    }
    leftBehind.close();
  }

  @Test
  @Execution(ExecutionMode.SAME_THREAD)
  void takesAnotherPortWhereItsOwnIsTaken() throws IOException {
    int port;
    try (EmbeddedRedis redis = EmbeddedRedis.start(folder, "64mb")) {
      port = redis.port();
    }
    try (ServerSocket other = new ServerSocket(port, 1, InetAddress.getLoopbackAddress());
        EmbeddedRedis redis = EmbeddedRedis.start(folder, "64mb")) {
      assertThat(redis.port()).isNotEqualTo(other.getLocalPort());
      assertThat(ask(redis, client -> client.ping())).isEqualTo("PONG");
    }
  }

  @Test
  @Execution(ExecutionMode.SAME_THREAD)
  void takesNoOtherProcessForItsServer() throws IOException, InterruptedException {
    Process other = new ProcessBuilder("sleep", "60").start();
    try {
      Files.writeString(folder.resolve("redis.pid"), other.pid() + "\n");
      try (EmbeddedRedis redis = EmbeddedRedis.start(folder, "64mb", Duration.ofSeconds(10))) {
        assertThat(ask(redis, client -> client.ping())).isEqualTo("PONG");
        assertThat(process().pid()).isNotEqualTo(other.pid());
      }
      assertThat(other.isAlive()).isTrue();
    } finally {
      other.destroy();
      other.waitFor();
    }
  }

  @Test
  @Execution(ExecutionMode.SAME_THREAD)
  void everyFolderHasAPasswordOfItsOwn() throws IOException {
    try (EmbeddedRedis one = EmbeddedRedis.start(folder.resolve("one"), "64mb");
        EmbeddedRedis two = EmbeddedRedis.start(folder.resolve("two"), "64mb")) {
      assertThat(one.password()).isNotEqualTo(two.password());
      assertThat(folder.resolve("one/redis-server")).isExecutable();
      assertThat(folder.resolve("one/unpack")).doesNotExist();
      assertThat(Thread.getAllStackTraces().keySet())
          .filteredOn(thread -> thread.getName().equals("redis-watch"))
          .isNotEmpty()
          .allMatch(Thread::isDaemon);
    }
  }

  @Test
  @Execution(ExecutionMode.SAME_THREAD)
  void knowsAServerThatIsStillLoading() {
    RuntimeException loading =
        new RedisException("no", new IOException("LOADING Redis is loading the dataset in memory"));
    assertThat(EmbeddedRedis.isLoading(loading)).isTrue();
    assertThat(EmbeddedRedis.isLoading(new RedisException("WRONGPASS", new IOException())))
        .isFalse();
  }

  @Test
  @Execution(ExecutionMode.SAME_THREAD)
  void hidesItsPasswordFromOtherUsers() throws IOException {
    try (EmbeddedRedis redis = EmbeddedRedis.start(folder, "64mb")) {
      assertThat(redis.password()).hasSizeGreaterThan(30);
      for (String name : new String[] {"redis.conf", "server.properties"}) {
        assertThat(Files.getPosixFilePermissions(folder.resolve(name)))
            .containsExactlyInAnyOrder(
                PosixFilePermission.OWNER_READ, PosixFilePermission.OWNER_WRITE);
      }
    }
  }

  private ProcessHandle process() throws IOException {
    Path file = folder.resolve("redis.pid");
    return Files.exists(file)
        ? ProcessHandle.of(Long.parseLong(Files.readString(file).strip()))
            .filter(ProcessHandle::isAlive)
            .orElse(null)
        : null;
  }

  private static String config(EmbeddedRedis redis, String name) {
    return ask(redis, client -> client.configGet(name).get(name));
  }

  private static String ask(
      EmbeddedRedis redis,
      Function<io.lettuce.core.api.sync.RedisCommands<String, String>, String> question) {
    RedisClient client = RedisClient.create(uri(redis));
    try (var connection = client.connect()) {
      return question.apply(connection.sync());
    } finally {
      client.shutdown();
    }
  }

  private static RedisURI uri(EmbeddedRedis redis) {
    return RedisURI.builder()
        .withHost("127.0.0.1")
        .withPort(redis.port())
        .withPassword(redis.password().toCharArray())
        .build();
  }
}
