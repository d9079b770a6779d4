package routes.crash;

import java.util.concurrent.atomic.AtomicInteger;

/**
 * Places between two effects at which a process may die: named, so that a test can make it die
 * there.
 *
 * <p>Off unless the process is started with {@code -Dexplorer.crash-at=NAME} or {@code NAME:n}; it
 * then halts, as by {@code kill -9}, when it comes to that place for the first or the n-th time.
 * Otherwise {@link #pass()} is a comparison with a constant, which the compiler leaves out.
 */
public enum CrashPoint {
  /** A block was received, and Redis does not have it yet. */
  BLOCK_RECEIVED,
  /** Redis has a block, and the reader does not know it yet. */
  BLOCK_APPENDED,
  /** A data file of a batch is on the disk, and no commit knows it yet. */
  DATA_FILE_WRITTEN,
  /** All data files of a batch are on the disk, and no commit knows them yet. */
  BATCH_WRITTEN,
  /** One table of a batch is committed, the next is not. */
  TABLE_COMMITTED,
  /** The ledger is committed, and so the batch; the stream is not trimmed yet. */
  BATCH_SEALED,
  /** The stream is trimmed, and nobody has been told of the batch yet. */
  STREAM_TRIMMED,
  /** A compacted file is on the disk, and no commit knows it yet. */
  COMPACTED_FILE_WRITTEN,
  /** The index of a file is on the disk, under a name of its own where nobody looks for it yet. */
  INDEX_WRITTEN,
  /** What belongs to a compacted file is there as well, and no commit knows either yet. */
  COMPACTION_PREPARED,
  /** A compaction is committed; the files that it replaced are still there. */
  COMPACTION_COMMITTED,
  /** The dates of a table that are too old are removed, those of the next are not. */
  DATES_REMOVED,
  /** Old commits of one table are forgotten, of the next not yet. */
  COMMITS_EXPIRED,
  /** A left-over file is removed, others are still there. */
  LEFTOVER_REMOVED,
  /** Dead letters that can be read by now are in their tables, and still dead letters too. */
  RETRY_STORED,
  /** A file is in the backup, and its catalog does not name it yet. */
  BACKUP_FILE_ADDED,
  /** The catalog of the backup is the new one; files that it does not name are still there. */
  BACKUP_CATALOG_REPLACED;

  private static final String ARMED = System.getProperty("explorer.crash-at", "");
  private static final int STATUS_OF_A_KILLED_PROCESS = 137;
  private static final AtomicInteger PASSES = new AtomicInteger();

  /** Ends the process if this is the place where it is to die. */
  public void pass() {
    if (!ARMED.isEmpty()) {
      passArmed();
    }
  }

  private void passArmed() {
    int colon = ARMED.indexOf(':');
    String name = colon < 0 ? ARMED : ARMED.substring(0, colon);
    int wanted = colon < 0 ? 1 : Integer.parseInt(ARMED.substring(colon + 1));
    if (name.equals(name()) && PASSES.incrementAndGet() == wanted) {
      Runtime.getRuntime().halt(STATUS_OF_A_KILLED_PROCESS);
    }
  }
}
