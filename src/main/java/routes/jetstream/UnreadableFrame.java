package routes.jetstream;

import static java.util.Objects.requireNonNull;

/** A frame that is no event. Its message says why, for a person. */
public final class UnreadableFrame extends Exception {

  private static final long serialVersionUID = 1;

  private final Reason reason;

  /** Kinds of damage; few, so that they can be counted. */
  public enum Reason {
    EMPTY,
    NOT_JSON,
    DUPLICATE_KEY,
    OVER_LIMIT,
    NOT_AN_OBJECT,
    MISSING_FIELD,
    WRONG_TYPE,
    OUT_OF_RANGE,
    UNKNOWN_KIND,
    UNKNOWN_OPERATION;

    /** As it is shown and counted: {@code not-json}. */
    public String label() {
      return name().toLowerCase(java.util.Locale.ROOT).replace('_', '-');
    }
  }

  public UnreadableFrame(Reason reason, String message) {
    super(message, null, false, false);
    this.reason = requireNonNull(reason, "reason");
  }

  public Reason reason() {
    return reason;
  }
}
