package routes.oracle;

import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import routes.fixtures.ExplorerProcess;
import routes.simulator.World;

/** How far an application says that it has come. */
public final class Archived {

  private Archived() {}

  /** Waits until what happens from now on is archived. */
  public static void awaitFlow(ExplorerProcess explorer) {
    Instant now = Instant.now();
    await()
        .atMost(Duration.ofSeconds(90))
        .until(() -> position(explorer.json("/api/v1/status")).isAfter(now));
  }

  /**
   * Waits until all that the world had sent at its end is archived. The buffer does not stay empty:
   * who hears nothing more connects again, and the last seconds come once more.
   */
  public static void awaitAll(
      ExplorerProcess explorer, World world, Instant end, Duration patience) {
    await()
        .atMost(patience)
        .until(() -> explorer.json("/api/v1/status"), status -> hasAll(status, world, end));
  }

  /**
   * The same of whichever host it reads.
   *
   * @param worlds by the URL of the host
   */
  static void awaitAll(
      ExplorerProcess explorer, Map<String, World> worlds, Instant end, Duration patience) {
    await()
        .atMost(patience)
        .until(
            () -> explorer.json("/api/v1/status"),
            status -> {
              World world = worlds.get(status.path("ingest").path("host").asText());
              return world != null && hasAll(status, world, end);
            });
  }

  /** Whether all that the world had sent at its end is archived. */
  public static boolean hasAll(JsonNode status, World world, Instant end) {
    return status.get("buffer").path("blocks").asLong(-1) == 0
        && !position(status).isBefore(newest(world, end));
  }

  /** Waits until what was missed was read again, and is archived. */
  public static void awaitWhole(ExplorerProcess explorer, Duration patience) {
    await()
        .atMost(patience)
        .until(
            () -> explorer.json("/api/v1/status").path("completeness"),
            completeness -> completeness.path("gaps").asInt(-1) == 0);
  }

  /** Rows of events, the ledger's left out. */
  public static long rows(JsonNode status) {
    long rows = 0;
    for (JsonNode table : status.get("tables")) {
      rows += table.get("name").textValue().equals("ledger") ? 0 : table.get("rows").longValue();
    }
    return rows;
  }

  /** Where the archive ends: long ago, as long as there is nothing in it. */
  static Instant position(JsonNode status) {
    String position = status.get("archive").path("position").asText();
    return position.isEmpty() ? Instant.EPOCH : Instant.parse(position);
  }

  /** The server waits at the first event that is yet to come; what is behind it is not due. */
  private static Instant newest(World world, Instant end) {
    long endUs = end.toEpochMilli() * 1000;
    long newestUs = 0;
    for (long n = world.numberAt(endUs - 10_000_000); world.timeUs(n) <= endUs; n++) {
      newestUs = Math.max(newestUs, world.timeUs(n));
    }
    return Instant.ofEpochMilli(newestUs / 1000);
  }
}
