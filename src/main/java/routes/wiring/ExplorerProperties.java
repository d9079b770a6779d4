package routes.wiring;

import jakarta.validation.Valid;
import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.Min;
import jakarta.validation.constraints.NotEmpty;
import jakarta.validation.constraints.NotNull;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.util.unit.DataSize;
import org.springframework.validation.annotation.Validated;
import routes.archive.Retention;

/**
 * Everything that can be configured.
 *
 * @param roles What this process does: any of ingest, drain, query, simulator.
 * @param dataDir Folder of the archive, its catalog and the embedded Redis.
 * @param routesDir Folder of route files that replace or add to the built-in ones; read again when
 *     they change. It need not exist.
 * @param demo Whether the data is made up. A data folder holds either real data or made-up data,
 *     never both.
 */
@Validated
@ConfigurationProperties("explorer")
public record ExplorerProperties(
    @DefaultValue({"ingest", "drain", "query"}) @NotEmpty Set<Role> roles,
    @DefaultValue("./data") @NotNull Path dataDir,
    @DefaultValue("./routes") @NotNull Path routesDir,
    @DefaultValue("false") boolean demo,
    @DefaultValue @Valid Jetstream jetstream,
    @DefaultValue @Valid Redis redis,
    @DefaultValue @Valid Drain drain,
    @DefaultValue @Valid Expire expire,
    @DefaultValue @Valid Compact compact,
    @DefaultValue @Valid Retain retain,
    @DefaultValue @Valid Leftovers leftovers,
    @DefaultValue @Valid DeadLetters deadLetters,
    @DefaultValue @Valid Query query,
    @DefaultValue @Valid Api api,
    @DefaultValue @Valid Sql sql,
    @DefaultValue @Valid Identity identity,
    @DefaultValue @Valid Simulator simulator) {

  /** The parts of the pipeline. */
  public enum Role {
    INGEST,
    DRAIN,
    QUERY,
    SIMULATOR
  }

  /**
   * The event stream.
   *
   * @param hosts Jetstream servers, ws:// or wss://; the next one is tried when one fails.
   * @param collections Collections to keep, at most 100, a prefix may end in .*; all when empty.
   * @param replayWindow How long the hosts hold what happened: gaps that are younger are read
   *     again.
   * @param start Where reading starts when nothing was ever kept: live, a moment
   *     (2026-07-04T00:00:00Z), or a duration back from now (PT24H). Servers hold 24 to 36 hours.
   */
  public record Jetstream(
      @DefaultValue({
            "wss://jetstream.us-east.bsky.network",
            "wss://jetstream.us-west.bsky.network"
          })
          @NotEmpty
          List<String> hosts,
      @DefaultValue("") String collections,
      @DefaultValue("live") String start,
      @DefaultValue("36h") @NotNull Duration replayWindow) {}

  /**
   * The buffer.
   *
   * @param url embedded, for a server of our own, or redis:// or rediss:// with user, password,
   *     host, port and database.
   * @param key Name of the stream of blocks in Redis.
   * @param maxMemory Memory of the embedded server, as Redis writes it. When it is full, ingest
   *     waits; nothing is dropped.
   */
  public record Redis(
      @DefaultValue("embedded") @NotEmpty String url,
      @DefaultValue("explorer:blocks") @NotEmpty String key,
      @DefaultValue("2gb") @NotEmpty String maxMemory) {}

  /**
   * From the buffer to the archive.
   *
   * @param schedule When to drain: a Quartz cron expression, with seconds.
   * @param onShutdown Whether to drain once more at an orderly shutdown.
   * @param maxEvents Events of one batch, at most; what is left is drained in the next batch, at
   *     once.
   * @param maxBytes Bytes of events of one batch, at most.
   * @param maxDuration Time for reading and writing one batch; then it is committed.
   */
  public record Drain(
      @DefaultValue("0 0/5 * * * ?") @NotEmpty String schedule,
      @DefaultValue("false") boolean onShutdown,
      @DefaultValue("250000") @Min(1) long maxEvents,
      @DefaultValue("256MB") @NotNull DataSize maxBytes,
      @DefaultValue("20s") @NotNull Duration maxDuration) {}

  /**
   * Old commits of the archive. Data is not touched by this, only the record of how the tables once
   * were.
   *
   * @param schedule When to forget old commits: a Quartz cron expression, with seconds.
   * @param after How long a commit is remembered, and files that it alone needs are kept.
   */
  public record Expire(
      @DefaultValue("0 17 * * * ?") @NotEmpty String schedule,
      @DefaultValue("1h") @NotNull Duration after) {}

  /**
   * One file for each hour and each date that is over, in the place of many small ones.
   *
   * @param schedule When to compact dates that are over: a Quartz cron expression, with seconds.
   * @param hoursSchedule When to compact the hours of today that are over: a Quartz cron
   *     expression, with seconds.
   * @param maxRows Rows of one file at most: more become several of equal size.
   * @param memory Memory of a DuckDB of its own, that sorts rows; what does not fit is spilled to
   *     the disk.
   * @param purgeDays After how many days, again and again, a date is compacted once more if records
   *     of it were deleted since: what they said is removed then.
   */
  public record Compact(
      @DefaultValue("0 31 2 * * ?") @NotEmpty String schedule,
      @DefaultValue("0 11 * * * ?") @NotEmpty String hoursSchedule,
      @DefaultValue("10000000") @Min(1000) int maxRows,
      @DefaultValue("256MB") @NotNull DataSize memory,
      @DefaultValue("30") @Min(1) int purgeDays) {}

  /**
   * What is kept. Without a limit, everything is. What the next run removes is shown by {@code
   * /api/v1/retention}.
   *
   * @param schedule When to remove what is more than may be kept: a Quartz cron expression, with
   *     seconds.
   * @param days By table, such as explorer.retain.days.likes=90: how many dates of it are kept, 3
   *     at least.
   * @param bytes By table, such as explorer.retain.bytes.records=20GB: the oldest dates go when its
   *     files take more; the newest three dates stay.
   */
  public record Retain(
      @DefaultValue("0 1 5 * * ?") @NotEmpty String schedule,
      @DefaultValue Map<String, @Min(Retention.LEAST_DAYS) Integer> days,
      @DefaultValue Map<String, DataSize> bytes) {}

  /**
   * Files that nobody needs: of batches that were cut off, and temporary ones.
   *
   * @param schedule When to remove them: a Quartz cron expression, with seconds.
   * @param grace How old they have to be; longer than any batch or compaction takes.
   */
  public record Leftovers(
      @DefaultValue("0 41 4 * * ?") @NotEmpty String schedule,
      @DefaultValue("1d") @NotNull Duration grace) {}

  /**
   * What could not be read.
   *
   * @param schedule When to give it another try: a Quartz cron expression, with seconds.
   */
  public record DeadLetters(@DefaultValue("0 51 3 * * ?") @NotEmpty String schedule) {}

  /**
   * Searching.
   *
   * @param rowCap Posts of one search that can be seen or exported; 0 for no cap.
   * @param timeout How long a query may take.
   * @param maxConcurrent Queries at once; others wait.
   * @param maxExports Exports at once; others are sent away.
   * @param maxStreams Streams of new posts at once; others are sent away.
   * @param memory Memory of DuckDB, for queries and for looking up duplicates.
   * @param threads Threads of DuckDB; 0 for one per processor.
   * @param tailSchedule When to read what was received and is not archived yet, so that searches
   *     find it: a Quartz cron expression, with seconds.
   * @param maxTail Events of that which are held in memory; those beyond are found once they are
   *     archived.
   * @param corsOrigin Origin of web pages that may use the API: * for any, or one such as
   *     https://explorer.example.
   */
  public record Query(
      @DefaultValue("1000") @Min(0) int rowCap,
      @DefaultValue("30s") @NotNull Duration timeout,
      @DefaultValue("8") @Min(1) @Max(1000) int maxConcurrent,
      @DefaultValue("4") @Min(1) @Max(100) int maxExports,
      @DefaultValue("50") @Min(0) @Max(100) int maxStreams,
      @DefaultValue("256MB") @NotNull DataSize memory,
      @DefaultValue("0") @Min(0) int threads,
      @DefaultValue("* * * * * ?") @NotEmpty String tailSchedule,
      @DefaultValue("50000") @Min(0) int maxTail,
      @DefaultValue("*") @NotEmpty String corsOrigin) {}

  /**
   * Who may use the API, and how much.
   *
   * @param keysFile File of API keys, read again when it changes; none when empty. Each line is a
   *     name, the SHA-256 of the key in hexadecimal and, if it has one of its own, a limit of
   *     requests an hour.
   * @param keyRequired Whether nobody is answered without a key.
   * @param requestsPerHour Requests an hour of one address, or of one key without a limit of its
   *     own; 0 for no limit. Set it where strangers can reach the API.
   * @param exportRowsPerDay Posts that one client may export by /api/v1/export on a day (UTC); 0
   *     for no limit.
   * @param logQueries Whether the log of requests shows what was asked for.
   */
  public record Api(
      @DefaultValue("") @NotNull String keysFile,
      @DefaultValue("false") boolean keyRequired,
      @DefaultValue("0") @Min(0) int requestsPerHour,
      @DefaultValue("0") @Min(0) long exportRowsPerDay,
      @DefaultValue("false") boolean logQueries) {}

  /**
   * Questions in SQL.
   *
   * @param enabled Whether they are answered.
   * @param timeout How long one may take.
   * @param memory Memory of the DuckDB that each has of its own.
   * @param threads Threads of it.
   * @param maxRows Rows of an answer, at most; the rest is cut off.
   * @param maxConcurrent Questions at once; others wait.
   * @param maxUpload Size of a table of scores as CSV, at most.
   */
  public record Sql(
      @DefaultValue("false") boolean enabled,
      @DefaultValue("30s") @NotNull Duration timeout,
      @DefaultValue("256MB") @NotNull DataSize memory,
      @DefaultValue("1") @Min(1) @Max(64) int threads,
      @DefaultValue("100000") @Min(1) int maxRows,
      @DefaultValue("2") @Min(1) @Max(100) int maxConcurrent,
      @DefaultValue("100MB") @NotNull DataSize maxUpload) {}

  /**
   * Handles that the archive does not know.
   *
   * @param url Public XRPC API that is asked; empty to ask nobody.
   * @param timeout How long one question may take.
   */
  public record Identity(
      @DefaultValue("https://public.api.bsky.app") @NotNull String url,
      @DefaultValue("3s") @NotNull Duration timeout) {}

  /**
   * The made-up network, for role simulator.
   *
   * @param port Port of its Jetstream server, on the loopback address; 0 for any.
   * @param seed Another seed is another world.
   * @param rate Events a second.
   * @param misbehave Whether it drops connections, repeats, falls silent and sends junk.
   */
  public record Simulator(
      @DefaultValue("6008") @Min(0) @Max(65535) int port,
      @DefaultValue("1") long seed,
      @DefaultValue("50") double rate,
      @DefaultValue("false") boolean misbehave) {}

  boolean has(Role role) {
    return roles.contains(role);
  }
}
