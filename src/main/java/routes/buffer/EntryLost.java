package routes.buffer;

import org.springframework.dao.DataRetrievalFailureException;

/**
 * Redis no longer has an entry that it had confirmed: it was wiped, or was killed and came back
 * without its last second. Reading has to go on behind what it still has.
 */
public final class EntryLost extends DataRetrievalFailureException {

  private static final long serialVersionUID = 1;

  EntryLost(StreamId lost) {
    super(
        "Redis has lost the entry "
            + lost
            + " that it had confirmed; what it lost is read again from Jetstream");
  }
}
