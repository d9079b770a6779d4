package routes.archive;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.apache.avro.Schema;

/** The tables of the archive. Their columns stand in {@code src/main/avro}, and nowhere else. */
public enum TableName {
  POSTS("app.bsky.feed.post"),
  LIKES("app.bsky.feed.like"),
  REPOSTS("app.bsky.feed.repost"),
  FOLLOWS("app.bsky.graph.follow"),
  BLOCKS("app.bsky.graph.block"),
  ACTORS("app.bsky.actor.profile"),
  RECORDS(null),
  DEAD_LETTERS(null),
  LEDGER(null);

  /** The tables of events of the network; the others are about the archive itself. */
  public static final List<TableName> EVENTS =
      List.of(POSTS, LIKES, REPOSTS, FOLLOWS, BLOCKS, ACTORS, RECORDS);

  private final String collection;
  private final String label = name().toLowerCase(Locale.ROOT);
  private final Schema schema;

  TableName(String collection) {
    this.collection = collection;
    this.schema = load(label);
  }

  /** The table of a collection's records. */
  public static TableName ofCollection(String collection) {
    for (TableName table : EVENTS) {
      if (collection.equals(table.collection)) {
        return table;
      }
    }
    return RECORDS;
  }

  /** The table of that name, in lower case. */
  public static Optional<TableName> named(String label) {
    return Arrays.stream(values()).filter(table -> table.label.equals(label)).findFirst();
  }

  /** The name in the catalog, in SQL and on disk: lower case. */
  public String label() {
    return label;
  }

  /** The columns. */
  public Schema schema() {
    return schema;
  }

  /** The names of the columns, in their order. */
  public List<String> columns() {
    return schema.getFields().stream().map(Schema.Field::name).toList();
  }

  /** Where a column is in a row of this table. */
  int position(String column) {
    return schema.getField(column).pos();
  }

  private static Schema load(String label) {
    String resource = "/avro/" + label + ".avsc";
    try (InputStream in = TableName.class.getResourceAsStream(resource)) {
      if (in == null) {
        throw new IllegalStateException("the schema " + resource + " is missing");
      }
      return new Schema.Parser().parse(in);
    } catch (IOException e) {
      throw new UncheckedIOException("the schema " + resource + " cannot be read", e);
    }
  }
}
