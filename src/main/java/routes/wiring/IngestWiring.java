package routes.wiring;

import java.time.Clock;
import org.apache.camel.CamelContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import routes.archive.Archive;
import routes.archive.Completeness;
import routes.buffer.BlockStream;
import routes.jetstream.PositionSource;
import routes.jetstream.StretchSource;
import routes.simulator.JetstreamServer;
import routes.simulator.Misbehaviour;
import routes.simulator.World;
import routes.wiring.ExplorerProperties.Role;

/** What the route {@code ingest} names, and the network that the simulator makes up. */
@Configuration(proxyBeanMethods = false)
class IngestWiring {

  @Bean
  Clock clock() {
    return Clock.systemUTC();
  }

  @Bean
  @ForRole(Role.INGEST)
  PositionSource ingestPosition(
      ExplorerProperties properties, BlockStream stream, Archive archive, Clock clock) {
    return new IngestPosition(stream, archive, properties.jetstream().start(), clock);
  }

  @Bean
  @ForRole(Role.INGEST)
  StretchSource gapsToFill(
      ExplorerProperties properties,
      Completeness completeness,
      Archive archive,
      BlockStream stream,
      Clock clock) {
    return new GapsToFill(
        completeness, archive, stream, properties.jetstream().hosts().size(), clock);
  }

  @Bean
  @ForRole({Role.INGEST, Role.DRAIN, Role.QUERY})
  IntakeProbe intakeProbe(BlockStream stream, Archive archive, CamelContext camel, Clock clock) {
    return new IntakeProbe(stream, archive, camel, clock);
  }

  @Bean
  @ForRole(Role.SIMULATOR)
  JetstreamServer simulator(ExplorerProperties properties, Clock clock) {
    ExplorerProperties.Simulator simulator = properties.simulator();
    Misbehaviour misbehaviour =
        simulator.misbehave() ? Misbehaviour.some(simulator.seed()) : Misbehaviour.NONE;
    return new JetstreamServer(
        new World(simulator.seed(), simulator.rate()), misbehaviour, clock, simulator.port());
  }
}
