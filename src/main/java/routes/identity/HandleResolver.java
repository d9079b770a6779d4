package routes.identity;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.Locale;
import java.util.Optional;

/**
 * Asks the network's public XRPC API which account a handle belongs to ({@code
 * com.atproto.identity.resolveHandle}).
 */
public final class HandleResolver {

  private static final int MAX_CACHED = 20_000;
  private static final Duration KEPT = Duration.ofMinutes(10);
  private static final int MAX_ANSWER_BYTES = 64 << 10;

  private final Optional<URI> baseUrl;
  private final Duration timeout;
  private final HttpClient http;
  private final ObjectMapper json = new ObjectMapper();
  private final Cache<String, Optional<String>> cache =
      Caffeine.newBuilder().maximumSize(MAX_CACHED).expireAfterWrite(KEPT).build();

  /** The API could not be asked. */
  public static final class Unreachable extends Exception {

    private static final long serialVersionUID = 1;

    Unreachable(String message, Throwable cause) {
      super(message, cause);
    }
  }

  /**
   * @param baseUrl for example {@code https://public.api.bsky.app}; empty to ask nobody
   * @param timeout of one question
   */
  public HandleResolver(Optional<URI> baseUrl, Duration timeout) {
    this.baseUrl = requireNonNull(baseUrl, "baseUrl");
    this.timeout = requireNonNull(timeout, "timeout");
    this.http =
        HttpClient.newBuilder()
            .connectTimeout(timeout)
            .followRedirects(HttpClient.Redirect.NEVER)
            .build();
  }

  /**
   * The DID of a handle; empty when nobody has it, or nobody is asked.
   *
   * @throws Unreachable when there was no usable answer; asked again the next time
   */
  public Optional<String> didOf(String handle) throws Unreachable {
    String name = handle.toLowerCase(Locale.ROOT);
    if (baseUrl.isEmpty()) {
      return Optional.empty();
    }
    Optional<String> known = cache.getIfPresent(name);
    if (known == null) {
      known = ask(name);
      cache.put(name, known);
    }
    return known;
  }

  private Optional<String> ask(String handle) throws Unreachable {
    URI uri =
        baseUrl
            .get()
            .resolve(
                "/xrpc/com.atproto.identity.resolveHandle?handle="
                    + URLEncoder.encode(handle, UTF_8));
    try {
      HttpResponse<java.io.InputStream> response =
          http.send(
              HttpRequest.newBuilder(uri).timeout(timeout).build(),
              HttpResponse.BodyHandlers.ofInputStream());
      try (var body = response.body()) {
        byte[] answer = body.readNBytes(MAX_ANSWER_BYTES);
        if (response.statusCode() == 400 || response.statusCode() == 404) {
          return Optional.empty();
        }
        if (response.statusCode() != 200) {
          throw new Unreachable("it answered with status " + response.statusCode(), null);
        }
        JsonNode did = json.readTree(answer).path("did");
        if (!did.isTextual() || !did.textValue().startsWith("did:")) {
          throw new Unreachable("its answer has no DID", null);
        }
        return Optional.of(did.textValue());
      }
    } catch (IOException e) {
      throw new Unreachable(
          e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage(), e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new Unreachable("interrupted", e);
    }
  }
}
