package routes.archive;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericRecord;
import org.duckdb.DuckDBFunctions;
import org.duckdb.DuckDBScalarFunctionBuilder;
import routes.jetstream.Cid;
import routes.jetstream.Json;

/**
 * What a compacted file leaves out of its rows, since it follows from the rest of the row:
 *
 * <ul>
 *   <li>{@code cid} is empty where it is the one that the record has by the protocol;
 *   <li>{@code created_at} is null where it is {@code sort_at}, and that neither {@code time_us}
 *       nor 1970;
 *   <li>{@code reply_root_cid} of posts is empty where it is {@code reply_parent_cid}.
 * </ul>
 *
 * A text of these columns that is itself empty or begins with {@code =} has a {@code =} in front.
 * Each is compared when it is left out, so that what comes back is what was there.
 */
public final class Packing {

  private static final String FOLLOWS = "";
  private static final String ESCAPE = "=";
  private static final String CID = "cid";
  private static final String ROOT = "reply_root_cid";
  private static final String PARENT = "reply_parent_cid";

  /** The function of SQL that gives the CID of a record: a table, and columns of it as JSON. */
  private static final String RECORD_CID = "record_cid";

  private static final Map<TableName, Packing> PACKINGS = new EnumMap<>(TableName.class);

  static {
    for (TableName table : TableName.EVENTS) {
      PACKINGS.put(table, new Packing(table));
    }
  }

  private final TableName table;
  private final RecordColumns record;

  private Packing(TableName table) {
    this.table = table;
    this.record = new RecordColumns(table.schema(), "record");
  }

  /** Of a table of events; null for another, from which nothing is left out. */
  static Packing of(TableName table) {
    return PACKINGS.get(table);
  }

  /** What a file's rows need to be whole; null where nothing is left out. */
  static Packing of(TableName table, ArchiveFile file) {
    return file.isPacked() ? of(table) : null;
  }

  private boolean hasRoot() {
    return table == TableName.POSTS;
  }

  /**
   * Leaves out what follows.
   *
   * @param row as {@link #packable} gives it: whole, but for what was left out before
   */
  void pack(GenericRecord row) {
    String cid = text(row, CID);
    if (cid != null && !cid.isEmpty() && cid.equals(cidOf(row))) {
      row.put(CID, FOLLOWS);
    }
    Long created = (Long) row.get("created_at");
    if (created != null && isTold(row) && created.equals(row.get("sort_at"))) {
      row.put("created_at", null);
    }
    if (hasRoot()
        && text(row, ROOT) instanceof String root
        && !root.startsWith(ESCAPE)
        && root.equals(text(row, PARENT))) {
      row.put(ROOT, FOLLOWS);
    }
  }

  /** Puts in what was left out of a row of a compacted file, as far as its columns were read. */
  void unpack(GenericRecord row) {
    // First, for it is made of the row as it is packed.
    if (row.hasField(CID) && text(row, CID) instanceof String cid) {
      row.put(CID, cid.isEmpty() ? cidOf(row) : unescaped(cid));
    }
    if (row.hasField("created_at") && row.get("created_at") == null) {
      row.put("created_at", createdAt(row));
    }
    if (hasRoot() && row.hasField(ROOT) && text(row, ROOT) instanceof String root) {
      row.put(ROOT, root.isEmpty() ? text(row, PARENT) : unescaped(root));
    }
  }

  /** Whether the CID of a row of a compacted file was left out. */
  static boolean leavesOutCid(GenericRecord row) {
    return FOLLOWS.equals(text(row, CID));
  }

  /** The columns that have to be read to have those that are wanted. */
  List<String> needed(List<String> wanted) {
    if (wanted.contains(CID)) {
      return table.columns();
    }
    Set<String> needed = new LinkedHashSet<>(wanted);
    if (wanted.contains("created_at")) {
      needed.addAll(List.of("sort_at", "time_us"));
    }
    if (wanted.contains(ROOT)) {
      needed.add(PARENT);
    }
    return List.copyOf(needed);
  }

  /** Whether {@code sort_at} is the time that the record says, if it says one that can be read. */
  private static boolean isTold(GenericRecord row) {
    Object sortAt = row.get("sort_at");
    return !sortAt.equals(row.get("time_us")) && !sortAt.equals(0L);
  }

  private static Long createdAt(GenericRecord row) {
    return isTold(row) ? (Long) row.get("sort_at") : null;
  }

  private static String text(GenericRecord row, String column) {
    Object value = row.get(column);
    return value == null ? null : value.toString();
  }

  private static String unescaped(String text) {
    return text.startsWith(ESCAPE) ? text.substring(ESCAPE.length()) : text;
  }

  /**
   * The CID of a row as it is packed, and as {@link #packable} gives it; null where the record has
   * none.
   */
  private String cidOf(GenericRecord row) {
    Object created = row.get("created_at");
    Object root = hasRoot() ? row.get(ROOT) : null;
    try {
      if (created == null) {
        row.put("created_at", createdAt(row));
      }
      if (root != null) {
        row.put(ROOT, root.toString().isEmpty() ? row.get(PARENT) : unescaped(root.toString()));
      }
      return Cid.of(record.restore(row));
    } catch (IOException e) {
      return null;
    } finally {
      row.put("created_at", created);
      if (root != null) {
        row.put(ROOT, root);
      }
    }
  }

  /**
   * Files of a table as something to select from, with all that was left out.
   *
   * @param files at least one; older ones may lack columns
   */
  public static String readable(TableName table, List<ArchiveFile> files) {
    Packing packing = of(table);
    return parted(files, packing == null ? "*" : packing.readableColumns(), "*");
  }

  /** One file with all that was left out, and {@code file_row_number}: {@link DuckDb#numbered}. */
  public static String numbered(TableName table, ArchiveFile file) {
    String columns = file.isPacked() ? of(table).readableColumns() : "*";
    return "(SELECT " + columns + " FROM " + DuckDb.numbered(file) + ")";
  }

  /** Files without what was left out, and with what else is in those columns made different. */
  static String packable(TableName table, List<ArchiveFile> files) {
    Packing packing = of(table);
    return parted(files, "*", packing == null ? "*" : packing.escapedColumns());
  }

  private static String parted(List<ArchiveFile> files, String ofPacked, String ofOthers) {
    List<ArchiveFile> packed = files.stream().filter(ArchiveFile::isPacked).toList();
    List<ArchiveFile> others = files.stream().filter(file -> !file.isPacked()).toList();
    List<String> parts = new ArrayList<>();
    if (!packed.isEmpty()) {
      parts.add("SELECT " + ofPacked + " FROM " + DuckDb.fromAny(packed));
    }
    if (!others.isEmpty() || packed.isEmpty()) {
      parts.add("SELECT " + ofOthers + " FROM " + DuckDb.fromAny(others));
    }
    return "(" + String.join(" UNION ALL BY NAME ", parts) + ")";
  }

  private String readableColumns() {
    String created =
        "CASE WHEN created_at IS NULL AND sort_at <> time_us AND epoch_us(sort_at) <> 0"
            + " THEN sort_at ELSE created_at END";
    String root =
        "CASE WHEN reply_root_cid = '' THEN reply_parent_cid"
            + " WHEN starts_with(reply_root_cid, '=') THEN reply_root_cid[2:]"
            + " ELSE reply_root_cid END";
    List<String> members = new ArrayList<>();
    for (Schema.Field field : table.schema().getFields()) {
      String name = field.name();
      if (field.getProp("record") != null || name.equals("extra")) {
        String value = name.equals("created_at") ? created : name.equals(ROOT) ? root : name;
        boolean time = RecordColumns.nonNull(field.schema()).getLogicalType() != null;
        members.add(name + " := " + (time ? "epoch_us(" + value + ")" : value));
      }
    }
    String cid =
        "CASE WHEN cid = '' THEN "
            + RECORD_CID
            + "('"
            + table.label()
            + "', to_json(struct_pack("
            + String.join(", ", members)
            + "))::VARCHAR) WHEN starts_with(cid, '=') THEN cid[2:] ELSE cid END";
    return "* REPLACE ("
        + cid
        + " AS cid, "
        + created
        + " AS created_at"
        + (hasRoot() ? ", " + root + " AS reply_root_cid" : "")
        + ")";
  }

  /** A time that is missing, and would be there once the row is unpacked, was never written. */
  private String escapedColumns() {
    List<String> columns = new ArrayList<>();
    columns.add(
        "CASE WHEN created_at IS NULL AND sort_at <> time_us AND epoch_us(sort_at) <> 0"
            + " THEN error('a row without created_at has the sort_at of one with it')::TIMESTAMPTZ"
            + " ELSE created_at END AS created_at");
    for (String column : hasRoot() ? List.of(CID, ROOT) : List.of(CID)) {
      columns.add(
          "CASE WHEN %1$s = '' OR starts_with(%1$s, '=') THEN '=' || %1$s ELSE %1$s END AS %1$s"
              .formatted(column));
    }
    return "* REPLACE (" + String.join(", ", columns) + ")";
  }

  /** Teaches DuckDB the function that {@link #readable} calls. */
  public static void register(Connection connection) throws SQLException {
    try (DuckDBScalarFunctionBuilder function = DuckDBFunctions.scalarFunction()) {
      function
          .withName(RECORD_CID)
          .withParameters(String.class, String.class)
          .withReturnType(String.class)
          .withFunction((String table, String columns) -> cidOf(table, columns))
          .register(connection);
    }
  }

  private static String cidOf(String table, String columns) {
    try {
      Packing packing = of(TableName.named(table).orElseThrow());
      GenericRecord row = new GenericData.Record(packing.table.schema());
      for (var column : Json.read(columns).properties()) {
        row.put(column.getKey(), value(column.getValue()));
      }
      return Cid.of(packing.record.restore(row));
    } catch (IOException e) {
      throw new IllegalStateException("a record of a packed file has no CID", e);
    }
  }

  private static Object value(JsonNode value) {
    if (value.isArray()) {
      List<String> list = new ArrayList<>(value.size());
      value.forEach(element -> list.add(element.textValue()));
      return list;
    }
    return value.isTextual()
        ? value.textValue()
        : value.isBoolean()
            ? (Object) value.booleanValue()
            : value.isNumber() ? (Object) value.longValue() : null;
  }
}
