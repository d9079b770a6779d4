package routes.archive;

import static org.assertj.core.api.Assertions.assertThat;
import static routes.fixtures.Frames.ALICE;
import static routes.fixtures.Frames.bytes;
import static routes.fixtures.Frames.identity;
import static routes.fixtures.Frames.post;

import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;
import routes.buffer.StoredBlock;
import routes.buffer.StreamId;
import routes.jetstream.Block;

class UnarchivedRowsTest {

  @Test
  void areTheRowsThatABatchWouldStore() {
    List<byte[]> frames = List.of(post(1, "hello"), bytes("junk"), identity(ALICE, 2, "a.test"));
    Block block = new Block("ws://test", "c", true, 1, 2, Instant.EPOCH, frames);
    List<UnarchivedRows.Row> rows = UnarchivedRows.of(new StoredBlock(new StreamId(1, 0), block));
    assertThat(rows)
        .extracting(UnarchivedRows.Row::table)
        .containsExactly(TableName.POSTS, TableName.DEAD_LETTERS, TableName.ACTORS);
    assertThat(rows.get(0).values().get("text")).hasToString("hello");
  }
}
