package routes.jetstream;

import java.time.Instant;

/**
 * What the component is doing now.
 *
 * @param state a word for it
 * @param host the host connected to, or tried
 * @param since when this state began
 * @param detail what is waited for or went wrong; null when all is well
 */
public record JetstreamStatus(State state, String host, Instant since, String detail) {

  /** The states of a connection. */
  public enum State {
    STARTING,
    CONNECTING,
    CONNECTED,
    WAITING,
    /** There is no gap to fill. */
    IDLE,
    STOPPED,
    /** Another process reads. */
    STANDBY
  }
}
