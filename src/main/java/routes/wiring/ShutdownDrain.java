package routes.wiring;

import org.apache.camel.CamelContext;
import org.apache.camel.ProducerTemplate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.context.event.ContextClosedEvent;
import org.springframework.context.event.EventListener;
import org.springframework.core.Ordered;
import org.springframework.core.annotation.Order;
import org.springframework.stereotype.Component;
import routes.wiring.ExplorerProperties.Role;

/** Drains once more at an orderly shutdown, before the routes are stopped. */
@Component
@ForRole(Role.DRAIN)
@ConditionalOnProperty(name = "explorer.drain.on-shutdown", havingValue = "true")
class ShutdownDrain {

  private static final Logger LOG = LoggerFactory.getLogger(ShutdownDrain.class);

  private final CamelContext camel;

  ShutdownDrain(CamelContext camel) {
    this.camel = camel;
  }

  @EventListener
  @Order(Ordered.HIGHEST_PRECEDENCE) // Camel listens to the same event, and stops its routes
  void onClosing(ContextClosedEvent closing) {
    try (ProducerTemplate template = camel.createProducerTemplate()) {
      if (camel.getRoute("ingest") != null) {
        camel.getRouteController().stopRoute("ingest");
      }
      template.sendBody("direct:drain", null);
    } catch (Exception e) {
      LOG.warn(
          "The last drain did not succeed; what is left is archived after the next start: {}",
          e.getMessage());
    }
  }
}
