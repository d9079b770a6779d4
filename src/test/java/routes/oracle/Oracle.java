package routes.oracle;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.math.BigInteger;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.avro.generic.GenericRecord;
import routes.fixtures.CanonicalJson;
import routes.fixtures.StoredEvents;
import routes.jetstream.Json;
import routes.simulator.JetstreamServer;
import routes.simulator.World;

/**
 * Compares everything that an archive holds with the world that it came from, as one or more hosts
 * have shown it.
 */
public final class Oracle {

  /** Reading starts a little earlier than asked for, and hosts rewind: that is no invention. */
  private static final long BEFORE_US = 180_000_000;

  private static final long LAST_MOMENT_US = 100_000;

  private final List<World> hosts;
  private final JetstreamServer[] servers;

  /**
   * What is wrong; all zero when nothing is.
   *
   * @param due events and frames that had to be stored
   * @param lost of these, not stored
   * @param twice stored more than once
   * @param invented stored, and nothing that any host has sent
   * @param changed stored with another content
   * @param misplaced in another table or date than their own
   */
  public record Verdict(
      long due,
      long lost,
      long twice,
      long invented,
      long changed,
      long misplaced,
      List<String> examples) {

    public boolean isClean() {
      return wrong() == 0;
    }

    /** All that is wrong, whatever way. */
    public long wrong() {
      return lost + twice + invented + changed + misplaced;
    }

    @Override
    public String toString() {
      return "due="
          + due
          + " lost="
          + lost
          + " twice="
          + twice
          + " invented="
          + invented
          + " changed="
          + changed
          + " misplaced="
          + misplaced
          + (examples.isEmpty() ? "" : " such as " + examples);
    }
  }

  /**
   * @param hosts the same world, by the clock of each host
   * @param servers that sent it, in the same order
   */
  public Oracle(List<World> hosts, JetstreamServer... servers) {
    this.hosts = List.copyOf(hosts);
    this.servers = servers;
  }

  /** An event that was seen stored. */
  private static final class Copy {
    private int count;
    private BigInteger content;

    /** What is stored of a record whose content is gone; null where it is not. */
    private JsonNode purged;

    private long timeUs;
    private boolean expected;
  }

  /**
   * @param from everything since has to be stored
   * @param to and until then, but for the last moment: where its clock stands still, a server waits
   *     at the first event that is yet to come, and those behind it in its order may be earlier
   */
  public Verdict compare(Path dataFolder, Instant from, Instant to) throws IOException {
    Map<BigInteger, Copy> events = new HashMap<>();
    Map<BigInteger, Integer> letters = new HashMap<>();
    long[] misplaced = {0};
    StoredEvents.visit(
        dataFolder,
        new StoredEvents.Visitor() {
          @Override
          public void event(JsonNode event, boolean inPlace) {
            Copy copy = events.computeIfAbsent(identity(event), key -> new Copy());
            copy.count++;
            copy.content = content(event);
            copy.purged = isPurged(event) ? event : null;
            copy.timeUs = event.get("time_us").longValue();
            misplaced[0] += inPlace ? 0 : 1;
          }

          @Override
          public void deadLetter(byte[] frame, String reason) {
            letters.merge(hash(new String(frame, ISO_8859_1)), 1, Integer::sum);
          }

          @Override
          public void ledger(GenericRecord row) {
            // Compared with the rest by Verification.
          }
        });
    return compare(events, letters, misplaced[0], micros(from), micros(to) - LAST_MOMENT_US);
  }

  private Verdict compare(
      Map<BigInteger, Copy> events,
      Map<BigInteger, Integer> letters,
      long misplaced,
      long fromUs,
      long toUs)
      throws IOException {
    List<String> examples = new ArrayList<>();
    Deletions deletions = new Deletions(hosts.get(0), fromUs - BEFORE_US, toUs + BEFORE_US);
    Set<BigInteger> junk = new HashSet<>();
    long due = 0;
    long lost = 0;
    long changed = 0;
    World first = hosts.get(0);
    for (long n = first.numberAt(fromUs - BEFORE_US); first.timeUs(n) <= toUs + BEFORE_US; n++) {
      long number = n;
      // What every host has shown by then is due; what one may have shown is no invention.
      boolean isDue =
          hosts.stream()
              .mapToLong(host -> host.timeUs(number))
              .allMatch(time -> time >= fromUs && time <= toUs);
      JsonNode event = Json.read(first.frame(n));
      due += isDue ? 1 : 0;
      Copy copy = events.get(identity(event));
      if (copy == null) {
        if (isDue) {
          lost++;
          example(examples, "lost " + event);
        }
      } else {
        copy.expected = true;
        boolean same =
            (copy.content.equals(content(event))
                    || copy.purged != null
                        && deletions.allow(event)
                        && isRestOf(copy.purged, event))
                && hosts.stream().anyMatch(host -> host.timeUs(number) == copy.timeUs);
        if (!same) {
          changed++;
          example(examples, "changed " + event);
        }
      }
      boolean anyJunk = false;
      boolean anyKept = false;
      for (JetstreamServer server : servers) {
        var before = server.junkBefore(n).map(frame -> hash(new String(frame, ISO_8859_1)));
        before.ifPresent(junk::add);
        anyJunk |= before.isPresent();
        anyKept |= before.isPresent() && letters.containsKey(before.get());
      }
      if (anyJunk && isDue) {
        due++;
        if (!anyKept) {
          lost++;
          example(examples, "lost the junk before " + event);
        }
      }
    }
    long twice =
        events.values().stream().filter(copy -> copy.count > 1).count()
            + letters.values().stream().filter(count -> count > 1).count();
    long invented =
        events.values().stream().filter(copy -> !copy.expected).count()
            + letters.keySet().stream().filter(letter -> !junk.contains(letter)).count();
    return new Verdict(due, lost, twice, invented, changed, misplaced, examples);
  }

  /** Whether it may be a record of which a compaction has left only the row. */
  private static boolean isPurged(JsonNode event) {
    JsonNode commit = event.path("commit");
    return commit.has("record") && !commit.has("cid");
  }

  /** Whether all that is left of a record is what it was, and when. */
  private static boolean isRestOf(JsonNode purged, JsonNode event) {
    ObjectNode left = purged.deepCopy();
    ObjectNode record = (ObjectNode) ((ObjectNode) left.get("commit")).remove("record");
    ObjectNode whole = event.deepCopy();
    ObjectNode commit = (ObjectNode) whole.get("commit");
    JsonNode created = commit.at("/record/createdAt");
    commit.remove(List.of("record", "cid"));
    record.remove("$type");
    JsonNode createdLeft = record.remove("createdAt");
    return record.isEmpty()
        && (createdLeft == null || isSameTime(createdLeft, created))
        && content(left).equals(content(whole));
  }

  /** The time stays, not how it was written. */
  private static boolean isSameTime(JsonNode one, JsonNode other) {
    return OffsetDateTime.parse(one.textValue())
        .toInstant()
        .equals(OffsetDateTime.parse(other.textValue()).toInstant());
  }

  /** What the world says is deleted: a compaction may have removed its content. */
  private static final class Deletions {

    private final Map<String, String> revisions = new HashMap<>();
    private final Set<String> accounts = new HashSet<>();

    Deletions(World world, long fromUs, long toUs) throws IOException {
      for (long n = world.numberAt(fromUs); world.timeUs(n) <= toUs; n++) {
        JsonNode event = Json.read(world.frame(n));
        if (event.at("/commit/operation").asText().equals("delete")) {
          revisions.merge(
              key(event),
              event.at("/commit/rev").textValue(),
              (one, two) -> one.compareTo(two) > 0 ? one : two);
        } else if (Set.of("deleted", "takendown").contains(event.at("/account/status").asText())) {
          accounts.add(event.get("did").textValue());
        }
      }
    }

    boolean allow(JsonNode event) {
      return accounts.contains(event.get("did").textValue())
          || revisions.getOrDefault(key(event), "").compareTo(event.at("/commit/rev").asText()) > 0;
    }

    private static String key(JsonNode event) {
      return event.get("did").textValue()
          + " "
          + event.at("/commit/collection").textValue()
          + " "
          + event.at("/commit/rkey").textValue();
    }
  }

  private static void example(List<String> examples, String text) {
    if (examples.size() < 3) {
      examples.add(text.substring(0, Math.min(400, text.length())));
    }
  }

  /** What is the same in every copy of an event. */
  private static BigInteger identity(JsonNode event) {
    JsonNode commit = event.path("commit");
    String identity =
        commit.isMissingNode()
            ? content(event).toString()
            : String.join(
                " ",
                event.get("did").textValue(),
                commit.get("collection").textValue(),
                commit.get("rkey").textValue(),
                commit.get("operation").textValue(),
                commit.get("rev").textValue());
    return hash(identity);
  }

  /** All of it but the time, which each host has its own of. */
  private static BigInteger content(JsonNode event) {
    ObjectNode copy = ((ObjectNode) event).deepCopy();
    copy.remove("time_us");
    return hash(CanonicalJson.of(copy));
  }

  private static BigInteger hash(String text) {
    try {
      byte[] digest = MessageDigest.getInstance("SHA-256").digest(text.getBytes(UTF_8));
      return new BigInteger(Arrays.copyOf(digest, 16));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  private static long micros(Instant instant) {
    return instant.toEpochMilli() * 1000;
  }
}
