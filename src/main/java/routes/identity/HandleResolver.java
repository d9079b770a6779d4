package routes.identity;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
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
 * com.atproto.identity.resolveHandle}), and which handle an account has ({@code
 * app.bsky.actor.getProfile}). Answers are kept on disk.
 */
public final class HandleResolver {

  private static final String NO_HANDLE = "handle.invalid";
  private static final int MAX_ANSWER_BYTES = 64 << 10;

  private final Optional<URI> baseUrl;
  private final Duration timeout;
  private final HttpClient http;
  private final ObjectMapper json = new ObjectMapper();
  private final AnswerCache cache;

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
   * @param cache of what was answered before
   */
  public HandleResolver(Optional<URI> baseUrl, Duration timeout, AnswerCache cache) {
    this.cache = requireNonNull(cache, "cache");
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
    return answer(
        "/xrpc/com.atproto.identity.resolveHandle?handle="
            + URLEncoder.encode(handle.toLowerCase(Locale.ROOT), UTF_8),
        "did",
        "did:");
  }

  /**
   * The handle of an account; empty when it has none, or nobody is asked.
   *
   * @throws Unreachable when there was no usable answer; asked again the next time
   */
  public Optional<String> handleOf(String did) throws Unreachable {
    return answer(
            "/xrpc/app.bsky.actor.getProfile?actor=" + URLEncoder.encode(did, UTF_8), "handle", "")
        .filter(handle -> !handle.equals(NO_HANDLE));
  }

  private Optional<String> answer(String question, String field, String beginning)
      throws Unreachable {
    if (baseUrl.isEmpty()) {
      return Optional.empty();
    }
    Optional<Optional<String>> known = cache.get(question);
    if (known.isPresent()) {
      return known.get();
    }
    Optional<String> answer = ask(question, field, beginning);
    cache.put(question, answer);
    return answer;
  }

  private Optional<String> ask(String question, String field, String beginning) throws Unreachable {
    URI uri = baseUrl.get().resolve(question);
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
        JsonNode value = json.readTree(answer).path(field);
        if (!value.isTextual() || !value.textValue().startsWith(beginning)) {
          throw new Unreachable("its answer has no " + field, null);
        }
        return Optional.of(value.textValue());
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
