package routes.wiring;

import java.time.Clock;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import routes.archive.Archive;
import routes.archive.ArchivePosition;
import routes.archive.Times;
import routes.buffer.BlockStream;
import routes.jetstream.Position;
import routes.jetstream.PositionSource;

/**
 * Where reading goes on: behind the newest block of the stream, else behind the archive, else where
 * it is configured to start.
 */
final class IngestPosition implements PositionSource {

  private final BlockStream stream;
  private final Archive archive;
  private final Optional<Position> start;

  IngestPosition(BlockStream stream, Archive archive, String start, Clock clock) {
    this.stream = stream;
    this.archive = archive;
    this.start = parse(start, clock);
  }

  private static Optional<Position> parse(String start, Clock clock) {
    if (start.equals("live")) {
      return Optional.empty();
    }
    try {
      Instant from =
          start.startsWith("P")
              ? clock.instant().minus(Duration.parse(start))
              : Instant.parse(start);
      return Optional.of(new Position(Times.micros(from), ""));
    } catch (DateTimeException e) {
      throw new IllegalArgumentException(
          "explorer.jetstream.start: '"
              + start
              + "' is neither live, nor a moment such as 2026-07-04T00:00:00Z, nor a duration such as PT24H",
          e);
    }
  }

  @Override
  public Optional<Position> read() {
    // A stream that was wiped, or lost its end, goes on behind the archive, and under greater ids.
    Optional<ArchivePosition> archived = archive.position();
    archived.ifPresent(at -> stream.continueAfter(at.streamId(), at.timeUs(), at.host()));
    return stream
        .resume()
        .or(() -> archived.filter(at -> at.timeUs() > 0).map(IngestPosition::position))
        .or(() -> start);
  }

  /** Where only blocks that fill gaps are left in the stream. */
  private static Position position(ArchivePosition archived) {
    return new Position(archived.timeUs(), archived.host());
  }
}
