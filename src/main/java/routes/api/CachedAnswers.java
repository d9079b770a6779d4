package routes.api;

import static java.util.Objects.requireNonNull;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.time.Duration;
import java.util.Set;
import java.util.function.Supplier;
import org.springframework.util.DigestUtils;
import org.springframework.web.filter.OncePerRequestFilter;
import org.springframework.web.util.ContentCachingResponseWrapper;
import org.springframework.web.util.WebUtils;

/**
 * Gives the same answer again as long as nothing was received or committed since, and tells a
 * client that has it already (ETag). An answer that is pinned stays the same whatever comes.
 */
public final class CachedAnswers extends OncePerRequestFilter {

  private static final Set<String> PATHS =
      Set.of(
          "/search",
          "/api/v1/posts",
          "/api/v1/stats/volume",
          "/api/v1/stats/top",
          "/api/v1/stats/summary",
          "/api/v1/export/manifest");
  private static final Duration KEPT = Duration.ofMinutes(5);
  private static final long MAX_BYTES = 32 << 20;
  private static final int MAX_ANSWER_BYTES = 1 << 20;
  private static final String TAG = CachedAnswers.class.getName();

  private final Supplier<String> version;
  private final Cache<String, Answer> answers =
      Caffeine.newBuilder()
          .maximumWeight(MAX_BYTES)
          .weigher((String tag, Answer answer) -> tag.length() + answer.body.length)
          .expireAfterWrite(KEPT)
          .build();

  private record Answer(String type, byte[] body) {}

  /**
   * @param version of all that answers are made from: another one after each commit, and whenever
   *     posts were received
   */
  public CachedAnswers(Supplier<String> version) {
    this.version = requireNonNull(version, "version");
  }

  @Override
  protected boolean shouldNotFilter(HttpServletRequest request) {
    return !request.getMethod().equals("GET") || !PATHS.contains(request.getRequestURI());
  }

  @Override
  protected boolean shouldNotFilterAsyncDispatch() {
    return false;
  }

  @Override
  protected void doFilterInternal(
      HttpServletRequest request, HttpServletResponse response, FilterChain chain)
      throws ServletException, IOException {
    boolean first = !isAsyncDispatch(request);
    if (first) {
      String tag = tag(request);
      request.setAttribute(TAG, tag);
      if (isKnown(request, tag)) {
        describe(request, response, tag);
        response.setStatus(HttpServletResponse.SC_NOT_MODIFIED);
        return;
      }
      Answer answer = answers.getIfPresent(tag);
      if (answer != null) {
        describe(request, response, tag);
        response.setContentType(answer.type);
        response.setContentLength(answer.body.length);
        response.getOutputStream().write(answer.body);
        return;
      }
    }
    // Behind an answer that was made by another thread, others have put theirs around it.
    ContentCachingResponseWrapper known =
        WebUtils.getNativeResponse(response, ContentCachingResponseWrapper.class);
    ContentCachingResponseWrapper held =
        known == null ? new ContentCachingResponseWrapper(response) : known;
    chain.doFilter(request, known == null ? held : response);
    if (!isAsyncStarted(request)) {
      keep(request, held);
    }
  }

  private void keep(HttpServletRequest request, ContentCachingResponseWrapper held)
      throws IOException {
    String tag = (String) request.getAttribute(TAG);
    if (held.getStatus() == HttpServletResponse.SC_OK && tag != null) {
      describe(request, held, tag);
      if (held.getContentSize() <= MAX_ANSWER_BYTES) {
        answers.put(tag, new Answer(held.getContentType(), held.getContentAsByteArray()));
      }
    }
    held.copyBodyToResponse();
  }

  private static boolean isPinned(HttpServletRequest request) {
    return request.getParameter("pin") != null && !request.getParameter("pin").isBlank();
  }

  private String tag(HttpServletRequest request) {
    String of =
        (isPinned(request) ? "" : version.get())
            + " "
            + request.getRequestURI()
            + "?"
            + request.getQueryString();
    return "W/\""
        + DigestUtils.md5DigestAsHex(of.getBytes(java.nio.charset.StandardCharsets.UTF_8))
        + "\"";
  }

  private static boolean isKnown(HttpServletRequest request, String tag) {
    String known = request.getHeader("If-None-Match");
    if (known == null) {
      return false;
    }
    for (String each : known.split(",")) {
      if (each.strip().equals(tag)) {
        return true;
      }
    }
    return false;
  }

  private static void describe(
      HttpServletRequest request, HttpServletResponse response, String tag) {
    response.setHeader("ETag", tag);
    response.setHeader(
        "Cache-Control", isPinned(request) ? "max-age=" + KEPT.toSeconds() : "no-cache");
  }
}
