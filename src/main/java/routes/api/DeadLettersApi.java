package routes.api;

import static java.util.Objects.requireNonNull;

import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.camel.Exchange;
import org.apache.camel.Header;
import routes.archive.DeadLetters;
import routes.archive.Times;

/** {@code /api/v1/dead-letters}: what could not be read, and why. */
public final class DeadLettersApi {

  private static final Set<String> KNOWN = Set.of("reason", "page", "limit");
  private static final int DEFAULT_LIMIT = 50;
  private static final int MAX_LIMIT = 500;
  private static final int MAX_PAGE = 1_000_000;
  private static final int HEAD_BYTES = 512;

  private final DeadLetters deadLetters;

  /**
   * A dead letter.
   *
   * @param size bytes of the frame
   * @param text its beginning as UTF-8, with U+FFFD for what is none
   * @param hex its beginning in hexadecimal, two digits a byte
   */
  public record Letter(
      String time,
      String host,
      String reason,
      String detail,
      long size,
      String sha256,
      String text,
      String hex) {}

  /**
   * The answer.
   *
   * @param total how many there are of the reason asked for
   * @param reasons how many there are of each reason
   */
  public record Answer(
      List<Letter> deadLetters, long total, int page, int limit, Map<String, Long> reasons) {}

  public DeadLettersApi(DeadLetters deadLetters) {
    this.deadLetters = requireNonNull(deadLetters, "deadLetters");
  }

  public Answer list(@Header(Exchange.HTTP_QUERY) String query) {
    Parameters parameters = new Parameters(query, KNOWN);
    int page = parameters.number("page", 1, 1, MAX_PAGE);
    int limit = parameters.number("limit", DEFAULT_LIMIT, 1, MAX_LIMIT);
    DeadLetters.Page found =
        deadLetters.page(
            parameters.text("reason"), Math.multiplyExact(page - 1, limit), limit, HEAD_BYTES);
    return new Answer(
        found.letters().stream().map(DeadLettersApi::letter).toList(),
        found.total(),
        page,
        limit,
        found.reasons());
  }

  private static Letter letter(DeadLetters.DeadLetter letter) {
    return new Letter(
        Times.write(Times.micros(letter.time())),
        letter.host(),
        letter.reason(),
        letter.detail(),
        letter.size(),
        letter.sha256(),
        new String(letter.head(), StandardCharsets.UTF_8),
        HexFormat.of().formatHex(letter.head()));
  }
}
