package routes.api;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.InputStream;
import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVPrinter;
import org.apache.commons.csv.QuoteMode;
import routes.search.PostStream;

/** Posts as CSV after RFC 4180, every field quoted, made while it is read. */
final class CsvExport extends InputStream {

  private static final String HEADER = "Timestamp,Username,Post Preview\r\n";
  private static final CSVFormat FORMAT =
      CSVFormat.RFC4180.builder().setQuoteMode(QuoteMode.ALL).get();
  private static final int ROWS_AT_ONCE = 200;

  private final PostStream posts;
  private byte[] ready = HEADER.getBytes(UTF_8);
  private int at;
  private boolean ended;

  /**
   * @param posts null for none
   */
  CsvExport(PostStream posts) {
    this.posts = posts;
  }

  @Override
  public int read() throws IOException {
    return prepare() ? ready[at++] & 0xff : -1;
  }

  @Override
  public int read(byte[] bytes, int offset, int length) throws IOException {
    if (length == 0) {
      return 0;
    }
    if (!prepare()) {
      return -1;
    }
    int count = Math.min(length, ready.length - at);
    System.arraycopy(ready, at, bytes, offset, count);
    at += count;
    return count;
  }

  private boolean prepare() throws IOException {
    while (at == ready.length && !ended) {
      StringBuilder rows = new StringBuilder();
      try (CSVPrinter csv = new CSVPrinter(rows, FORMAT)) {
        int count = 0;
        while (count < ROWS_AT_ONCE && !ended) {
          if (posts != null && posts.next()) {
            var post = SearchApi.result(posts.post());
            csv.printRecord(post.timestamp(), post.username(), post.text());
            count++;
          } else {
            ended = true;
          }
        }
      }
      ready = rows.toString().getBytes(UTF_8);
      at = 0;
    }
    return at < ready.length;
  }

  @Override
  public void close() {
    ended = true;
    ready = new byte[0];
    at = 0;
    if (posts != null) {
      posts.close();
    }
  }
}
