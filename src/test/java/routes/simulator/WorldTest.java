package routes.simulator;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import routes.jetstream.Cid;
import routes.jetstream.Event;
import routes.jetstream.EventReader;
import routes.jetstream.Json;

class WorldTest {

  private static final int EVENTS = 30_000;

  private final World world = new World(7, 1000);

  @Test
  void isAFunctionOfSeedAndNumber() {
    World again = new World(7, 1000);
    World other = new World(8, 1000);
    int differ = 0;
    for (long n = 500; n < 700; n++) {
      assertThat(again.frame(n)).isEqualTo(world.frame(n));
      differ += java.util.Arrays.equals(other.frame(n), world.frame(n)) ? 0 : 1;
    }
    assertThat(differ).isEqualTo(200);
  }

  @Test
  void findsAnEventByItsTime() {
    for (long n : new long[] {0, 1, 999, 1_000_000, 900_000_000_000L / 1000}) {
      long found = world.numberAt(world.timeUs(n) - world.spreadUs());
      assertThat(found).isBetween(n - 25, n);
    }
  }

  @Test
  void isMadeOfEventsThatAreWhole() throws Exception {
    Map<String, Integer> kinds = new HashMap<>();
    Map<String, String> posts = new HashMap<>();
    Set<String> identities = new HashSet<>();
    Set<String> deleted = new HashSet<>();
    List<JsonNode> subjects = new ArrayList<>();
    int japanese = 0;
    int inversions = 0;
    long last = 0;
    for (long n = 100_000; n < 100_000 + EVENTS; n++) {
      Event event = EventReader.read(world.frame(n));
      inversions += event.timeUs() < last ? 1 : 0;
      last = event.timeUs();
      if (event instanceof Event.Commit commit) {
        kinds.merge(commit.collection() + " " + commit.operation().wireName(), 1, Integer::sum);
        String uri = "at://" + commit.did() + "/" + commit.collection() + "/" + commit.rkey();
        assertThat(identities.add(uri + commit.operation() + commit.rev())).isTrue();
        if (commit.operation() == Event.Operation.DELETE) {
          assertThat(commit.record()).isNull();
          assertThat(deleted.add(uri)).as("deleted once").isTrue();
          continue;
        }
        assertThat(Cid.of(commit.record())).isEqualTo(commit.cid());
        assertThat(deleted).doesNotContain(uri);
        if (commit.collection().equals("app.bsky.feed.post")
            && commit.operation() == Event.Operation.CREATE) {
          posts.put(uri, commit.cid());
          japanese += commit.record().path("langs").path(0).asText().equals("ja") ? 1 : 0;
        } else if (commit.collection().equals("app.bsky.feed.like")) {
          subjects.add(commit.record().get("subject"));
        }
      } else {
        kinds.merge(event.getClass().getSimpleName(), 1, Integer::sum);
      }
    }
    assertThat(kinds.keySet())
        .contains(
            "app.bsky.feed.post create",
            "app.bsky.feed.post update",
            "app.bsky.feed.post delete",
            "app.bsky.feed.like delete",
            "app.bsky.graph.follow create",
            "app.bsky.graph.block create",
            "app.bsky.feed.repost create",
            "app.bsky.actor.profile create",
            "fm.teal.alpha.actor.status create",
            "Identity",
            "Account");
    assertThat(japanese * 6.0 / posts.size()).isBetween(0.8, 1.2);
    assertThat(inversions).isBetween(EVENTS / 10, EVENTS / 2);
    long known =
        subjects.stream()
            .filter(subject -> posts.containsKey(subject.get("uri").textValue()))
            .count();
    assertThat(known).isGreaterThan(subjects.size() / 3);
    assertThat(subjects)
        .filteredOn(subject -> posts.containsKey(subject.get("uri").textValue()))
        .allSatisfy(
            subject ->
                assertThat(subject.get("cid").textValue())
                    .isEqualTo(posts.get(subject.get("uri").textValue())));
  }

  @Test
  void marksFacetsByBytes() throws Exception {
    int checked = 0;
    for (long n = 0; checked < 50; n++) {
      if (EventReader.read(world.frame(n)) instanceof Event.Commit commit
          && commit.record() != null) {
        for (JsonNode facet : commit.record().path("facets")) {
          byte[] text = commit.record().get("text").textValue().getBytes(StandardCharsets.UTF_8);
          int start = facet.get("index").get("byteStart").intValue();
          String marked =
              new String(
                  text,
                  start,
                  facet.get("index").get("byteEnd").intValue() - start,
                  StandardCharsets.UTF_8);
          String type = facet.get("features").get(0).get("$type").textValue();
          assertThat(marked)
              .startsWith(type.endsWith("#tag") ? "#" : type.endsWith("#mention") ? "@" : "");
          assertThat(marked).doesNotContain(" ");
          checked++;
        }
      }
    }
  }

  @Test
  void hasMessagesOfARealisticSize() {
    long bytes = 0;
    for (long n = 0; n < 5000; n++) {
      bytes += world.frame(n).length;
    }
    assertThat(bytes / 5000).isBetween(420L, 650L);
  }

  @Test
  void usesManyDifferentWords() throws Exception {
    Set<String> words = new HashSet<>();
    int posts = 0;
    for (long n = 0; posts < 3000; n++) {
      JsonNode record = Json.read(world.frame(n)).path("commit").path("record");
      if (record.path("$type").asText().equals("app.bsky.feed.post")) {
        words.addAll(List.of(record.get("text").textValue().split("\\s+")));
        posts++;
      }
    }
    assertThat(words).hasSizeGreaterThan(15_000).contains("volcano");
  }
}
