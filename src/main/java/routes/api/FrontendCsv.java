package routes.api;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.OutputStream;
import java.io.OutputStreamWriter;
import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVPrinter;
import org.apache.commons.csv.QuoteMode;
import routes.search.Post;

/** Posts as the frontend downloads them: CSV after RFC 4180, every field quoted. */
final class FrontendCsv implements PostWriter {

  private static final String HEADER = "Timestamp,Username,Post Preview\r\n";
  private static final CSVFormat FORMAT =
      CSVFormat.RFC4180.builder().setQuoteMode(QuoteMode.ALL).get();

  private final CSVPrinter csv;

  FrontendCsv(OutputStream out) throws IOException {
    out.write(HEADER.getBytes(UTF_8));
    this.csv = new CSVPrinter(new OutputStreamWriter(out, UTF_8), FORMAT);
  }

  @Override
  public void write(Post post) throws IOException {
    SearchApi.Result shown = SearchApi.result(post);
    csv.printRecord(shown.timestamp(), shown.username(), shown.text());
    csv.flush();
  }

  @Override
  public void close() throws IOException {
    csv.flush();
  }
}
