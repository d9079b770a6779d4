package routes.api;

import static java.util.Objects.requireNonNull;

import java.time.Instant;
import java.util.Optional;
import java.util.Set;
import org.apache.camel.Exchange;
import org.apache.camel.Header;
import routes.archive.Completeness;

/** {@code /api/v1/completeness}: what times the archive covers, and what it lacks. */
public final class CompletenessApi {

  private static final Set<String> KNOWN = Set.of("start", "end", "start_date", "end_date");

  private final Completeness completeness;

  public CompletenessApi(Completeness completeness) {
    this.completeness = requireNonNull(completeness, "completeness");
  }

  public Completeness.Report completeness(@Header(Exchange.HTTP_QUERY) String query) {
    Parameters parameters = new Parameters(query, KNOWN);
    Optional<Instant> from = PostParameters.start(parameters);
    Optional<Instant> to = PostParameters.end(parameters, from);
    return completeness.report(from, to);
  }
}
