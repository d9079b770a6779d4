package routes.api;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.OutputStream;
import java.io.OutputStreamWriter;
import java.util.List;
import org.apache.commons.csv.CSVPrinter;
import routes.archive.Times;
import routes.search.Post;

/**
 * Posts as CSV after RFC 4180 in UTF-8. Every value is quoted, so that none is not the same as an
 * empty one; times are ISO 8601, lists are JSON.
 */
final class CsvPosts implements PostWriter {

  private static final String FORMULA_STARTS = "=+-@\t\r\n";

  private final ExportFormat.Layout layout;
  private final CSVPrinter csv;

  CsvPosts(ExportFormat.Layout layout, OutputStream out) throws IOException {
    this.layout = layout;
    this.csv = new CSVPrinter(new OutputStreamWriter(out, UTF_8), Csv.FORMAT);
    csv.printRecord(layout.columns().stream().map(PostColumn::label).toList());
    csv.flush();
  }

  @Override
  public void write(Post post) throws IOException {
    for (PostColumn column : layout.columns()) {
      csv.print(cell(column, column.of(post)));
    }
    csv.println();
    csv.flush();
  }

  private String cell(PostColumn column, Object value) {
    if (value == null) {
      return null;
    }
    return switch (column.kind()) {
      case TEXT -> safe(value.toString());
      case TIME -> Times.write((Long) value);
      case LIST -> JsonPosts.array((List<?>) value);
      case NUMBER, FLAG -> value.toString();
    };
  }

  private String safe(String text) {
    return layout.spreadsheetSafe()
            && !text.isEmpty()
            && FORMULA_STARTS.indexOf(text.charAt(0)) >= 0
        ? "'" + text
        : text;
  }

  @Override
  public void close() throws IOException {
    csv.flush();
  }
}
