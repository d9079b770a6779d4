package routes.jetstream;

import com.fasterxml.jackson.databind.node.ObjectNode;

/** One event of the network, as Jetstream sends it. */
public sealed interface Event {

  /** The account it is about. */
  String did();

  /**
   * The host's clock when it passed the event on, microseconds since 1970. Two hosts give the same
   * event different times.
   */
  long timeUs();

  /**
   * Members of the message that are not known here, kept as they came; null when there are none.
   */
  ObjectNode unknown();

  /**
   * A change of one record in a repository.
   *
   * @param cid of the record; null for a delete, or where the host left it out
   * @param record null for a delete
   */
  record Commit(
      String did,
      long timeUs,
      ObjectNode unknown,
      String rev,
      Operation operation,
      String collection,
      String rkey,
      String cid,
      ObjectNode record)
      implements Event {}

  /** A new handle, or new keys or hosting. */
  record Identity(String did, long timeUs, ObjectNode unknown, ObjectNode identity)
      implements Event {}

  /** An account became active or ceased to be. */
  record Account(String did, long timeUs, ObjectNode unknown, ObjectNode account)
      implements Event {}

  /** What a commit does to its record. */
  enum Operation {
    CREATE,
    UPDATE,
    DELETE;

    private final String wireName = name().toLowerCase(java.util.Locale.ROOT);

    /** As it stands in the message: lower case. */
    public String wireName() {
      return wireName;
    }
  }
}
