package routes.jetstream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import java.time.Duration;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.camel.impl.DefaultCamelContext;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The options of the component, and what it makes of them. */
class JetstreamEndpointTest {

  private static final long NOON_US = 1_783_166_400_000_000L;

  private final DefaultCamelContext camel = new DefaultCamelContext();

  @AfterEach
  void close() throws Exception {
    camel.close();
  }

  private JetstreamEndpoint endpoint(String uri) {
    return camel.getEndpoint("jetstream:" + uri, JetstreamEndpoint.class);
  }

  @Test
  void hasDefaultsThatFitTheRealServers() throws Exception {
    JetstreamEndpoint endpoint = endpoint("wss://one.example");
    assertThat(endpoint.getCollections()).isEmpty();
    assertThat(endpoint.getPosition().read()).isEmpty();
    assertThat(endpoint.getStretches()).isNull();
    assertThat(endpoint.getStretchDelay()).isEqualTo(Duration.ofMinutes(1));
    assertThat(endpoint.getBatchSize()).isEqualTo(1000);
    assertThat(endpoint.getBatchBytes()).isEqualTo(4 << 20);
    assertThat(endpoint.getLinger()).isEqualTo(Duration.ofMillis(500));
    assertThat(endpoint.getRewind()).isEqualTo(Duration.ofSeconds(10));
    assertThat(endpoint.getHostRewind()).isEqualTo(Duration.ofMinutes(1));
    assertThat(endpoint.getClockTolerance()).isEqualTo(Duration.ofSeconds(10));
    assertThat(endpoint.getIdleTimeout()).isEqualTo(Duration.ofMinutes(1));
    assertThat(endpoint.getReconnectDelay()).isEqualTo(Duration.ofSeconds(1));
    assertThat(endpoint.getMaxReconnectDelay()).isEqualTo(Duration.ofSeconds(30));
    assertThat(endpoint.getConnectTimeout()).isEqualTo(Duration.ofSeconds(10));
    assertThat(endpoint.getMaxMessageBytes()).isEqualTo(16 << 20);
    assertThat(endpoint.isCompress()).isFalse();
    assertThat(endpoint.isLenientProperties()).isFalse();
    assertThatThrownBy(endpoint::createProducer).hasMessageContaining("only reads");
  }

  @Test
  void takesEveryOptionFromItsUri() throws Exception {
    camel.getRegistry().bind("here", (PositionSource) () -> Optional.of(new Position(7, "h")));
    camel.getRegistry().bind("gaps", (StretchSource) Optional::empty);
    JetstreamEndpoint endpoint =
        endpoint(
            "wss://one.example,ws://two.example:81/path?collections=app.bsky.feed.*&position=#bean:here"
                + "&stretches=#bean:gaps&stretchDelay=2s&batchSize=3&batchBytes=4&linger=5ms&rewind=6s"
                + "&hostRewind=7s&clockTolerance=8s&idleTimeout=9s&reconnectDelay=10s&maxReconnectDelay=11s"
                + "&connectTimeout=12s&maxMessageBytes=8388608");
    assertThat(endpoint.getCollections()).isEqualTo("app.bsky.feed.*");
    assertThat(endpoint.getPosition().read()).contains(new Position(7, "h"));
    assertThat(endpoint.getStretches()).isNotNull();
    assertThat(endpoint.getStretchDelay()).hasSeconds(2);
    assertThat(endpoint.getBatchSize()).isEqualTo(3);
    assertThat(endpoint.getBatchBytes()).isEqualTo(4);
    assertThat(endpoint.getLinger()).hasMillis(5);
    assertThat(endpoint.getRewind()).hasSeconds(6);
    assertThat(endpoint.getHostRewind()).hasSeconds(7);
    assertThat(endpoint.getClockTolerance()).hasSeconds(8);
    assertThat(endpoint.getIdleTimeout()).hasSeconds(9);
    assertThat(endpoint.getReconnectDelay()).hasSeconds(10);
    assertThat(endpoint.getMaxReconnectDelay()).hasSeconds(11);
    assertThat(endpoint.getConnectTimeout()).hasSeconds(12);
    assertThat(endpoint.getMaxMessageBytes()).isEqualTo(8 << 20);
    assertThat(endpoint.hosts())
        .extracting(
            JetstreamHost::name,
            JetstreamHost::tls,
            JetstreamHost::host,
            JetstreamHost::port,
            JetstreamHost::path)
        .containsExactly(
            tuple("wss://one.example", true, "one.example", 443, "/subscribe"),
            tuple("ws://two.example:81", false, "two.example", 81, "/path"));
    assertThat(endpoint.getServiceUrl()).isEqualTo("wss://one.example,ws://two.example:81");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "batchSize=0",
        "batchBytes=0",
        "linger=0",
        "idleTimeout=0",
        "reconnectDelay=0",
        "connectTimeout=0",
        "stretchDelay=0",
        "rewind=-1",
        "hostRewind=9s",
        "clockTolerance=-1",
        "maxReconnectDelay=999",
        "maxMessageBytes=8388607",
        "compress=true",
        "collections=nodots",
        "collections=app.bsky.*.post"
      })
  void refusesWhatMakesNoSense(String option) {
    assertThatThrownBy(() -> endpoint("ws://one.example?" + option))
        .rootCause()
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(option.substring(0, option.indexOf('=')));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "ws://h?collections=no spaces allowed | collections: 'no spaces allowed' is no collection",
        "ws://h?collections=* | '*' is no collection",
        "ws://h?compress=true | compress=true: a server then compresses",
        "ws://h?batchSize=0 | batchSize",
        "ws://h?maxMessageBytes=1000 | maxMessageBytes: at least 8388608",
        "ws://h?rewind=1m&hostRewind=1s | hostRewind",
        "ws://h?nosuch=1 | nosuch",
        "http://h | no Jetstream host: 'http://h'",
      })
  void saysAtTheStartWhatIsWrong(String uri, String words) {
    assertThatThrownBy(() -> camel.getEndpoint("jetstream:" + uri))
        .hasStackTraceContaining(words.strip());
  }

  @Test
  void refusesMoreCollectionsThanAServerTakes() {
    String many =
        IntStream.range(0, 101).mapToObj(i -> "app.bsky.x" + i).collect(Collectors.joining(","));
    assertThatThrownBy(() -> camel.getEndpoint("jetstream:ws://h?collections=" + many))
        .hasStackTraceContaining("101 names, but a Jetstream server takes at most 100");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "batchSize=1",
        "batchBytes=1",
        "linger=1",
        "rewind=0",
        "hostRewind=10s",
        "clockTolerance=0",
        "maxReconnectDelay=1s",
        "maxMessageBytes=8388608",
        "collections=a.b,app.bsky.*"
      })
  void takesTheLeastThatMakesSense(String option) {
    assertThat(endpoint("ws://one.example?" + option).hosts()).hasSize(1);
  }

  @ParameterizedTest
  @CsvSource({
    "wss://one.example, 0, 10000",
    "wss://one.example, 1, 5000",
    "wss://one.example, 3, 1250",
    "wss://one.example, 4, 1000",
    "wss://one.example, 90, 1000",
    "wss://two.example, 0, 60000",
    "wss://two.example, 90, 60000"
  })
  void startsBeforeThePositionByLessWhereItsHostBringsNothingNew(
      String gaveThePosition, int fruitless, long millis) {
    JetstreamEndpoint endpoint = endpoint("wss://one.example");
    String uri =
        endpoint
            .connectOptions(
                endpoint.hosts().get(0),
                Optional.of(new Position(NOON_US, gaveThePosition)),
                fruitless)
            .getURI();
    assertThat(uri).endsWith("&cursor=" + (NOON_US - 1000 * millis));
  }

  @Test
  void rewindsByLessThanASecondOnlyWhereThatIsWanted() {
    JetstreamEndpoint endpoint = endpoint("wss://one.example?rewind=300");
    String uri =
        endpoint
            .connectOptions(
                endpoint.hosts().get(0), Optional.of(new Position(NOON_US, "wss://one.example")), 9)
            .getURI();
    assertThat(uri).endsWith("&cursor=" + (NOON_US - 300_000));
  }

  @Test
  void neverAsksForATimeBeforeAll() {
    JetstreamEndpoint endpoint = endpoint("wss://one.example");
    Position early = new Position(5, "wss://one.example");
    assertThat(endpoint.connectOptions(endpoint.hosts().get(0), Optional.of(early), 0).getURI())
        .endsWith("&cursor=1");
  }

  @Test
  void asksForWhatIsWanted() {
    JetstreamEndpoint endpoint =
        endpoint("wss://one.example:8443?collections=app.bsky.feed.post, app.bsky.graph.*,");
    var options = endpoint.connectOptions(endpoint.hosts().get(0), Optional.empty(), 0);
    assertThat(options.getURI())
        .isEqualTo(
            "/subscribe?maxMessageSizeBytes=16777216&wantedCollections=app.bsky.feed.post"
                + "&wantedCollections=app.bsky.graph.*");
    assertThat(options.getHost()).isEqualTo("one.example");
    assertThat(options.getPort()).isEqualTo(8443);
    assertThat(options.isSsl()).isTrue();
    assertThat(options.getAllowOriginHeader()).isFalse();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"http://one.example", "wss://one.example?x=%20%", "wss://", "", "one.example"})
  void refusesWhatIsNoHost(String host) {
    assertThatThrownBy(() -> JetstreamHost.parse(host))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("host");
  }

  @ParameterizedTest
  @CsvSource({
    "ws://one.example, ws://one.example, 80, /subscribe",
    "wss:/one.example/, wss://one.example, 443, /subscribe",
    "wss://one.example:1/a/b, wss://one.example:1, 1, /a/b"
  })
  void readsHosts(String url, String name, int port, String path) {
    assertThat(JetstreamHost.parse(" " + url + " ,"))
        .extracting(JetstreamHost::name, JetstreamHost::port, JetstreamHost::path)
        .containsExactly(tuple(name, port, path));
  }

  @ParameterizedTest
  @CsvSource({"0, 1", "-1, 1", "2, 2", "2, 1"})
  void aStretchEndsAfterItBegins(long from, long to) {
    assertThatThrownBy(() -> new Stretch(from, to)).hasMessageContaining("stretch");
  }

  @ParameterizedTest
  @ValueSource(longs = {0, -1})
  void aPositionHasATime(long timeUs) {
    assertThatThrownBy(() -> new Position(timeUs, "")).hasMessageContaining("needs a time");
  }

  @Test
  void aPositionAndAStretchMayBeginWithTheFirstMicrosecond() {
    assertThat(new Position(1, "").timeUs()).isEqualTo(1);
    assertThat(new Stretch(1, 2).toUs()).isEqualTo(2);
  }
}
