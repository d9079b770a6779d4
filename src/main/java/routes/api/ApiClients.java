package routes.api;

import static java.util.Objects.requireNonNull;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.github.bucket4j.Bucket;
import io.github.bucket4j.ConsumptionProbe;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletRequestWrapper;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.Arrays;
import java.util.Collections;
import java.util.Enumeration;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import org.springframework.web.filter.OncePerRequestFilter;
import org.springframework.web.util.UrlPathHelper;

/**
 * Tells who asks, by an API key or else by address, and how often that may be. Keys come as {@code
 * Authorization: Bearer …} or {@code X-API-Key}. Routes find the client in the header {@link
 * #HEADER}, which cannot be given from outside.
 */
public final class ApiClients extends OncePerRequestFilter {

  /** Of the client, for routes; also the request's attribute. */
  public static final String HEADER = "Explorer-Client";

  private static final List<String> GUARDED = List.of("/api/", "/search", "/export");
  private static final int MOST_CLIENTS = 100_000;
  private static final Duration WINDOW = Duration.ofHours(1);
  private static final int PREFIX_BYTES = 8;
  private static final String BEARER = "Bearer ";

  private final ApiKeys keys;
  private final boolean keyRequired;
  private final int requestsPerHour;
  private final ObjectMapper json;
  private final Cache<String, Bucket> buckets =
      Caffeine.newBuilder()
          .maximumSize(MOST_CLIENTS)
          .expireAfterAccess(WINDOW.multipliedBy(2))
          .build();

  /**
   * @param keyRequired whether nobody is answered without a key
   * @param requestsPerHour of one address, or of one key that has no limit of its own; 0 for no
   *     limit
   */
  public ApiClients(ApiKeys keys, boolean keyRequired, int requestsPerHour, ObjectMapper json) {
    this.keys = requireNonNull(keys, "keys");
    this.keyRequired = keyRequired;
    this.requestsPerHour = requestsPerHour;
    this.json = requireNonNull(json, "json");
  }

  @Override
  protected boolean shouldNotFilter(HttpServletRequest request) {
    // Decoded, as routes are found: /%61pi is /api as well.
    String path = UrlPathHelper.defaultInstance.getPathWithinApplication(request);
    return GUARDED.stream().noneMatch(path::startsWith);
  }

  @Override
  protected void doFilterInternal(
      HttpServletRequest request, HttpServletResponse response, FilterChain chain)
      throws ServletException, IOException {
    Optional<String> given = key(request);
    Optional<ApiKeys.Key> known = given.flatMap(keys::find);
    if (given.isPresent() && known.isEmpty()) {
      refuse(
          response,
          Problem.notAllowed(
              "Nobody has that API key.", "Give a key that was given to you, or none."));
      return;
    }
    if (keyRequired && known.isEmpty()) {
      refuse(
          response,
          Problem.notAllowed(
              "An API key is needed here.",
              "Give one as Authorization: Bearer …; the operator hands them out."));
      return;
    }
    String client =
        known.map(key -> "key:" + key.name()).orElseGet(() -> address(request.getRemoteAddr()));
    request.setAttribute(HEADER, client);
    int limit = known.flatMap(ApiKeys.Key::requestsPerHour).orElse(requestsPerHour);
    if (limit == 0 || mayAsk(client, limit, response)) {
      chain.doFilter(new OfClient(request, client), response);
    }
  }

  private boolean mayAsk(String client, int limit, HttpServletResponse response)
      throws IOException {
    Bucket bucket =
        buckets.get(
            client + " " + limit,
            who ->
                Bucket.builder()
                    .addLimit(bandwidth -> bandwidth.capacity(limit).refillGreedy(limit, WINDOW))
                    .build());
    ConsumptionProbe probe = bucket.tryConsumeAndReturnRemaining(1);
    long wait = (probe.getNanosToWaitForRefill() + 999_999_999) / 1_000_000_000;
    response.setHeader("RateLimit-Policy", "\"hour\";q=" + limit + ";w=" + WINDOW.toSeconds());
    response.setHeader(
        "RateLimit", "\"hour\";r=" + probe.getRemainingTokens() + ";t=" + Math.max(wait, 1));
    if (!probe.isConsumed()) {
      response.setHeader("Retry-After", Long.toString(Math.max(wait, 1)));
      refuse(
          response,
          Problem.tooMuch(
              "There were more than " + limit + " requests in an hour.",
              "Try again in " + Math.max(wait, 1) + " seconds, or ask the operator for a key."));
    }
    return probe.isConsumed();
  }

  private void refuse(HttpServletResponse response, Problem problem) throws IOException {
    if (problem.status() == HttpServletResponse.SC_UNAUTHORIZED) {
      response.setHeader("WWW-Authenticate", "Bearer");
    }
    response.setStatus(problem.status());
    response.setContentType("application/problem+json");
    json.writeValue(response.getOutputStream(), problem);
  }

  private static Optional<String> key(HttpServletRequest request) {
    String authorization = request.getHeader("Authorization");
    if (authorization != null && authorization.regionMatches(true, 0, BEARER, 0, BEARER.length())) {
      return Optional.of(authorization.substring(BEARER.length()).strip());
    }
    return Optional.ofNullable(request.getHeader("X-API-Key"));
  }

  /** An address of IPv4, or the network of one of IPv6: who has one has all of it. */
  static String address(String remote) {
    try {
      InetAddress address = InetAddress.getByName(remote);
      return address instanceof Inet6Address six
          ? "net:"
              + HexFormat.ofDelimiter(":").formatHex(Arrays.copyOf(six.getAddress(), PREFIX_BYTES))
          : "addr:" + address.getHostAddress();
    } catch (UnknownHostException e) {
      return "addr:unknown";
    }
  }

  private static final class OfClient extends HttpServletRequestWrapper {

    private final String client;

    OfClient(HttpServletRequest request, String client) {
      super(request);
      this.client = client;
    }

    @Override
    public String getHeader(String name) {
      return name.equalsIgnoreCase(HEADER) ? client : super.getHeader(name);
    }

    @Override
    public Enumeration<String> getHeaders(String name) {
      return name.equalsIgnoreCase(HEADER)
          ? Collections.enumeration(List.of(client))
          : super.getHeaders(name);
    }

    @Override
    public Enumeration<String> getHeaderNames() {
      List<String> names =
          Collections.list(super.getHeaderNames()).stream()
              .filter(name -> !name.equalsIgnoreCase(HEADER))
              .collect(java.util.stream.Collectors.toList());
      names.add(HEADER);
      return Collections.enumeration(names);
    }
  }
}
