package routes.jetstream;

import java.util.Map;
import org.apache.camel.Endpoint;
import org.apache.camel.component.vertx.websocket.VertxWebsocketComponent;
import org.apache.camel.component.vertx.websocket.VertxWebsocketConfiguration;
import org.apache.camel.spi.annotations.Component;

/**
 * Reads Bluesky's event stream from Jetstream servers: {@code
 * jetstream:wss://host1,wss://host2?position=#bean}.
 *
 * <p>Where the WebSocket component that it extends gives every message an exchange of its own, in
 * any order, this one hands over blocks of messages one after the other, goes on when the exchange
 * is done, and starts every connection where the data that was kept ends.
 */
@Component("jetstream")
public class JetstreamComponent extends VertxWebsocketComponent {

  @Override
  protected Endpoint createEndpoint(String uri, String remaining, Map<String, Object> parameters)
      throws Exception {
    JetstreamEndpoint endpoint =
        new JetstreamEndpoint(
            uri, this, new VertxWebsocketConfiguration(), JetstreamHost.parse(remaining));
    setProperties(endpoint, parameters);
    endpoint.getConfiguration().setSslContextParameters(retrieveGlobalSslContextParameters());
    endpoint.check();
    return endpoint;
  }
}
