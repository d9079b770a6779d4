package routes.archive;

import static java.util.Objects.requireNonNull;

import java.util.Map;
import java.util.Optional;
import org.apache.iceberg.SnapshotUpdate;
import routes.buffer.StreamId;

/**
 * How far a table, or the whole archive, has come. It stands in the summary of every snapshot, and
 * so in the same commit as the rows.
 *
 * @param streamId the last entry of the stream that is archived
 * @param timeUs how far Jetstream had been read with that entry, microseconds since 1970; 0 when no
 *     time was known yet
 * @param host the Jetstream host that sent it
 * @param edition how often rows came or went in another way than by a drain: who prepared a commit
 *     on another edition does not know them
 */
public record ArchivePosition(StreamId streamId, long timeUs, String host, long edition) {

  private static final String STREAM_ID = "explorer.stream-id";
  private static final String TIME_US = "explorer.time-us";
  private static final String HOST = "explorer.host";
  private static final String EDITION = "explorer.edition";

  public ArchivePosition {
    requireNonNull(streamId, "streamId");
    requireNonNull(host, "host");
  }

  static Optional<ArchivePosition> in(Map<String, String> summary) {
    String id = summary.get(STREAM_ID);
    if (id == null) {
      return Optional.empty();
    }
    return Optional.of(
        new ArchivePosition(
            StreamId.parse(id),
            Long.parseLong(summary.getOrDefault(TIME_US, "0")),
            summary.getOrDefault(HOST, ""),
            Long.parseLong(summary.getOrDefault(EDITION, "0"))));
  }

  ArchivePosition ofEdition(long number) {
    return new ArchivePosition(streamId, timeUs, host, number);
  }

  /** The last entry of the stream that is archived, as Redis writes its id. */
  public String lastEntry() {
    return streamId.toString();
  }

  void writeTo(SnapshotUpdate<?> update) {
    update.set(STREAM_ID, streamId.toString());
    update.set(TIME_US, Long.toString(timeUs));
    update.set(HOST, host);
    update.set(EDITION, Long.toString(edition));
  }
}
