package routes.api;

import java.io.IOException;
import java.io.OutputStream;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** How posts are exported. */
enum ExportFormat {
  CSV("text/csv;charset=UTF-8") {
    @Override
    PostWriter writer(Layout layout, OutputStream out) throws IOException {
      return new CsvPosts(layout, out);
    }
  },
  NDJSON("application/x-ndjson") {
    @Override
    PostWriter writer(Layout layout, OutputStream out) {
      return new JsonPosts(layout, out);
    }
  },
  PARQUET("application/vnd.apache.parquet") {
    @Override
    PostWriter writer(Layout layout, OutputStream out) throws IOException {
      return new ParquetPosts(layout, out);
    }
  };

  /**
   * What is written of posts.
   *
   * @param columns in this order
   * @param spreadsheetSafe whether no cell begins with what a spreadsheet takes for a formula; of
   *     CSV only
   * @param notes about the posts, where the format has room for that
   */
  record Layout(List<PostColumn> columns, boolean spreadsheetSafe, Map<String, String> notes) {

    Layout {
      columns = List.copyOf(columns);
      notes = Map.copyOf(notes);
    }
  }

  private final String mediaType;

  ExportFormat(String mediaType) {
    this.mediaType = mediaType;
  }

  /** Writes to a stream, which stays open. */
  abstract PostWriter writer(Layout layout, OutputStream out) throws IOException;

  String mediaType() {
    return mediaType;
  }

  /** As parameters and names of files write it. */
  String label() {
    return name().toLowerCase(Locale.ROOT);
  }
}
