package routes.api;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;

import com.fasterxml.jackson.core.io.JsonStringEncoder;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.OutputStreamWriter;
import java.io.Writer;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import org.apache.camel.Body;
import org.apache.camel.Exchange;
import org.apache.camel.Header;
import org.apache.commons.csv.CSVPrinter;
import routes.search.ScoreTables;
import routes.search.SqlQueries;

/** {@code /api/v1/sql} and {@code /api/v1/scores}: questions in SQL, and tables to join with. */
public final class SqlApi {

  private static final Set<String> KNOWN = Set.of("q", "format");
  private static final int MAX_BYTES = 16 << 20;

  private final Optional<SqlQueries> queries;
  private final ScoreTables scores;

  /** How an answer is written. */
  enum Format {
    JSON("application/json"),
    CSV("text/csv;charset=UTF-8"),
    ARROW("application/vnd.apache.arrow.stream");

    private final String mediaType;

    Format(String mediaType) {
      this.mediaType = mediaType;
    }

    String label() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /**
   * An answer, whole.
   *
   * @param cut whether there are more rows than an answer may have
   */
  public record Answer(byte[] body, String mediaType, boolean cut) {}

  /** The tables of scores. */
  public record Tables(List<String> tables) {}

  /**
   * @param queries empty where it is switched off
   */
  public SqlApi(Optional<SqlQueries> queries, ScoreTables scores) {
    this.queries = requireNonNull(queries, "queries");
    this.scores = requireNonNull(scores, "scores");
  }

  private SqlQueries queries() {
    return queries.orElseThrow(
        () ->
            new ProblemException(
                Problem.switchedOff(
                    "SQL is switched off here.",
                    "The operator switches it on with explorer.sql.enabled=true.")));
  }

  /** Answers the query {@code q}. */
  public Answer get(@Header(Exchange.HTTP_QUERY) String query) throws IOException {
    SqlQueries running = queries();
    Parameters parameters = new Parameters(query, KNOWN);
    String sql =
        parameters
            .text("q")
            .orElseThrow(
                () ->
                    new ProblemException(
                        Problem.badParameter(
                            "q", "It is missing.", "Give a query, such as q=SELECT 1.")));
    return answer(running, sql, format(parameters));
  }

  /** Answers the query that is sent. */
  public Answer post(@Header(Exchange.HTTP_QUERY) String query, @Body InputStream body)
      throws IOException {
    SqlQueries running = queries();
    Parameters parameters = new Parameters(query, Set.of("format"));
    int most = 4 * SqlQueries.MAX_LENGTH;
    byte[] sql = body == null ? new byte[0] : body.readNBytes(most + 1);
    if (sql.length > most) {
      throw new ProblemException(
          Problem.tooLarge("The query has more than " + most + " bytes.", "Ask in fewer words."));
    }
    return answer(running, new String(sql, UTF_8), format(parameters));
  }

  private static Format format(Parameters parameters) {
    return parameters.choice("format", Format.JSON, Arrays.asList(Format.values()), Format::label);
  }

  private static Answer answer(SqlQueries queries, String sql, Format format) throws IOException {
    Bytes out = new Bytes();
    boolean cut;
    try (Writer writer = new OutputStreamWriter(out, UTF_8)) {
      cut =
          switch (format) {
            case JSON -> queries.answer(sql, SqlQueries.Form.JSON, new Json(writer));
            case CSV ->
                queries.answer(
                    sql, SqlQueries.Form.TEXT, new Rows(new CSVPrinter(writer, Csv.FORMAT)));
            case ARROW -> queries.answer(sql, SqlQueries.Form.ARROW, new Stream(out));
          };
    }
    return new Answer(out.toByteArray(), format.mediaType, cut);
  }

  /** Holds an answer, up to a size. */
  private static final class Bytes extends ByteArrayOutputStream {

    @Override
    public synchronized void write(byte[] bytes, int offset, int length) {
      if (count + length > MAX_BYTES) {
        throw new ProblemException(
            Problem.badParameter(
                "q",
                "The answer has more than " + MAX_BYTES + " bytes.",
                "Choose fewer columns or rows, or add LIMIT."));
      }
      super.write(bytes, offset, length);
    }
  }

  private record Json(Writer out, StringBuilder separator) implements SqlQueries.Reader {

    Json(Writer out) {
      this(out, new StringBuilder());
    }

    private static String quoted(String text) {
      return '"' + new String(JsonStringEncoder.getInstance().quoteAsString(text)) + '"';
    }

    @Override
    public void columns(List<SqlQueries.Column> columns) throws IOException {
      out.write(
          "{\"columns\":["
              + String.join(
                  ",",
                  columns.stream()
                      .map(
                          column ->
                              "{\"name\":"
                                  + quoted(column.name())
                                  + ",\"type\":"
                                  + quoted(column.type())
                                  + "}")
                      .toList())
              + "],\"rows\":[");
    }

    @Override
    public void row(List<String> values) throws IOException {
      out.write(separator.toString());
      separator.setLength(0);
      separator.append(',');
      out.write(
          "["
              + String.join(
                  ",", values.stream().map(value -> value == null ? "null" : value).toList())
              + "]");
    }

    @Override
    public void end(boolean cut) throws IOException {
      out.write("],\"cut\":" + cut + "}");
    }
  }

  private record Rows(CSVPrinter csv) implements SqlQueries.Reader {

    @Override
    public void columns(List<SqlQueries.Column> columns) throws IOException {
      csv.printRecord(columns.stream().map(SqlQueries.Column::name).toList());
    }

    @Override
    public void row(List<String> values) throws IOException {
      csv.printRecord(values);
    }

    @Override
    public void end(boolean cut) throws IOException {
      csv.flush();
    }
  }

  private record Stream(OutputStream out) implements SqlQueries.Reader {

    @Override
    public void bytes(byte[] part) throws IOException {
      out.write(part);
    }

    @Override
    public void end(boolean cut) {
      // The stream says itself where it ends.
    }
  }

  /** Stores a table of scores. */
  public ScoreTables.Stored store(@Header("name") String name, @Body InputStream csv)
      throws IOException {
    queries();
    return scores.store(
        Parameters.ofPath("name", name), csv == null ? InputStream.nullInputStream() : csv);
  }

  /** The tables of scores that there are. */
  public Tables list() throws IOException {
    queries();
    return new Tables(scores.names().stream().map(name -> "scores_" + name).toList());
  }

  /** Removes a table of scores. */
  public Tables remove(@Header("name") String name) throws IOException {
    queries();
    if (!scores.remove(Parameters.ofPath("name", name))) {
      throw new ProblemException(
          Problem.notFound(
              "name",
              "There is no table of scores '" + Parameters.shorten(name) + "'.",
              "/api/v1/scores tells those that there are."));
    }
    return list();
  }
}
