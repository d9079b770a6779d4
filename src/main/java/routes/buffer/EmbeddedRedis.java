package routes.buffer;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.lettuce.core.ClientOptions;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisException;
import io.lettuce.core.RedisURI;
import io.lettuce.core.api.StatefulRedisConnection;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.HexFormat;
import java.util.Optional;
import java.util.Properties;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import redis.embedded.core.ExecutableProvider;
import routes.jetstream.RootCause;

/**
 * A Redis server of our own, for one data folder: on the loopback address, behind a password, never
 * evicting, with an append-only file that is flushed every second.
 *
 * <p>It is a process of its own, so that it outlives ours. A server that a killed process left
 * behind is found by what it wrote to the folder, and taken over; there are never two on one
 * folder. Instances that share the folder share the server; the last one ends it. One that dies is
 * started again.
 */
public final class EmbeddedRedis implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(EmbeddedRedis.class);

  private static final Duration ANSWER = Duration.ofSeconds(5);
  private static final Duration HUNG = Duration.ofSeconds(30);
  private static final long CHECK_SECONDS = 2;

  private enum Answer {
    READY,
    LOADING,
    NONE
  }

  private final Path folder;
  private final String maxMemory;
  private final Duration hung;
  private final Duration answer;
  private final ScheduledExecutorService watch;

  private int port;
  private String password;
  private volatile boolean closed;

  private EmbeddedRedis(Path folder, String maxMemory, Duration hung) {
    this.folder = folder;
    this.maxMemory = maxMemory;
    this.hung = hung;
    this.answer = hung.compareTo(ANSWER) < 0 ? hung : ANSWER;
    this.watch =
        Executors.newSingleThreadScheduledExecutor(
            task -> {
              Thread thread = new Thread(task, "redis-watch");
              thread.setDaemon(true);
              return thread;
            });
  }

  /**
   * Starts the server of a folder, or takes over the one that runs.
   *
   * @param folder where its files are; made if need be
   * @param maxMemory how much it may hold, as Redis writes it: {@code 2gb}. When that is full,
   *     appending fails, and nothing is dropped
   */
  public static EmbeddedRedis start(Path folder, String maxMemory) throws IOException {
    return start(folder, maxMemory, HUNG);
  }

  /**
   * @param hung how long a server may give no answer before it is ended
   */
  static EmbeddedRedis start(Path folder, String maxMemory, Duration hung) throws IOException {
    EmbeddedRedis server =
        new EmbeddedRedis(Files.createDirectories(folder).toRealPath(), maxMemory, hung);
    server.ensureRunning();
    server.watch.scheduleWithFixedDelay(
        server::check, CHECK_SECONDS, CHECK_SECONDS, TimeUnit.SECONDS);
    return server;
  }

  public int port() {
    return port;
  }

  public String password() {
    return password;
  }

  private void check() {
    try {
      if (!closed && answer() == Answer.NONE && serverProcess().isEmpty()) {
        LOG.warn("The embedded Redis on port {} has ended: starting it again", port);
        ensureRunning();
      }
    } catch (IOException | RuntimeException e) {
      if (closed) {
        return; // interrupted while it looked
      }
      LOG.error("The embedded Redis cannot be started again, trying on: {}", RootCause.message(e));
    }
  }

  private synchronized void ensureRunning() throws IOException {
    try (FileChannel channel =
            FileChannel.open(
                folder.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        FileLock lock = channel.lock()) {
      readIdentity();
      if (serverProcess().isPresent() && awaitAnswer(hung)) {
        LOG.info("Taking over the Redis server that runs on port {} for {}", port, folder);
        configure();
        return;
      }
      endHungServer();
      launch();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted while Redis started", e);
    }
  }

  /** Waits for an answer; as long as it takes while the server says that it loads its file. */
  private boolean awaitAnswer(Duration silence) throws IOException, InterruptedException {
    long deadline = System.nanoTime() + silence.toNanos();
    while (true) {
      Answer answer = answer();
      if (answer == Answer.READY) {
        return true;
      }
      if (answer == Answer.NONE && (System.nanoTime() > deadline || serverProcess().isEmpty())) {
        return false;
      }
      TimeUnit.MILLISECONDS.sleep(50);
    }
  }

  /**
   * Port and password stay the same over restarts where possible, so that clients find the server
   * again.
   */
  private void readIdentity() throws IOException {
    Path file = folder.resolve("server.properties");
    Properties identity = new Properties();
    if (Files.exists(file)) {
      try (InputStream in = Files.newInputStream(file)) {
        identity.load(in);
      }
    }
    port = Integer.parseInt(identity.getProperty("port", "0"));
    password = identity.getProperty("password");
    if (password == null) {
      byte[] random = new byte[24];
      new SecureRandom().nextBytes(random);
      password = HexFormat.of().formatHex(random);
    }
  }

  private void writeIdentity() throws IOException {
    Properties identity = new Properties();
    identity.setProperty("port", Integer.toString(port));
    identity.setProperty("password", password);
    Path file = privateFile("server.properties");
    try (OutputStream out = Files.newOutputStream(file)) {
      identity.store(out, "the Redis server of this folder");
    }
  }

  private void launch() throws IOException, InterruptedException {
    Path executable = executable();
    if (port == 0 || !isFree(port)) {
      port = freePort();
    }
    writeIdentity();
    Files.write(privateFile("redis.conf"), configuration().getBytes(UTF_8));
    Process starter =
        new ProcessBuilder(executable.toString(), folder.resolve("redis.conf").toString())
            .directory(folder.toFile())
            .redirectErrorStream(true)
            .redirectOutput(folder.resolve("start.log").toFile())
            .start();
    if (!starter.waitFor(30, TimeUnit.SECONDS) || starter.exitValue() != 0) {
      starter.destroyForcibly();
      throw new IOException("redis-server did not start; see start.log and redis.log in " + folder);
    }
    if (!awaitStart()) {
      throw new IOException("redis-server ended or gives no answer; see redis.log in " + folder);
    }
    LOG.info("Redis runs on 127.0.0.1:{}, its files are in {}", port, folder);
  }

  /** The daemon writes its pid file a moment after the command that started it has ended. */
  private boolean awaitStart() throws IOException, InterruptedException {
    long deadline = System.nanoTime() + hung.toNanos();
    while (serverProcess().isEmpty() && System.nanoTime() < deadline) {
      TimeUnit.MILLISECONDS.sleep(20);
    }
    return awaitAnswer(hung);
  }

  private String configuration() {
    return String.join(
        "\n",
        "bind 127.0.0.1",
        "port " + port,
        "requirepass " + password,
        "dir \"" + folder + "\"",
        "daemonize yes",
        "pidfile \"" + folder.resolve("redis.pid") + "\"",
        "logfile \"" + folder.resolve("redis.log") + "\"",
        "maxmemory " + maxMemory,
        "maxmemory-policy noeviction",
        "appendonly yes",
        "appendfsync everysec",
        "aof-use-rdb-preamble yes",
        "auto-aof-rewrite-percentage 100",
        "auto-aof-rewrite-min-size 64mb",
        "save \"\"",
        "");
  }

  private void configure() {
    try (Control control = new Control()) {
      control.connection.sync().configSet("maxmemory", maxMemory);
    }
  }

  private Answer answer() {
    if (port == 0 || isFree(port)) {
      return Answer.NONE;
    }
    try (Control control = new Control()) {
      String dir = control.connection.sync().configGet("dir").getOrDefault("dir", "/");
      return Path.of(dir).equals(folder) ? Answer.READY : Answer.NONE;
    } catch (RedisException e) {
      LOG.debug("Redis on port {} is not ready", port, e);
      return isLoading(e) ? Answer.LOADING : Answer.NONE;
    }
  }

  static boolean isLoading(Throwable failure) {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (String.valueOf(cause.getMessage()).startsWith("LOADING")) {
        return true;
      }
    }
    return false;
  }

  private void endHungServer() throws IOException, InterruptedException {
    Optional<ProcessHandle> server = serverProcess();
    if (server.isEmpty()) {
      return;
    }
    LOG.warn("Redis process {} of {} gives no answer: ending it", server.get().pid(), folder);
    server.get().destroy();
    try {
      server.get().onExit().get(hung.toMillis(), TimeUnit.MILLISECONDS);
    } catch (java.util.concurrent.ExecutionException | java.util.concurrent.TimeoutException e) {
      server.get().destroyForcibly();
      server.get().onExit().join();
    }
  }

  /** The process that the pid file names, if it is a Redis server of this folder. */
  private Optional<ProcessHandle> serverProcess() throws IOException {
    Path file = folder.resolve("redis.pid");
    if (!Files.exists(file)) {
      return Optional.empty();
    }
    String pid = Files.readString(file).strip();
    if (pid.isEmpty()) {
      return Optional.empty();
    }
    return ProcessHandle.of(Long.parseLong(pid))
        .filter(
            process ->
                process
                    .info()
                    .command()
                    .map(Path::of)
                    .filter(executablePath()::equals)
                    .isPresent());
  }

  private Path executablePath() {
    return folder.resolve("redis-server");
  }

  private Path executable() throws IOException {
    Path executable = executablePath();
    if (!Files.isExecutable(executable)) {
      Path unpacked = Files.createDirectories(folder.resolve("unpack"));
      Path file = ExecutableProvider.newJarResourceProvider(unpacked.toFile()).get().toPath();
      Files.move(file, executable);
      Files.delete(unpacked);
    }
    return executable;
  }

  private Path privateFile(String name) throws IOException {
    Path file = folder.resolve(name);
    Files.deleteIfExists(file);
    return Files.createFile(
        file, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
  }

  private static boolean isFree(int port) {
    try (ServerSocket socket = new ServerSocket(port, 1, InetAddress.getLoopbackAddress())) {
      return true;
    } catch (IOException e) {
      return false;
    }
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }

  /** Ends the server if nobody else uses it. */
  @Override
  public void close() {
    closed = true;
    watch.shutdownNow();
    synchronized (this) {
      try (FileChannel channel =
              FileChannel.open(
                  folder.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
          FileLock lock = channel.lock();
          Control control = new Control()) {
        long others = control.connection.sync().clientList().lines().count() - 1;
        if (others > 0) {
          LOG.info("Redis on port {} goes on: {} other connections use it", port, others);
        } else {
          Optional<ProcessHandle> process = serverProcess();
          control.connection.sync().shutdown(false);
          process.ifPresent(handle -> handle.onExit().orTimeout(30, TimeUnit.SECONDS).join());
        }
      } catch (RedisException e) {
        LOG.info("Redis on port {} had ended already: {}", port, e.getMessage());
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  /** A short connection of our own, for questions about the server itself. */
  private final class Control implements AutoCloseable {

    private final RedisClient client;
    private final StatefulRedisConnection<String, String> connection;

    Control() {
      RedisURI uri =
          RedisURI.builder()
              .withHost("127.0.0.1")
              .withPort(port)
              .withPassword(password.toCharArray())
              .withTimeout(answer)
              .build();
      client = RedisClient.create(uri);
      client.setOptions(ClientOptions.builder().autoReconnect(false).build());
      try {
        connection = client.connect();
      } catch (RedisException e) {
        client.shutdown(Duration.ZERO, answer);
        throw e;
      }
    }

    @Override
    public void close() {
      client.shutdown(Duration.ZERO, answer);
    }
  }
}
