package routes.archive;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.apache.avro.generic.GenericRecord;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import routes.fixtures.Frames;
import routes.fixtures.SharedData;
import routes.jetstream.Json;

class RecordColumnsTest {

  private final EventRows rows = new EventRows();

  @Test
  void everyRealEventComesBackWhole() throws Exception {
    for (byte[] frame : SharedData.real()) {
      assertComesBack(frame);
    }
  }

  @Test
  void everyHostileEventComesBackWholeOrIsADeadLetterWithAReason() throws Exception {
    int dead = 0;
    for (byte[] frame : SharedData.hostile()) {
      Row row = rows.row(frame, "ws://test", Instant.EPOCH);
      if (row.table() == TableName.DEAD_LETTERS) {
        dead++;
        assertThat(row.reason()).isNotBlank();
        assertThat(row.values().get("detail").toString()).hasSizeGreaterThan(10);
      } else {
        assertComesBack(frame);
      }
    }
    // unknown kind, create without a record, empty, duplicate keys, nested too deep
    assertThat(dead).isEqualTo(5);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{}",
        "{'$type':'app.bsky.feed.post'}",
        "{'$type':null}",
        "{'$type':'other'}",
        "{'$type':5,'text':'x'}",
        "{'$record':{'text':'x'}}",
        "{'text':null}",
        "{'text':''}",
        "{'text':'\\ud800 half'}",
        "{'text':['x']}",
        "{'reply':{}}",
        "{'reply':null}",
        "{'reply':{'root':{}}}",
        "{'reply':{'root':{'uri':'u','cid':'c'},'parent':{'uri':'u'}}}",
        "{'reply':{'root':{'uri':'u','cid':5,'x':1},'parent':'u'}}",
        "{'langs':'en'}",
        "{'langs':[]}",
        "{'langs':['en',null]}",
        "{'createdAt':'2026-07-04T14:38:08.999Z'}",
        "{'createdAt':'2026-07-04T14:38:08.999000Z'}",
        "{'createdAt':'2026-07-04T14:38:08.999123Z'}",
        "{'createdAt':'2026-07-04T23:38:08.999+09:00'}",
        "{'createdAt':'0000-01-01T00:00:00.000Z'}",
        "{'createdAt':'-0001-01-01T00:00:00.000Z'}",
        "{'createdAt':'+99999-01-01T00:00:00Z'}",
        "{'createdAt':'2026-07-04T14:38:60Z'}",
        "{'createdAt':5}",
        "{'a':1.0,'b':1e5,'c':123456789012345678901234567890,'d':0.1,'e':-0.0}",
        "{'embed':'oops','facets':{'a':1},'labels':[],'tags':'x'}",
        "{'embed':{'$type':'app.bsky.embed.gallery','items':[{'alt':'x'}]}}"
      })
  void oddRecordsComeBackWhole(String record) throws Exception {
    assertComesBack(
        Frames.post(Frames.ALICE, 5, (ObjectNode) Json.read(record.replace('\'', '"'))));
  }

  @Property(tries = 2000)
  void anyRecordComesBackWhole(@ForAll("records") ObjectNode record) throws Exception {
    assertComesBack(Frames.post(Frames.ALICE, 5, record));
  }

  @Test
  void holdsWhatPeopleAskFor() throws Exception {
    ObjectNode record = Frames.record(5, "hi #sky");
    record.putArray("langs").add("en").add("ja");
    record.putObject("reply").putObject("root").put("uri", "at://r").put("cid", "c");
    record.putArray("tags").add("Volcano");
    record
        .putArray("facets")
        .addObject()
        .putArray("features")
        .addObject()
        .put("$type", "app.bsky.richtext.facet#tag")
        .put("tag", "sky");
    ObjectNode embed = record.putObject("embed").put("$type", "app.bsky.embed.images");
    embed.putArray("images").addObject().put("alt", "a cat");
    GenericRecord row = rows.row(Frames.post(Frames.ALICE, 5, record), "h", Instant.EPOCH).values();
    assertThat(row.get("text")).isEqualTo("hi #sky");
    assertThat(row.get("langs")).isEqualTo(List.of("en", "ja"));
    assertThat(row.get("reply_root_uri")).isEqualTo("at://r");
    assertThat(row.get("tags")).isEqualTo(List.of("sky", "Volcano"));
    assertThat(row.get("embed_kind")).isEqualTo("images");
    assertThat(row.get("media_count")).isEqualTo(1);
    assertThat(row.get("alt_texts")).isEqualTo(List.of("a cat"));
    assertThat(row.get("created_at")).isEqualTo(Frames.NOON_US + 4000);
    assertThat(row.get("sort_at")).isEqualTo(Frames.NOON_US + 4000);
  }

  @Test
  void sortsByTheTimeSeenWhereTheClaimIsLater() {
    ObjectNode record = Frames.record(5, "x").put("createdAt", "2099-01-01T00:00:00.000Z");
    GenericRecord row = rows.row(Frames.post(Frames.ALICE, 5, record), "h", Instant.EPOCH).values();
    assertThat(row.get("sort_at")).isEqualTo(Frames.NOON_US + 5000);
  }

  @Test
  void countsAnUnreadableTimeAs1970() {
    ObjectNode record = Frames.record(5, "x").put("createdAt", "yesterday");
    GenericRecord row = rows.row(Frames.post(Frames.ALICE, 5, record), "h", Instant.EPOCH).values();
    assertThat(row.get("created_at")).isNull();
    assertThat(row.get("sort_at")).isEqualTo(0L);
  }

  @Provide
  Arbitrary<ObjectNode> records() {
    Arbitrary<String> names =
        Arbitraries.of(
            "$type",
            "text",
            "langs",
            "reply",
            "root",
            "parent",
            "uri",
            "cid",
            "createdAt",
            "embed",
            "tags",
            "facets",
            "labels",
            "$record",
            "x");
    return members(names, 3).map(node -> (ObjectNode) node);
  }

  private static Arbitrary<JsonNode> members(Arbitrary<String> names, int depth) {
    Arbitrary<JsonNode> values =
        Arbitraries.oneOf(
            Arbitraries.strings().ofMaxLength(8).map(text -> Json.object().textNode(text)),
            Arbitraries.of("app.bsky.feed.post", "2026-07-04T14:38:08.999Z", "at://x", "a\ud83c")
                .map(text -> Json.object().textNode(text)),
            Arbitraries.longs().map(number -> Json.object().numberNode(number)),
            Arbitraries.bigDecimals().map(number -> Json.object().numberNode(number)),
            Arbitraries.of(true, false).map(flag -> Json.object().booleanNode(flag)),
            Arbitraries.just(Json.object().nullNode()),
            Arbitraries.strings().ofMaxLength(4).list().ofMaxSize(3).map(RecordColumnsTest::array));
    Arbitrary<JsonNode> nested =
        depth == 0
            ? values
            : Arbitraries.oneOf(values, Arbitraries.lazy(() -> members(names, depth - 1)));
    return Arbitraries.maps(names, nested).ofMaxSize(6).map(RecordColumnsTest::object);
  }

  private static JsonNode array(List<String> values) {
    var array = Json.object().arrayNode();
    new ArrayList<>(values).forEach(array::add);
    return array;
  }

  private static JsonNode object(java.util.Map<String, JsonNode> members) {
    ObjectNode object = Json.object();
    members.forEach(object::set);
    return object;
  }

  private void assertComesBack(byte[] frame) throws Exception {
    Row row = rows.row(frame, "ws://test", Instant.EPOCH);
    JsonNode event = Json.read(frame);
    String kind = event.get("kind").textValue();
    String source = kind.equals("commit") ? "record" : kind;
    JsonNode expected = kind.equals("commit") ? event.get("commit").get("record") : event.get(kind);
    RecordColumns columns = new RecordColumns(row.table().schema(), source);
    if (expected == null) {
      assertThat(row.values().get("extra")).isNull();
    } else {
      assertThat(Json.read(Json.write(columns.restore(row.values()))))
          .isEqualTo(Json.read(Json.write(expected)));
    }
  }
}
