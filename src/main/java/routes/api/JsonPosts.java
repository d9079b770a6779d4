package routes.api;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.json.JsonWriteFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.io.OutputStream;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import routes.archive.Times;
import routes.search.Post;

/** Posts as NDJSON: an object a line, in UTF-8. What a post has not is left out. */
final class JsonPosts implements PostWriter {

  private static final ObjectMapper JSON =
      JsonMapper.builder()
          .configure(JsonWriteFeature.COMBINE_UNICODE_SURROGATES_IN_UTF8, true)
          .build();

  private final ExportFormat.Layout layout;
  private final OutputStream out;

  JsonPosts(ExportFormat.Layout layout, OutputStream out) {
    this.layout = layout;
    this.out = out;
  }

  @Override
  public void write(Post post) throws IOException {
    out.write(line(post, layout.columns()));
    out.write('\n');
  }

  /** A post as JSON in one line. */
  static byte[] line(Post post, List<PostColumn> columns) throws IOException {
    return JSON.writeValueAsBytes(object(post, columns));
  }

  /**
   * The columns of a post by their names; times as text, empty lists and what it has not left out.
   */
  static Map<String, Object> object(Post post, List<PostColumn> columns) {
    Map<String, Object> object = new LinkedHashMap<>();
    for (PostColumn column : columns) {
      Object value = column.of(post);
      if (value != null && !(value instanceof List<?> list && list.isEmpty())) {
        object.put(
            column.label(),
            column.kind() == PostColumn.Kind.TIME ? Times.write((Long) value) : value);
      }
    }
    return object;
  }

  static String array(List<?> values) {
    try {
      return JSON.writeValueAsString(values);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a list of texts cannot be written as JSON", e);
    }
  }

  @Override
  public void close() {
    // each line is whole
  }
}
