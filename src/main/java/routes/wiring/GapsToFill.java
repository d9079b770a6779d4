package routes.wiring;

import static java.util.Objects.requireNonNull;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import routes.archive.Archive;
import routes.archive.ArchivePosition;
import routes.archive.Completeness;
import routes.archive.Completeness.Gap;
import routes.archive.Times;
import routes.buffer.BlockStream;
import routes.buffer.StreamId;
import routes.jetstream.Stretch;
import routes.jetstream.StretchSource;

/**
 * The gaps that a host may still hold, newest first, for the reader that fills them.
 *
 * <p>Whether a try was of use shows when what it brought is archived; so a gap is not tried again
 * before that. One that every host has been asked for is left alone for an hour.
 */
final class GapsToFill implements StretchSource {

  private static final Logger LOG = LoggerFactory.getLogger(GapsToFill.class);

  private static final Duration REST = Duration.ofHours(1);
  private static final int MAX_REMEMBERED = 10_000;

  private final Completeness completeness;
  private final Archive archive;
  private final BlockStream stream;
  private final int hosts;
  private final Clock clock;
  private final Map<Stretch, Tries> tries = new HashMap<>();
  private Stretch current;

  /**
   * @param number of connections so far
   * @param entry of the stream behind which what the last one brought ends
   * @param at when the last one ended
   */
  private record Tries(int number, StreamId entry, Instant at) {}

  /**
   * @param hosts how many hosts can be asked
   */
  GapsToFill(
      Completeness completeness, Archive archive, BlockStream stream, int hosts, Clock clock) {
    this.completeness = requireNonNull(completeness, "completeness");
    this.archive = requireNonNull(archive, "archive");
    this.stream = requireNonNull(stream, "stream");
    this.hosts = hosts;
    this.clock = requireNonNull(clock, "clock");
  }

  @Override
  public synchronized Optional<Stretch> next() {
    if (current != null) {
      int number = tries.containsKey(current) ? tries.get(current).number : 0;
      tries.put(current, new Tries(number + 1, stream.lastId(), clock.instant()));
      current = null;
    }
    List<Gap> gaps = completeness.fillable();
    if (tries.size() > MAX_REMEMBERED) {
      tries.clear();
    }
    StreamId archived = archive.position().map(ArchivePosition::streamId).orElse(StreamId.ZERO);
    current =
        gaps.stream()
            .sorted(Comparator.comparing(Gap::from).reversed())
            .map(gap -> new Stretch(Times.micros(gap.from()), Times.micros(gap.to())))
            .filter(stretch -> isDue(tries.get(stretch), archived))
            .findFirst()
            .orElse(null);
    if (current != null) {
      LOG.info(
          "Nothing was received from {} to {}: reading it again",
          Times.instant(current.fromUs()),
          Times.instant(current.toUs()));
    }
    return Optional.ofNullable(current);
  }

  private boolean isDue(Tries before, StreamId archived) {
    if (before == null) {
      return true;
    }
    return before.number % hosts == 0
        ? clock.instant().isAfter(before.at.plus(REST))
        : !before.entry.isAfter(archived);
  }
}
