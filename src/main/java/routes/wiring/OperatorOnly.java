package routes.wiring;

import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.net.InetAddress;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.springframework.web.filter.OncePerRequestFilter;

/**
 * Lets only who is on this machine get to the endpoints that can change what runs; others are told
 * that there is nothing.
 *
 * <p>Neither a proxy here that says for whom it asks nor a page of somebody else in the operator's
 * browser (that says where it is from, or asks for another host) is on this machine.
 */
final class OperatorOnly extends OncePerRequestFilter {

  private static final Set<String> HERE = Set.of("localhost", "127.0.0.1", "[::1]");
  private static final Set<String> FROM_HERE = Set.of("same-origin", "none");
  private static final List<String> GUARDED = List.of("/observe/hawtio", "/observe/jolokia");

  @Override
  protected boolean shouldNotFilter(HttpServletRequest request) {
    // As it is decoded, and so as it is served.
    return GUARDED.stream().noneMatch(request.getServletPath()::startsWith);
  }

  @Override
  protected void doFilterInternal(
      HttpServletRequest request, HttpServletResponse response, FilterChain chain)
      throws ServletException, IOException {
    if (isFromHere(request)) {
      chain.doFilter(request, response);
    } else {
      response.setStatus(HttpServletResponse.SC_NOT_FOUND);
    }
  }

  static boolean isFromHere(HttpServletRequest request) throws IOException {
    String host = request.getHeader("Host");
    String origin = request.getHeader("Origin");
    String site = request.getHeader("Sec-Fetch-Site");
    return InetAddress.getByName(request.getRemoteAddr()).isLoopbackAddress()
        && host != null
        && HERE.contains(host.replaceFirst(":\\d+$", ""))
        && (origin == null || origin.equals("http://" + host))
        && (site == null || FROM_HERE.contains(site))
        && Collections.list(request.getHeaderNames()).stream()
            .map(name -> name.toLowerCase(Locale.ROOT))
            .noneMatch(name -> name.equals("forwarded") || name.startsWith("x-forwarded-"));
  }
}
