package routes.jetstream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static routes.fixtures.Frames.bytes;

import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import routes.fixtures.Frames;
import routes.fixtures.SharedData;
import routes.jetstream.UnreadableFrame.Reason;

class EventReaderTest {

  @Test
  void readsEveryEventOfTheRealNetwork() throws Exception {
    for (byte[] frame : SharedData.real()) {
      assertThat(EventReader.read(frame).did()).startsWith("did:");
    }
  }

  @Test
  void keepsMembersThatItDoesNotKnow() throws Exception {
    Event event =
        EventReader.read(
            bytes(
                "{\"did\":\"did:plc:x\",\"time_us\":1,\"kind\":\"commit\",\"cursor\":7,\"new\":1,\"commit\":{"
                    + "\"rev\":\"r\",\"operation\":\"delete\",\"collection\":\"a.b.c\",\"rkey\":\"k\",\"since\":\"q\"}}"));
    assertThat(event.unknown()).isEqualTo(Json.read("{\"new\":1,\"commit\":{\"since\":\"q\"}}"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          ``                                                        | EMPTY             | empty
          {                                                         | NOT_JSON          | not JSON
          [1]                                                       | NOT_AN_OBJECT     | ARRAY
          {"did":"a","did":"b"}                                     | DUPLICATE_KEY     | Duplicate
          {"did":"a","time_us":1,"kind":"sync","sync":{}}           | UNKNOWN_KIND      | 'sync'
          {"did":"a","time_us":1,"kind":"commit"}                   | MISSING_FIELD     | commit is missing
          {"did":5,"time_us":1,"kind":"commit","commit":{}}         | WRONG_TYPE        | did is no text
          {"did":"a","time_us":"1","kind":"commit","commit":{}}     | WRONG_TYPE        | time_us
          {"did":"a","time_us":-1,"kind":"commit","commit":{}}      | OUT_OF_RANGE      | time_us
          {"did":"a","time_us":1e30,"kind":"commit","commit":{}}    | WRONG_TYPE        | time_us
          {"did":"a","time_us":9999999999999999999,"kind":"commit"} | OUT_OF_RANGE      | time_us
          {"did":"a","time_us":1,"kind":"commit","commit":{"operation":"undo"}} | UNKNOWN_OPERATION | 'undo'
          {"did":"a","time_us":1,"kind":"commit","commit":{"operation":"create","record":null}} | MISSING_FIELD | commit.record is null
          {"did":"a","time_us":1,"kind":"commit","commit":{"operation":"create","record":"oops"}} | WRONG_TYPE | commit.record is no object
          {"did":"a\\ud800","time_us":1,"kind":"commit","commit":{}} | WRONG_TYPE       | surrogate
          {"did":"a"} trailing                                      | NOT_JSON          | not JSON
          """)
  void saysWhyAFrameIsNoEvent(String frame, Reason reason, String words) {
    assertThatThrownBy(() -> EventReader.read(bytes(frame)))
        .isInstanceOfSatisfying(
            UnreadableFrame.class, e -> assertThat(e.reason()).isEqualTo(reason))
        .hasMessageContaining(words);
  }

  @Test
  void refusesWhatIsNestedTooDeep() {
    String deep = "{\"did\":" + "[".repeat(2000) + "]".repeat(2000) + "}";
    assertThatThrownBy(() -> EventReader.read(bytes(deep)))
        .isInstanceOfSatisfying(
            UnreadableFrame.class, e -> assertThat(e.reason()).isEqualTo(Reason.OVER_LIMIT));
  }

  @Test
  void refusesAnExponentThatNoNumberHolds() {
    String frame = "{\"did\":\"did:plc:x\",\"time_us\":1e83175888001000}";
    assertThatThrownBy(() -> EventReader.read(bytes(frame)))
        .isInstanceOfSatisfying(
            UnreadableFrame.class, e -> assertThat(e.reason()).isEqualTo(Reason.OVER_LIMIT))
        .hasMessageContaining("number too large");
  }

  @Test
  void refusesWhatIsNotUtf8() {
    byte[] frame = Frames.post(1, "??");
    int at = new String(frame, java.nio.charset.StandardCharsets.ISO_8859_1).indexOf("??");
    frame[at] = (byte) 0xc3;
    frame[at + 1] = (byte) 0x28;
    assertThatThrownBy(() -> EventReader.read(frame))
        .isInstanceOfSatisfying(
            UnreadableFrame.class, e -> assertThat(e.reason()).isEqualTo(Reason.NOT_JSON));
  }

  /** Whatever bytes come, the answer is an event or a reason, and nothing else. */
  @Property(tries = 2000)
  void survivesDamage(@ForAll("damagedFrames") byte[] frame) {
    try {
      assertThat(EventReader.read(frame)).isNotNull();
    } catch (UnreadableFrame e) {
      assertThat(e.getMessage()).isNotBlank();
    }
  }

  @Provide
  Arbitrary<byte[]> damagedFrames() {
    Arbitrary<byte[]> whole =
        Arbitraries.of(Frames.post(1, "volcano 火山"), Frames.identity(Frames.ALICE, 2, "a.test"));
    return whole.flatMap(
        frame ->
            Arbitraries.integers()
                .between(0, frame.length - 1)
                .flatMap(
                    at ->
                        Arbitraries.bytes()
                            .map(
                                value -> {
                                  byte[] damaged = frame.clone();
                                  damaged[at] = value;
                                  return value % 3 == 0
                                      ? java.util.Arrays.copyOf(damaged, at)
                                      : damaged;
                                })));
  }

  @Test
  void takesTimesFrom1970To9999() throws Exception {
    String frame =
        "{\"did\":\"did:plc:x\",\"time_us\":%d,\"kind\":\"commit\",\"commit\":{\"rev\":\"r\","
            + "\"operation\":\"delete\",\"collection\":\"a.b.c\",\"rkey\":\"k\"}}";
    assertThat(EventReader.read(bytes(frame.formatted(0))).timeUs()).isZero();
    long last = 253402300800000000L - 1;
    assertThat(EventReader.read(bytes(frame.formatted(last))).timeUs()).isEqualTo(last);
    assertThatThrownBy(() -> EventReader.read(bytes(frame.formatted(last + 1))))
        .isInstanceOf(UnreadableFrame.class)
        .satisfies(
            e -> assertThat(((UnreadableFrame) e).reason().label()).isEqualTo("out-of-range"));
  }
}
