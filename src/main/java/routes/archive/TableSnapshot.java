package routes.archive;

import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * A table as it was at one commit.
 *
 * @param id of the Iceberg snapshot; 0 for a table without a commit
 * @param committedAt when; null for a table without a commit
 * @param position how far the table had come
 * @param files the live files, no order
 */
public record TableSnapshot(
    TableName table,
    long id,
    Instant committedAt,
    Optional<ArchivePosition> position,
    List<ArchiveFile> files) {

  public TableSnapshot {
    files = List.copyOf(files);
  }

  public long rows() {
    return files.stream().mapToLong(ArchiveFile::rows).sum();
  }

  public long bytes() {
    return files.stream().mapToLong(ArchiveFile::bytes).sum();
  }
}
