package routes.jetstream;

import java.util.Optional;

/** Where the {@code jetstream:} component asks, at every connect, how far it has read. */
@FunctionalInterface
public interface PositionSource {

  /**
   * The position of the newest data kept; empty when there is none, and reading starts with what
   * happens now.
   *
   * @throws Exception when it cannot be told now; the component waits and asks again, and does not
   *     connect in between
   */
  Optional<Position> read() throws Exception;
}
