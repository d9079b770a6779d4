package routes.api;

import static java.util.Objects.requireNonNull;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.apache.camel.Header;
import routes.archive.Archive;
import routes.archive.ArchiveFile;
import routes.archive.ArchivePosition;
import routes.archive.Compaction;
import routes.archive.Completeness;
import routes.archive.TableName;
import routes.archive.TableSnapshot;
import routes.archive.Times;

/**
 * {@code /api/v1/status} and {@code /api/v1/tables}: what the archive holds, and how the pipeline
 * does.
 */
public final class StatusApi {

  private final Archive archive;
  private final Completeness completeness;
  private final Supplier<Optional<Intake>> intake;
  private final Supplier<Optional<Compaction.UnderWay>> compaction;
  private final boolean demo;
  private final String version;
  private final Clock clock;

  /**
   * What is known of the part before the archive.
   *
   * @param state of the connection, where this process reads the stream: connected, connecting,
   *     waiting …; else null
   * @param host connected to, or that the newest block came from; null before the first
   * @param detail what goes wrong, if anything does
   * @param lastEvent time of the newest event received; null before the first
   * @param lastReceived when the newest block was received; null before the first
   * @param eventsPerSecond over the newest blocks
   * @param bufferedBlocks blocks not archived yet
   * @param bufferedBytes that they take in Redis' memory
   * @param maxBytes that Redis may hold; 0 where it has no limit
   */
  public record Intake(
      String state,
      String host,
      String detail,
      Instant lastEvent,
      Instant lastReceived,
      double eventsPerSecond,
      long bufferedBlocks,
      long bufferedBytes,
      long maxBytes) {}

  /** How the pipeline does. */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Status(
      boolean demo,
      String version,
      Instant now,
      Ingest ingest,
      Buffer buffer,
      Archived archive,
      Compacting compaction,
      Completeness.Summary completeness,
      List<Table> tables) {}

  /** The connection to Jetstream; lag is between the newest event received and now. */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Ingest(
      String state,
      String host,
      String detail,
      Instant lastEvent,
      Instant lastReceived,
      Double lagSeconds,
      Double eventsPerSecond) {}

  /** What is received and not archived. */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Buffer(String state, Long blocks, Long bytes) {}

  /** How far the archive has come. */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Archived(
      Instant lastCommit, Instant position, String streamId, Double behindSeconds) {}

  /**
   * What a compaction of this process does; left out when none is under way.
   *
   * @param step check, write, prepare or commit
   * @param rows that are written
   * @param of so many
   * @param since when this date, or hour, was begun
   */
  public record Compacting(
      String table, String date, String step, long rows, long of, Instant since) {}

  /** A table in numbers. */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Table(String name, long rows, long bytes, int files, Instant lastCommit) {}

  /** The live files of a table. */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record TableFiles(
      String table, long snapshot, Instant committedAt, long rows, long bytes, List<File> files) {}

  /** A live file: path on the server's disk, and below the archive's folder. */
  public record File(String path, String date, long rows, long bytes) {}

  /**
   * @param intake asks for what is before the archive; empty when the buffer cannot be reached
   * @param compaction asks what it does
   */
  public StatusApi(
      Archive archive,
      Completeness completeness,
      Supplier<Optional<Intake>> intake,
      Supplier<Optional<Compaction.UnderWay>> compaction,
      boolean demo,
      String version,
      Clock clock) {
    this.archive = requireNonNull(archive, "archive");
    this.completeness = requireNonNull(completeness, "completeness");
    this.intake = requireNonNull(intake, "intake");
    this.compaction = requireNonNull(compaction, "compaction");
    this.demo = demo;
    this.version = requireNonNull(version, "version");
    this.clock = requireNonNull(clock, "clock");
  }

  public Status status() {
    Instant now = clock.instant();
    Optional<Intake> before = intake.get();
    TableSnapshot ledger = archive.snapshot(TableName.LEDGER);
    List<Table> tables =
        Arrays.stream(TableName.values()).map(name -> table(archive.snapshot(name))).toList();
    return new Status(
        demo,
        version,
        now,
        before.map(known -> ingest(known, now)).orElse(null),
        buffer(before),
        archived(ledger, now),
        compaction.get().map(StatusApi::compacting).orElse(null),
        completeness.summary(Optional.empty(), Optional.empty()),
        tables);
  }

  private static Ingest ingest(Intake intake, Instant now) {
    return new Ingest(
        intake.state() == null ? null : intake.state().toLowerCase(Locale.ROOT),
        intake.host(),
        intake.detail(),
        intake.lastEvent(),
        intake.lastReceived(),
        intake.lastEvent() == null ? null : seconds(intake.lastEvent(), now),
        intake.eventsPerSecond());
  }

  private static Buffer buffer(Optional<Intake> intake) {
    return intake
        .map(known -> new Buffer("reachable", known.bufferedBlocks(), known.bufferedBytes()))
        .orElse(new Buffer("unreachable", null, null));
  }

  private static Archived archived(TableSnapshot ledger, Instant now) {
    Optional<Instant> position =
        ledger.position().map(ArchivePosition::timeUs).filter(time -> time > 0).map(Times::instant);
    return new Archived(
        ledger.committedAt(),
        position.orElse(null),
        ledger.position().map(ArchivePosition::lastEntry).orElse(null),
        position.map(time -> seconds(time, now)).orElse(null));
  }

  private static Compacting compacting(Compaction.UnderWay underWay) {
    return new Compacting(
        underWay.table().label(),
        underWay.date().toString(),
        underWay.step().name().toLowerCase(Locale.ROOT),
        underWay.rows(),
        underWay.of(),
        underWay.since());
  }

  private static Table table(TableSnapshot snapshot) {
    return new Table(
        snapshot.table().label(),
        snapshot.rows(),
        snapshot.bytes(),
        snapshot.files().size(),
        snapshot.committedAt());
  }

  /** The live files of a table, for a DuckDB or pandas of one's own. */
  public TableFiles files(@Header("table") String table) {
    TableName name =
        TableName.named(Parameters.ofPath("table", table))
            .orElseThrow(
                () ->
                    new ProblemException(
                        Problem.notFound(
                            "table",
                            "There is no table '"
                                + Parameters.shorten(String.valueOf(table))
                                + "'.",
                            "The tables are: "
                                + Arrays.stream(TableName.values())
                                    .map(TableName::label)
                                    .collect(Collectors.joining(", "))
                                + ".")));
    TableSnapshot snapshot = archive.snapshot(name);
    List<File> files =
        snapshot.files().stream()
            .sorted(Comparator.comparing(ArchiveFile::date).thenComparing(ArchiveFile::path))
            .map(
                file ->
                    new File(
                        file.path().toString(), file.date().toString(), file.rows(), file.bytes()))
            .toList();
    return new TableFiles(
        name.label(),
        snapshot.id(),
        snapshot.committedAt(),
        snapshot.rows(),
        snapshot.bytes(),
        files);
  }

  private static double seconds(Instant from, Instant to) {
    return Duration.between(from, to).toMillis() / 1000.0;
  }
}
