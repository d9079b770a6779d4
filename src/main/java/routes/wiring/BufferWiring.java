package routes.wiring;

import io.lettuce.core.ClientOptions;
import io.lettuce.core.RedisURI;
import io.lettuce.core.SocketOptions;
import java.io.IOException;
import java.time.Duration;
import java.util.Optional;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.data.redis.connection.RedisConnectionFactory;
import org.springframework.data.redis.connection.lettuce.LettuceClientConfiguration;
import org.springframework.data.redis.connection.lettuce.LettuceConnectionFactory;
import org.springframework.data.redis.core.StringRedisTemplate;
import org.springframework.data.redis.listener.RedisMessageListenerContainer;
import org.springframework.data.redis.serializer.RedisSerializer;
import routes.archive.Archive;
import routes.archive.ArchivePosition;
import routes.buffer.BlockStream;
import routes.buffer.EmbeddedRedis;
import routes.buffer.StreamId;
import routes.wiring.ExplorerProperties.Role;

/** Redis: one connection factory for the stream of blocks and for the routes. */
@Configuration(proxyBeanMethods = false)
@ForRole({Role.INGEST, Role.DRAIN, Role.QUERY})
class BufferWiring {

  private static final Duration ANSWER = Duration.ofSeconds(30);

  @Bean
  @ConditionalOnProperty(
      name = "explorer.redis.url",
      havingValue = "embedded",
      matchIfMissing = true)
  EmbeddedRedis embeddedRedis(ExplorerProperties properties) throws IOException {
    return EmbeddedRedis.start(
        DataFolder.claim(properties.dataDir(), properties.demo()).resolve("redis"),
        properties.redis().maxMemory());
  }

  @Bean
  LettuceConnectionFactory redisConnectionFactory(
      ExplorerProperties properties, Optional<EmbeddedRedis> embedded) {
    RedisURI uri =
        embedded.map(BufferWiring::uri).orElseGet(() -> RedisURI.create(properties.redis().url()));
    LettuceClientConfiguration.LettuceClientConfigurationBuilder client =
        LettuceClientConfiguration.builder()
            .commandTimeout(ANSWER)
            .shutdownTimeout(Duration.ZERO)
            .clientOptions(
                ClientOptions.builder()
                    .disconnectedBehavior(ClientOptions.DisconnectedBehavior.REJECT_COMMANDS)
                    .socketOptions(
                        SocketOptions.builder()
                            .connectTimeout(Duration.ofSeconds(5))
                            .keepAlive(true)
                            .build())
                    .build());
    if (uri.isSsl()) {
      client.useSsl();
    }
    return new LettuceConnectionFactory(
        LettuceConnectionFactory.createRedisConfiguration(uri), client.build());
  }

  private static RedisURI uri(EmbeddedRedis server) {
    return RedisURI.builder()
        .withHost("127.0.0.1")
        .withPort(server.port())
        .withPassword(server.password().toCharArray())
        .build();
  }

  @Bean
  StringRedisTemplate stringRedisTemplate(RedisConnectionFactory factory) {
    return new StringRedisTemplate(factory);
  }

  @Bean
  RedisSerializer<String> stringRedisSerializer() {
    return RedisSerializer.string();
  }

  /** For routes that listen to the news of commits; it connects again by itself. */
  @Bean
  RedisMessageListenerContainer redisListeners(RedisConnectionFactory factory) {
    RedisMessageListenerContainer container = new RedisMessageListenerContainer();
    container.setConnectionFactory(factory);
    return container;
  }

  @Bean
  BlockStream blockStream(
      RedisConnectionFactory factory, ExplorerProperties properties, Archive archive) {
    return new BlockStream(
        factory,
        properties.redis().key(),
        () -> archive.position().map(ArchivePosition::streamId).orElse(StreamId.ZERO));
  }
}
