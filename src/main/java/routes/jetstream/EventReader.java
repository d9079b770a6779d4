package routes.jetstream;

import com.fasterxml.jackson.core.JsonParseException;
import com.fasterxml.jackson.core.exc.StreamConstraintsException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.exc.MismatchedInputException;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.util.Set;
import routes.jetstream.UnreadableFrame.Reason;

/**
 * Reads frames of the v1 wire format ({@code /subscribe}). Unknown collections and members are
 * kept; what has no identity, or breaks the format, is an {@link UnreadableFrame}.
 */
public final class EventReader {

  /** The first moment that is no longer a year of four digits: times from here on are refused. */
  private static final long YEAR_10000_US = 253_402_300_800_000_000L;

  /**
   * {@code cursor} is the sequence number that v2 hosts add: a fact about the host, not about the
   * event.
   */
  private static final Set<String> ENVELOPE =
      Set.of("did", "time_us", "kind", "commit", "identity", "account", "cursor");

  private static final Set<String> COMMIT =
      Set.of("rev", "operation", "collection", "rkey", "record", "cid");

  private static final Set<String> KINDS = Set.of("commit", "identity", "account");

  private EventReader() {}

  public static Event read(byte[] frame) throws UnreadableFrame {
    ObjectNode message = parse(frame);
    String did = text(message, "did", "");
    long timeUs = time(message);
    String kind = text(message, "kind", "");
    if (!KINDS.contains(kind)) {
      throw new UnreadableFrame(
          Reason.UNKNOWN_KIND,
          "the kind '" + shorten(kind) + "' is none of commit, identity, account");
    }
    ObjectNode payload = object(message, kind, "");
    ObjectNode unknown = unknown(message, kind, payload);
    return switch (kind) {
      case "identity" -> new Event.Identity(did, timeUs, unknown, payload);
      case "account" -> new Event.Account(did, timeUs, unknown, payload);
      default -> commit(did, timeUs, unknown, payload);
    };
  }

  private static Event.Commit commit(String did, long timeUs, ObjectNode unknown, ObjectNode commit)
      throws UnreadableFrame {
    Event.Operation operation = operation(text(commit, "operation", "commit."));
    ObjectNode record = null;
    if (operation != Event.Operation.DELETE || commit.has("record")) {
      record = object(commit, "record", "commit.");
    }
    String cid = commit.has("cid") ? text(commit, "cid", "commit.") : null;
    return new Event.Commit(
        did,
        timeUs,
        unknown,
        text(commit, "rev", "commit."),
        operation,
        text(commit, "collection", "commit."),
        text(commit, "rkey", "commit."),
        cid,
        record);
  }

  private static Event.Operation operation(String name) throws UnreadableFrame {
    for (Event.Operation operation : Event.Operation.values()) {
      if (operation.wireName().equals(name)) {
        return operation;
      }
    }
    throw new UnreadableFrame(
        Reason.UNKNOWN_OPERATION,
        "the operation '" + shorten(name) + "' is none of create, update, delete");
  }

  private static ObjectNode parse(byte[] frame) throws UnreadableFrame {
    if (frame.length == 0) {
      throw new UnreadableFrame(Reason.EMPTY, "the frame is empty");
    }
    JsonNode message;
    try {
      message = Json.read(frame);
    } catch (StreamConstraintsException e) {
      throw new UnreadableFrame(
          Reason.OVER_LIMIT, "larger or deeper than can be read: " + e.getOriginalMessage());
    } catch (NumberFormatException e) {
      // JSON knows no bound for an exponent, BigDecimal does
      throw new UnreadableFrame(
          Reason.OVER_LIMIT, "a number too large to be read: " + shorten(e.getMessage()));
    } catch (MismatchedInputException e) {
      boolean twice = e.getOriginalMessage().startsWith("Duplicate field");
      throw new UnreadableFrame(
          twice ? Reason.DUPLICATE_KEY : Reason.NOT_JSON,
          (twice ? "a key stands twice: " : "not JSON: ") + shorten(e.getOriginalMessage()));
    } catch (JsonParseException e) {
      throw new UnreadableFrame(
          Reason.NOT_JSON,
          "not JSON: "
              + shorten(e.getOriginalMessage())
              + " (at byte "
              + e.getLocation().getByteOffset()
              + ")");
    } catch (IOException e) {
      throw new UnreadableFrame(
          Reason.NOT_JSON, "not JSON: " + shorten(String.valueOf(e.getMessage())));
    }
    if (message instanceof ObjectNode object) {
      return object;
    }
    throw new UnreadableFrame(
        Reason.NOT_AN_OBJECT, "JSON, but not an object: " + message.getNodeType());
  }

  private static ObjectNode unknown(ObjectNode message, String kind, ObjectNode payload) {
    ObjectNode unknown = null;
    // Four members are there by now: did, time_us, kind and what the kind says.
    if (message.size() > (message.has("cursor") ? 5 : 4)) {
      for (var member : message.properties()) {
        if (!ENVELOPE.contains(member.getKey()) || isOtherPayload(member.getKey(), kind)) {
          unknown = unknown == null ? Json.object() : unknown;
          unknown.set(member.getKey(), member.getValue());
        }
      }
    }
    if (kind.equals("commit")) {
      int known = 0;
      for (String member : COMMIT) {
        known += payload.has(member) ? 1 : 0;
      }
      if (payload.size() > known) {
        ObjectNode inCommit = Json.object();
        for (var member : payload.properties()) {
          if (!COMMIT.contains(member.getKey())) {
            inCommit.set(member.getKey(), member.getValue());
          }
        }
        unknown = unknown == null ? Json.object() : unknown;
        unknown.set("commit", inCommit);
      }
    }
    return unknown;
  }

  private static boolean isOtherPayload(String member, String kind) {
    return !member.equals(kind)
        && (member.equals("commit") || member.equals("identity") || member.equals("account"));
  }

  private static String text(ObjectNode object, String field, String path) throws UnreadableFrame {
    JsonNode value = required(object, field, path);
    if (!value.isTextual()) {
      throw new UnreadableFrame(
          Reason.WRONG_TYPE, path + field + " is no text but " + value.getNodeType());
    }
    if (!Json.isUnicode(value.textValue())) {
      throw new UnreadableFrame(
          Reason.WRONG_TYPE, path + field + " is no Unicode text: it has half a surrogate pair");
    }
    return value.textValue();
  }

  private static ObjectNode object(ObjectNode object, String field, String path)
      throws UnreadableFrame {
    JsonNode value = required(object, field, path);
    if (value instanceof ObjectNode node) {
      return node;
    }
    throw new UnreadableFrame(
        Reason.WRONG_TYPE, path + field + " is no object but " + value.getNodeType());
  }

  private static long time(ObjectNode message) throws UnreadableFrame {
    JsonNode value = required(message, "time_us", "");
    if (!value.isIntegralNumber()) {
      throw new UnreadableFrame(
          Reason.WRONG_TYPE, "time_us is no whole number but " + value.getNodeType());
    }
    if (!value.canConvertToLong() || value.longValue() < 0 || value.longValue() >= YEAR_10000_US) {
      throw new UnreadableFrame(
          Reason.OUT_OF_RANGE,
          "time_us is no time between 1970 and 9999: " + shorten(value.asText()));
    }
    return value.longValue();
  }

  private static JsonNode required(ObjectNode object, String field, String path)
      throws UnreadableFrame {
    JsonNode value = object.get(field);
    if (value == null || value.isNull()) {
      throw new UnreadableFrame(
          Reason.MISSING_FIELD, path + field + (value == null ? " is missing" : " is null"));
    }
    return value;
  }

  private static String shorten(String text) {
    return text.length() <= 200 ? text : text.substring(0, 200) + "…";
  }
}
