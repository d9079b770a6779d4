package routes.archive;

import static org.assertj.core.api.Assertions.assertThat;
import static routes.fixtures.Frames.ALICE;
import static routes.fixtures.Frames.NOON_US;
import static routes.fixtures.Frames.bytes;
import static routes.fixtures.Frames.post;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Instant;
import java.util.List;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericRecord;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import routes.jetstream.Json;

class PostFeaturesTest {

  private static GenericRecord features(String record) throws Exception {
    GenericRecord row = new GenericData.Record(TableName.POSTS.schema());
    PostFeatures.fill(row, (ObjectNode) Json.read(record));
    return row;
  }

  private static GenericRecord row(byte[] frame) {
    return new EventRows().row(frame, "ws://test", Instant.EPOCH).values();
  }

  @Test
  void findsWhatFacetsAndTagsMark() throws Exception {
    GenericRecord row =
        features(
            """
            {"text": "x", "tags": ["Own", 7, "own"], "facets": [
              {"features": [
                {"$type": "app.bsky.richtext.facet#link", "uri": "https://b.example/"},
                {"$type": "app.bsky.richtext.facet#tag", "tag": "Marked"},
                {"$type": "app.bsky.richtext.facet#mention", "did": "did:plc:x"},
                {"$type": "org.example.facet#link", "uri": "https://unknown.example/"}]},
              {"features": [
                {"$type": "app.bsky.richtext.facet#link", "uri": "https://a.example/"},
                {"$type": "app.bsky.richtext.facet#link", "uri": "https://b.example/"},
                {"$type": "app.bsky.richtext.facet#tag", "tag": "half \\ud83c"}]}]}
            """);
    assertThat(row.get("links")).isEqualTo(List.of("https://b.example/", "https://a.example/"));
    assertThat(row.get("tags")).isEqualTo(List.of("Marked", "Own", "own"));
    assertThat(row.get("mentions")).isEqualTo(List.of("did:plc:x"));
    assertThat(row.get("media_count")).isEqualTo(0);
    assertThat(row.get("embed_kind")).isNull();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          {"$type": "app.bsky.embed.external", "external": {"uri": "https://a.example/"}} | external | 0 | [] | [https://a.example/] |
          {"$type": "app.bsky.embed.images", "images": [{"alt": "one"}, {"alt": ""}, {}]} | images | 3 | [one] | [] |
          {"$type": "app.bsky.embed.gallery", "items": [{"alt": "one"}, {"alt": "two"}]} | gallery | 2 | [one, two] | [] |
          {"$type": "app.bsky.embed.video", "alt": "moving"} | video | 1 | [moving] | [] |
          {"$type": "app.bsky.embed.record", "record": {"uri": "at://q"}} | record | 0 | [] | [] | at://q
          {"$type": "app.bsky.embed.record", "record": {"uri": 7}} | record | 0 | [] | [] |
          {"$type": "app.bsky.embed.record", "record": {"uri": "half \\ud83c"}} | record | 0 | [] | [] |
          {"$type": "app.bsky.embed.recordWithMedia", "record": {"record": {"uri": "at://q"}}, "media": {"$type": "app.bsky.embed.images", "images": [{"alt": "x"}]}} | recordWithMedia | 1 | [x] | [] | at://q
          {"$type": "org.example.embed", "record": {"uri": "at://q"}} | org.example.embed | 0 | [] | [] |
          {"$type": 7} | | 0 | [] | [] |
          """)
  void findsWhatIsEmbedded(
      String embed, String kind, int media, String altTexts, String links, String quote)
      throws Exception {
    GenericRecord row = features("{\"text\": \"x\", \"embed\": " + embed + "}");
    assertThat(row.get("embed_kind")).isEqualTo(kind);
    assertThat(row.get("media_count")).isEqualTo(media);
    assertThat(row.get("alt_texts")).hasToString(altTexts);
    assertThat(row.get("links")).hasToString(links);
    assertThat(row.get("quote_uri")).isEqualTo(quote);
  }

  @Test
  void findsTheAuthorsLabels() throws Exception {
    GenericRecord row =
        features(
            "{\"text\": \"x\", \"labels\": {\"values\": [{\"val\": \"porn\"}, {}, {\"val\": 1}]}}");
    assertThat(row.get("self_labels")).isEqualTo(List.of("porn"));
  }

  @Test
  void timesAndTheEnvelopeAreKept() throws Exception {
    ObjectNode record = Json.object().put("text", "x").put("createdAt", "2020-01-02T03:04:05Z");
    GenericRecord row = row(post(ALICE, 1, record));
    long created = Times.micros(Instant.parse("2020-01-02T03:04:05Z"));
    assertThat(row.get("created_at")).isEqualTo(created);
    assertThat(row.get("sort_at")).isEqualTo(created);
    assertThat(row.get("time_us")).isEqualTo(NOON_US + 1000);
    assertThat(row.get("envelope")).isNull();
    byte[] odd =
        bytes(
            new String(post(1, "x"), java.nio.charset.StandardCharsets.UTF_8)
                .replaceFirst("\\{", "{\"new\":1,"));
    assertThat(new EventRows().row(odd, "ws://test", Instant.EPOCH).values().get("envelope"))
        .isEqualTo("{\"new\":1}");
  }
}
