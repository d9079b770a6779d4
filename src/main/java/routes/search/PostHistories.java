package routes.search;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.avro.generic.GenericRecord;
import routes.archive.ArchiveFile;
import routes.archive.ArchivePosition;
import routes.archive.DuckDb;
import routes.archive.RecordColumns;
import routes.archive.RowReader;
import routes.archive.TableName;
import routes.archive.Times;
import routes.archive.UnarchivedRows;
import routes.buffer.BlockStream;
import routes.buffer.StoredBlock;
import routes.buffer.StreamId;

/** Finds all versions of a post, whole: in the files, and in what is not archived yet. */
final class PostHistories {

  private static final List<String> COLUMNS = TableName.POSTS.columns();
  private static final RecordColumns RECORD = new RecordColumns(TableName.POSTS.schema(), "record");
  private static final int BLOCKS_AT_ONCE = 32;

  private final DuckDb duckDb;
  private final BlockStream stream;

  PostHistories(DuckDb duckDb, BlockStream stream) {
    this.duckDb = requireNonNull(duckDb, "duckDb");
    this.stream = requireNonNull(stream, "stream");
  }

  /** Empty when there is nothing of it. */
  Optional<PostHistory> find(ArchiveView view, String did, String rkey, Deadline deadline) {
    Map<String, GenericRecord> rows = new LinkedHashMap<>();
    Engagement engagement = null;
    try {
      for (PostFile file : view.indexed().keySet()) {
        deadline.check();
        for (PostFile.Numbered row : file.versionsOf(did, rkey, COLUMNS)) {
          add(row.values(), rows);
          engagement = file.engagement().map(known -> known.of(row.number())).orElse(engagement);
        }
      }
      for (ArchiveFile file : view.scanned()) {
        deadline.check();
        scan(file, did, rkey).forEach(row -> add(row, rows));
      }
    } catch (IOException e) {
      throw new UncheckedIOException("an index cannot be read", e);
    }
    unarchived(view, did, rkey, deadline).forEach(row -> add(row, rows));
    if (rows.isEmpty()) {
      return Optional.empty();
    }
    List<PostHistory.Version> versions =
        rows.values().stream()
            .map(PostHistories::version)
            .sorted(Comparator.comparing(PostHistory.Version::rev))
            .toList();
    return Optional.of(
        new PostHistory(
            "at://" + did + "/app.bsky.feed.post/" + rkey,
            did,
            null,
            versions.get(versions.size() - 1).operation().equals("delete")
                || view.gone().contains(did),
            engagement,
            versions));
  }

  /** What moves into the archive meanwhile is found twice. */
  private static void add(GenericRecord row, Map<String, GenericRecord> rows) {
    rows.putIfAbsent(row.get("operation") + " " + row.get("rev"), row);
  }

  private static PostHistory.Version version(GenericRecord row) {
    String operation = row.get("operation").toString();
    Object cid = row.get("cid");
    Long created = (Long) row.get("created_at");
    return new PostHistory.Version(
        operation,
        row.get("rev").toString(),
        cid == null ? null : cid.toString(),
        Times.instant((Long) row.get("time_us")),
        created == null ? null : Times.instant(created),
        cid == null ? null : RECORD.restore(row));
  }

  private List<GenericRecord> scan(ArchiveFile file, String did, String rkey) {
    List<Integer> numbers = new ArrayList<>();
    String sql =
        "SELECT file_row_number FROM "
            + DuckDb.numbered(file)
            + " WHERE did = ? AND rkey = ? ORDER BY file_row_number";
    try (Connection connection = duckDb.connect();
        PreparedStatement statement = connection.prepareStatement(sql)) {
      statement.setString(1, did);
      statement.setString(2, rkey);
      try (ResultSet result = statement.executeQuery()) {
        while (result.next()) {
          numbers.add(result.getInt(1));
        }
      }
    } catch (SQLException e) {
      throw new IllegalStateException("the post could not be looked up: " + e.getMessage(), e);
    }
    return new RowReader(TableName.POSTS, file)
        .read(numbers.stream().mapToInt(Integer::intValue).toArray(), COLUMNS);
  }

  private List<GenericRecord> unarchived(
      ArchiveView view, String did, String rkey, Deadline deadline) {
    StreamId read = view.posts().position().map(ArchivePosition::streamId).orElse(StreamId.ZERO);
    byte[] wanted = rkey.getBytes(US_ASCII);
    List<GenericRecord> found = new ArrayList<>();
    List<StoredBlock> blocks = stream.readAfter(read, BLOCKS_AT_ONCE);
    while (!blocks.isEmpty()) {
      deadline.check();
      for (StoredBlock block : blocks) {
        UnarchivedRows.of(block, frame -> contains(frame, wanted)).stream()
            .filter(row -> row.table() == TableName.POSTS)
            .map(UnarchivedRows.Row::values)
            .filter(row -> PostFile.isOf(row, did, rkey))
            .forEach(found::add);
        read = block.id();
      }
      blocks = stream.readAfter(read, BLOCKS_AT_ONCE);
    }
    return found;
  }

  /** To read few frames whole, and not all. */
  private static boolean contains(byte[] frame, byte[] wanted) {
    for (int at = 0; at + wanted.length <= frame.length; at++) {
      int same = 0;
      while (same < wanted.length && frame[at + same] == wanted[same]) {
        same++;
      }
      if (same == wanted.length) {
        return true;
      }
    }
    return false;
  }
}
