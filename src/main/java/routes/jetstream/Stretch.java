package routes.jetstream;

/**
 * A stretch of time that is to be read again.
 *
 * @param fromUs its beginning, microseconds since 1970
 * @param toUs its end, microseconds since 1970; reading goes on until an event is later by {@code
 *     hostRewind}, for the clock of the host that is asked may be ahead
 */
public record Stretch(long fromUs, long toUs) {

  public Stretch {
    if (fromUs <= 0 || toUs <= fromUs) {
      throw new IllegalArgumentException(
          "a stretch has to end after it begins, got " + fromUs + " to " + toUs);
    }
  }
}
