package routes.simulator;

import java.time.Duration;

/**
 * What a {@link JetstreamServer} does that a good one would not. Shares are of frames, from 0 to 1;
 * 0 is never.
 *
 * @param seed another seed misbehaves at other places
 * @param drop closes the connection without a word
 * @param silence stops sending, and leaves the connection open
 * @param junk sends something that is no event, before an event; what and where follows from the
 *     seed and the event's number
 * @param duplicate sends the same frame twice
 * @param rewind how much earlier than asked a replay starts
 * @param unavailable share of connects that are refused with status 503
 * @param slowClient disconnects a client that takes nothing for so long; zero is never
 */
public record Misbehaviour(
    long seed,
    double drop,
    double silence,
    double junk,
    double duplicate,
    Duration rewind,
    double unavailable,
    Duration slowClient) {

  /** Does nothing wrong. */
  public static final Misbehaviour NONE =
      new Misbehaviour(0, 0, 0, 0, 0, Duration.ZERO, 0, Duration.ZERO);

  /** The same, but that a replay starts where it is asked to. */
  public Misbehaviour withoutRewind() {
    return new Misbehaviour(
        seed, drop, silence, junk, duplicate, Duration.ZERO, unavailable, slowClient);
  }

  /** A bit of everything. */
  public static Misbehaviour some(long seed) {
    return new Misbehaviour(
        seed, 0.0001, 0.00002, 0.002, 0.01, Duration.ofSeconds(3), 0.1, Duration.ofSeconds(10));
  }
}
