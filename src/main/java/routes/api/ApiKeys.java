package routes.api;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The keys of those who may use the API, from a file that is read again when it changes. Each line
 * is a name, the SHA-256 of the key in hexadecimal and, if it has one of its own, a limit of
 * requests an hour (0 for none); what is behind {@code #} is not read. A file that cannot be read
 * leaves the keys as they were.
 */
public final class ApiKeys {

  private static final Logger LOG = LoggerFactory.getLogger(ApiKeys.class);

  private static final Pattern LINE =
      Pattern.compile("([A-Za-z0-9._-]{1,64})\\s+([0-9a-fA-F]{64})(?:\\s+(\\d{1,9}))?");
  private static final long LOOK_NANOS = 2_000_000_000L;

  private final Optional<Path> file;
  private volatile Map<String, Key> keys = Map.of();
  private String read = "";
  private long lookedAt;
  private boolean looked;

  /**
   * A key.
   *
   * @param name of who has it
   * @param requestsPerHour its own limit, 0 for none; empty for that of all
   */
  record Key(String name, Optional<Integer> requestsPerHour) {}

  /** The file has a line that is no key. */
  static final class Unreadable extends IOException {

    private static final long serialVersionUID = 1;

    Unreadable(int line) {
      super("line " + line + " is not a name, a SHA-256 in hexadecimal, and perhaps a number");
    }
  }

  /**
   * @param file empty for no keys
   */
  public ApiKeys(Optional<Path> file) {
    this.file = requireNonNull(file, "file");
  }

  /** Whose key that is; empty when nobody has it. */
  Optional<Key> find(String key) {
    look();
    return Optional.ofNullable(keys.get(hash(key)));
  }

  private synchronized void look() {
    if (file.isEmpty() || looked && System.nanoTime() - lookedAt < LOOK_NANOS) {
      return;
    }
    looked = true;
    lookedAt = System.nanoTime();
    try {
      String text = Files.readString(file.get());
      if (!text.equals(read)) {
        keys = parse(text);
        read = text;
        LOG.info("{} API keys are read from {}", keys.size(), file.get());
      }
    } catch (IOException e) {
      LOG.warn("API keys stay as they were: {} cannot be read: {}", file.get(), e.toString());
    }
  }

  static Map<String, Key> parse(String text) throws Unreadable {
    Map<String, Key> keys = new HashMap<>();
    int number = 0;
    for (String line : text.split("\n", -1)) {
      number++;
      String entry = line.replaceFirst("#.*", "").strip();
      if (!entry.isEmpty()) {
        Matcher matcher = LINE.matcher(entry);
        if (!matcher.matches()) {
          throw new Unreadable(number);
        }
        keys.put(
            matcher.group(2).toLowerCase(java.util.Locale.ROOT),
            new Key(matcher.group(1), Optional.ofNullable(matcher.group(3)).map(Integer::valueOf)));
      }
    }
    return Map.copyOf(keys);
  }

  static String hash(String key) {
    try {
      return HexFormat.of()
          .formatHex(MessageDigest.getInstance("SHA-256").digest(key.getBytes(UTF_8)));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
