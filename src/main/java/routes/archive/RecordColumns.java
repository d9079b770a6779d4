package routes.archive;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.NullNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericRecord;
import routes.jetstream.Json;

/**
 * Takes JSON apart into columns, and puts it together again.
 *
 * <p>A field of a schema says with the property {@code record}, {@code identity} or {@code account}
 * which member it holds ({@code "record": "reply.root.uri"}). A column takes its member only if
 * that can be given back exactly; everything else stays in the column {@code extra}, as JSON. So
 * columns and {@code extra} together are the whole value, however odd it is.
 *
 * <p>Two kinds of members are special. One whose column is set beforehand ({@code $type} by {@code
 * collection}) is left out of {@code extra} where it says the same, and stands there as null where
 * it is missing. And an object that itself has what would confuse this (a member {@code $record},
 * or null where null would mean missing) stands in {@code extra} whole, under {@code $record}.
 */
public final class RecordColumns {

  private static final String WHOLE = "$record";

  private final List<Column> columns = new ArrayList<>();
  private final int extra;

  private record Column(int index, String[] path, Schema type, boolean given) {

    String leaf() {
      return path[path.length - 1];
    }
  }

  /**
   * @param schema of the table
   * @param property which members: {@code record}, {@code identity} or {@code account}
   */
  public RecordColumns(Schema schema, String property) {
    for (Schema.Field field : schema.getFields()) {
      String path = field.getProp(property);
      if (path != null) {
        boolean given = field.name().equals("collection") || field.name().equals("did");
        columns.add(new Column(field.pos(), path.split("\\."), nonNull(field.schema()), given));
      }
    }
    extra = schema.getField("extra").pos();
  }

  /**
   * Sets the columns, and {@code extra} to what they do not hold.
   *
   * @param value is taken apart, and not to be used afterwards
   */
  void fill(GenericRecord row, ObjectNode value) {
    boolean whole = value.has(WHOLE) || isAnyGivenNull(value);
    ObjectNode rest = whole ? value.deepCopy() : value;
    for (Column column : columns) {
      if (column.given) {
        takeGiven(rest, column, (String) row.get(column.index));
      } else {
        row.put(column.index, take(rest, column, 0));
      }
    }
    if (whole) {
      rest = Json.object().set(WHOLE, value);
    }
    row.put(extra, rest.isEmpty() ? null : Json.write(rest));
  }

  /** The JSON value that was taken apart into this row. */
  public ObjectNode restore(GenericRecord row) {
    ObjectNode value = parse(row.get(extra));
    if (value.get(WHOLE) instanceof ObjectNode whole) {
      return whole;
    }
    for (Column column : columns) {
      Object held = row.get(column.index);
      if (column.given) {
        if (!value.has(column.leaf())) {
          value.put(column.leaf(), held.toString());
        } else if (value.get(column.leaf()).isNull()) {
          value.remove(column.leaf());
        }
      } else if (held != null) {
        give(value, column, held);
      }
    }
    return value;
  }

  private boolean isAnyGivenNull(ObjectNode value) {
    for (Column column : columns) {
      if (column.given && value.get(column.leaf()) instanceof NullNode) {
        return true;
      }
    }
    return false;
  }

  private static void takeGiven(ObjectNode rest, Column column, String given) {
    JsonNode member = rest.get(column.leaf());
    if (member == null) {
      rest.putNull(column.leaf());
    } else if (member.isTextual() && member.textValue().equals(given)) {
      rest.remove(column.leaf());
    }
  }

  private static Object take(ObjectNode object, Column column, int depth) {
    JsonNode member = object.get(column.path[depth]);
    if (member == null) {
      return null;
    }
    if (depth < column.path.length - 1) {
      if (!(member instanceof ObjectNode inner)) {
        return null;
      }
      int size = inner.size();
      Object taken = take(inner, column, depth + 1);
      if (inner.isEmpty() && size > 0) {
        object.remove(column.path[depth]);
      }
      return taken;
    }
    Object taken = toColumn(member, column.type);
    if (taken != null && isGivenBack(taken, column.type, member)) {
      object.remove(column.path[depth]);
    }
    return taken;
  }

  private static void give(ObjectNode value, Column column, Object held) {
    ObjectNode object = value;
    for (int depth = 0; depth < column.path.length - 1; depth++) {
      JsonNode inner = object.get(column.path[depth]);
      if (inner == null) {
        inner = object.putObject(column.path[depth]);
      }
      object = (ObjectNode) inner;
    }
    if (!object.has(column.leaf())) {
      object.set(column.leaf(), toJson(held, column.type));
    }
  }

  private static Object toColumn(JsonNode member, Schema type) {
    return switch (type.getType()) {
      case STRING ->
          member.isTextual() && Json.isUnicode(member.textValue()) ? member.textValue() : null;
      case BOOLEAN -> member.isBoolean() ? member.booleanValue() : null;
      case ARRAY -> toList(member);
      case LONG -> type.getLogicalType() == null ? toLong(member) : toTime(member);
      default -> throw new IllegalStateException("no column of a record has the type " + type);
    };
  }

  private static Object toList(JsonNode member) {
    if (!(member instanceof ArrayNode array)) {
      return null;
    }
    List<String> list = new ArrayList<>(array.size());
    for (JsonNode element : array) {
      if (!element.isTextual() || !Json.isUnicode(element.textValue())) {
        return null;
      }
      list.add(element.textValue());
    }
    return list;
  }

  private static Object toLong(JsonNode member) {
    return member.isIntegralNumber() && member.canConvertToLong()
        ? (Object) member.longValue()
        : null;
  }

  private static Object toTime(JsonNode member) {
    OptionalLong time = member.isTextual() ? Times.parse(member.textValue()) : OptionalLong.empty();
    return time.isPresent() ? (Object) time.getAsLong() : null;
  }

  private static JsonNode toJson(Object held, Schema type) {
    return switch (type.getType()) {
      case STRING -> Json.object().textNode(held.toString());
      case BOOLEAN -> Json.object().booleanNode((Boolean) held);
      case ARRAY -> {
        ArrayNode array = Json.object().arrayNode();
        ((Iterable<?>) held).forEach(element -> array.add(element.toString()));
        yield array;
      }
      default ->
          type.getLogicalType() == null
              ? Json.object().numberNode((Long) held)
              : Json.object().textNode(Times.write((Long) held));
    };
  }

  /** Whether the member can be made of the column: texts, lists and numbers always can. */
  private static boolean isGivenBack(Object taken, Schema type, JsonNode member) {
    return type.getLogicalType() == null || Times.write((Long) taken).equals(member.textValue());
  }

  private static ObjectNode parse(Object extra) {
    if (extra == null) {
      return Json.object();
    }
    try {
      return (ObjectNode) Json.read(extra.toString());
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("the column extra is damaged: " + e.getOriginalMessage(), e);
    }
  }

  static Schema nonNull(Schema schema) {
    if (schema.getType() != Schema.Type.UNION) {
      return schema;
    }
    return schema.getTypes().stream()
        .filter(type -> type.getType() != Schema.Type.NULL)
        .findFirst()
        .orElseThrow();
  }
}
