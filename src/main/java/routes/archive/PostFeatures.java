package routes.archive;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.apache.avro.generic.GenericRecord;
import routes.jetstream.Json;

/**
 * What a post links, tags, mentions, quotes and shows: columns drawn from its facets, tags, labels
 * and embed, which stay in extra.
 */
final class PostFeatures {

  private static final String EMBED = "app.bsky.embed.";
  private static final String FACET = "app.bsky.richtext.facet#";

  private static final int QUOTE_URI = TableName.POSTS.position("quote_uri");
  private static final int LINKS = TableName.POSTS.position("links");
  private static final int TAGS = TableName.POSTS.position("tags");
  private static final int MENTIONS = TableName.POSTS.position("mentions");
  private static final int EMBED_KIND = TableName.POSTS.position("embed_kind");
  private static final int MEDIA_COUNT = TableName.POSTS.position("media_count");
  private static final int ALT_TEXTS = TableName.POSTS.position("alt_texts");
  private static final int SELF_LABELS = TableName.POSTS.position("self_labels");

  private final Set<String> links = new LinkedHashSet<>();
  private final Set<String> tags = new LinkedHashSet<>();
  private final Set<String> mentions = new LinkedHashSet<>();
  private final List<String> altTexts = new ArrayList<>();
  private String quote;
  private String embedKind;
  private int media;

  private PostFeatures() {}

  static void fill(GenericRecord row, ObjectNode post) {
    PostFeatures features = new PostFeatures();
    features.facets(post.path("facets"));
    post.path("tags").forEach(tag -> add(features.tags, tag));
    JsonNode embed = post.path("embed");
    if (embed.path("$type").isTextual()) {
      String type = embed.get("$type").textValue();
      features.embedKind = Json.isUnicode(type) ? withoutPrefix(type, EMBED) : null;
    }
    features.embed(embed);
    List<String> labels = new ArrayList<>();
    post.path("labels").path("values").forEach(label -> add(labels, label.path("val")));

    row.put(QUOTE_URI, features.quote);
    row.put(LINKS, List.copyOf(features.links));
    row.put(TAGS, List.copyOf(features.tags));
    row.put(MENTIONS, List.copyOf(features.mentions));
    row.put(EMBED_KIND, features.embedKind);
    row.put(MEDIA_COUNT, features.media);
    row.put(ALT_TEXTS, features.altTexts);
    row.put(SELF_LABELS, labels);
  }

  private void facets(JsonNode facets) {
    for (JsonNode facet : facets) {
      for (JsonNode feature : facet.path("features")) {
        switch (withoutPrefix(feature.path("$type").asText(), FACET)) {
          case "link" -> add(links, feature.path("uri"));
          case "tag" -> add(tags, feature.path("tag"));
          case "mention" -> add(mentions, feature.path("did"));
          default -> {
            // a kind of facet that is not known: it stays in extra
          }
        }
      }
    }
  }

  private void embed(JsonNode embed) {
    switch (withoutPrefix(embed.path("$type").asText(), EMBED)) {
      case "external" -> add(links, embed.path("external").path("uri"));
      case "images" -> media(embed.path("images"));
      case "gallery" -> media(embed.path("items"));
      case "video" -> {
        media++;
        alt(embed);
      }
      case "record" -> quote(embed.path("record").path("uri"));
      case "recordWithMedia" -> {
        quote(embed.path("record").path("record").path("uri"));
        embed(embed.path("media"));
      }
      default -> {
        // no embed, or one of a kind that is not known: it stays in extra
      }
    }
  }

  private void media(JsonNode items) {
    for (JsonNode item : items) {
      media++;
      alt(item);
    }
  }

  private void alt(JsonNode item) {
    if (!item.path("alt").asText().isEmpty()) {
      add(altTexts, item.path("alt"));
    }
  }

  private void quote(JsonNode uri) {
    if (uri.isTextual() && Json.isUnicode(uri.textValue())) {
      quote = uri.textValue();
    }
  }

  private static void add(java.util.Collection<String> to, JsonNode text) {
    if (text.isTextual() && Json.isUnicode(text.textValue())) {
      to.add(text.textValue());
    }
  }

  private static String withoutPrefix(String text, String prefix) {
    return text.startsWith(prefix) ? text.substring(prefix.length()) : text;
  }
}
