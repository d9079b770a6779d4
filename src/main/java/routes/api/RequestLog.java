package routes.api;

import jakarta.servlet.AsyncEvent;
import jakarta.servlet.AsyncListener;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.UUID;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.web.filter.OncePerRequestFilter;

/**
 * Gives each request an id, its own where it brings one, and writes a line of each to the log
 * {@code access}: without what was asked for, unless that is wanted.
 */
public final class RequestLog extends OncePerRequestFilter {

  /** Of the id, in requests and answers. */
  static final String HEADER = "X-Request-Id";

  private static final Logger ACCESS = LoggerFactory.getLogger("access");
  private static final Pattern ID = Pattern.compile("[A-Za-z0-9._-]{1,64}");

  private final boolean withQueries;

  /**
   * @param withQueries whether parameters are logged
   */
  public RequestLog(boolean withQueries) {
    this.withQueries = withQueries;
  }

  @Override
  protected void doFilterInternal(
      HttpServletRequest request, HttpServletResponse response, FilterChain chain)
      throws ServletException, IOException {
    long start = System.nanoTime();
    String given = request.getHeader(HEADER);
    String id = given != null && ID.matcher(given).matches() ? given : UUID.randomUUID().toString();
    response.setHeader(HEADER, id);
    String path = path(request);
    try {
      chain.doFilter(request, response);
    } finally {
      if (request.isAsyncStarted()) {
        request
            .getAsyncContext()
            .addListener(new AtEnd(() -> log(request, path, response, id, start)));
      } else {
        log(request, path, response, id, start);
      }
    }
  }

  private String path(HttpServletRequest request) {
    String query = request.getQueryString();
    return withQueries && query != null
        ? request.getRequestURI() + "?" + query
        : request.getRequestURI();
  }

  private static void log(
      HttpServletRequest request,
      String path,
      HttpServletResponse response,
      String id,
      long start) {
    Object client = request.getAttribute(ApiClients.HEADER);
    ACCESS.info(
        "{} {} status={} ms={} client={} id={}",
        request.getMethod(),
        path,
        response.getStatus(),
        (System.nanoTime() - start) / 1_000_000,
        client == null ? "-" : client,
        id);
  }

  private record AtEnd(Runnable then) implements AsyncListener {

    @Override
    public void onComplete(AsyncEvent event) {
      then.run();
    }

    @Override
    public void onTimeout(AsyncEvent event) {
      // completes later
    }

    @Override
    public void onError(AsyncEvent event) {
      // completes later
    }

    @Override
    public void onStartAsync(AsyncEvent event) {
      event.getAsyncContext().addListener(this);
    }
  }
}
