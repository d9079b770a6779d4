package routes.jetstream;

import java.net.URI;
import java.net.URISyntaxException;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A Jetstream server.
 *
 * @param name scheme, host and port as configured: {@code wss://jetstream.us-east.bsky.network}
 * @param path where it serves events; {@code /subscribe} unless configured otherwise
 */
record JetstreamHost(String name, boolean tls, String host, int port, String path) {

  private static final Pattern URL = Pattern.compile("(wss?):/*(.+)");

  /** Reads the comma-separated URLs after {@code jetstream:}. */
  static List<JetstreamHost> parse(String urls) {
    List<JetstreamHost> hosts =
        Arrays.stream(urls.split(","))
            .map(String::strip)
            .filter(url -> !url.isEmpty())
            .map(JetstreamHost::parseOne)
            .toList();
    if (hosts.isEmpty()) {
      throw new IllegalArgumentException(
          "jetstream: needs at least one host, for example jetstream:wss://jetstream.us-east.bsky.network");
    }
    return hosts;
  }

  private static JetstreamHost parseOne(String url) {
    // Camel folds the slashes of an endpoint's URI: wss:/host is wss://host.
    Matcher matcher = URL.matcher(url);
    try {
      if (matcher.matches()) {
        URI uri = new URI(matcher.group(1) + "://" + matcher.group(2));
        boolean tls = uri.getScheme().equals("wss");
        if (uri.getHost() != null && uri.getQuery() == null) {
          int port = uri.getPort() > 0 ? uri.getPort() : tls ? 443 : 80;
          String path =
              uri.getPath() == null || uri.getPath().length() < 2 ? "/subscribe" : uri.getPath();
          return new JetstreamHost(
              uri.getScheme() + "://" + uri.getAuthority(), tls, uri.getHost(), port, path);
        }
      }
    } catch (URISyntaxException e) {
      throw new IllegalArgumentException("no Jetstream host: '" + url + "': " + e.getReason(), e);
    }
    throw new IllegalArgumentException(
        "no Jetstream host: '"
            + url
            + "'; it should be like wss://host or ws://host:port, without a query");
  }
}
