package routes.archive;

import static org.assertj.core.api.Assertions.assertThat;

import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericRecord;
import org.junit.jupiter.api.Test;
import routes.jetstream.Tid;

class EventKeyTest {

  private static GenericRecord post(String did, String rkey) {
    GenericRecord row = new GenericData.Record(TableName.POSTS.schema());
    row.put("did", did);
    row.put("collection", "app.bsky.feed.post");
    row.put("rkey", rkey);
    row.put("operation", "create");
    row.put("rev", Tid.of(5_000_000, 1));
    return row;
  }

  private static GenericRecord account(String kind, Long eventTime, String status) {
    GenericRecord row = new GenericData.Record(TableName.ACTORS.schema());
    row.put("did", "did:plc:x");
    row.put("kind", kind);
    row.put("event_time", eventTime);
    row.put("status", status);
    return row;
  }

  @Test
  void isTheSameForTheSameIdentity() {
    GenericRecord other = post("did:plc:x", "k");
    other.put("text", "not part of it");
    assertThat(EventKey.of(TableName.POSTS, post("did:plc:x", "k")))
        .isEqualTo(EventKey.of(TableName.POSTS, other));
  }

  @Test
  void doesNotRunColumnsTogether() {
    assertThat(EventKey.of(TableName.POSTS, post("did:plc:xk", "")))
        .isNotEqualTo(EventKey.of(TableName.POSTS, post("did:plc:x", "k")));
  }

  @Test
  void tellsNothingFromAnEmptyText() {
    assertThat(EventKey.of(TableName.ACTORS, account("account", 1L, null)))
        .isNotEqualTo(EventKey.of(TableName.ACTORS, account("account", 1L, "")));
  }

  @Test
  void aProfileIsKnownByItsRevision() {
    GenericRecord profile = account("commit", 1L, "x");
    profile.put("rev", "r1");
    GenericRecord same = account("commit", 2L, "y");
    same.put("rev", "r1");
    GenericRecord later = account("commit", 1L, "x");
    later.put("rev", "r2");
    assertThat(EventKey.of(TableName.ACTORS, profile))
        .isEqualTo(EventKey.of(TableName.ACTORS, same))
        .isNotEqualTo(EventKey.of(TableName.ACTORS, later));
  }

  @Test
  void theOwnTimeIsThatOfTheRevisionOrOfTheEvent() {
    assertThat(EventKey.ownTime(TableName.POSTS, post("d", "k"))).hasValue(5_000_000);
    assertThat(EventKey.ownTime(TableName.ACTORS, account("account", 77L, null))).hasValue(77);
    assertThat(EventKey.ownTime(TableName.ACTORS, account("account", null, null))).isEmpty();
    GenericRecord odd = post("d", "k");
    odd.put("rev", "no tid");
    assertThat(EventKey.ownTime(TableName.POSTS, odd)).isEmpty();
    assertThat(
            EventKey.ownTime(
                TableName.DEAD_LETTERS, new GenericData.Record(TableName.DEAD_LETTERS.schema())))
        .isEmpty();
  }
}
