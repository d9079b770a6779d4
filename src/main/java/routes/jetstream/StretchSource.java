package routes.jetstream;

import java.util.Optional;

/** Where a {@code jetstream:} consumer that fills gaps asks what to read next. */
@FunctionalInterface
public interface StretchSource {

  /**
   * The stretch to read now; empty when there is none, and the component asks again later. It asks
   * once for every connection, so the answer before this one has been read, or could not be.
   *
   * @throws Exception when it cannot be told now; the component waits and asks again
   */
  Optional<Stretch> next() throws Exception;
}
