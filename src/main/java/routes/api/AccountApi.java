package routes.api;

import static java.util.Objects.requireNonNull;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonUnwrapped;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import org.apache.camel.Exchange;
import org.apache.camel.Header;
import routes.search.Account;
import routes.search.PostSearch;

/** {@code /api/v1/actors/{actor}}: what is known of an account. */
public final class AccountApi {

  private static final Set<String> KNOWN = Set.of("at");

  private final PostSearch search;
  private final Accounts accounts;

  /**
   * What is known of an account.
   *
   * @param account by the archive
   * @param notice what else there is to know; left out when there is nothing
   */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Answer(@JsonUnwrapped Account account, String notice) {}

  public AccountApi(PostSearch search, Accounts accounts) {
    this.search = requireNonNull(search, "search");
    this.accounts = requireNonNull(accounts, "accounts");
  }

  public Answer account(@Header("actor") String actor, @Header(Exchange.HTTP_QUERY) String query) {
    Parameters parameters = new Parameters(query, KNOWN);
    java.util.Optional<Instant> at =
        parameters.text("at").map(value -> PostParameters.time("at", value, true));
    Accounts.Found found = accounts.find("actor", Parameters.ofPath("actor", actor), at);
    String did =
        found
            .did()
            .orElseThrow(
                () ->
                    new ProblemException(
                        Problem.notFound(
                            "actor",
                            found.notice(),
                            "Give a DID, such as did:plc:…, or a handle that is known.")));
    Account account =
        search
            .account(did)
            .orElseGet(
                () -> new Account(did, null, List.of(), null, null, null, null, null, null, 0));
    if (account.handle() == null) {
      Accounts.Named named = accounts.handleOf(did);
      if (named.handle().isPresent()) {
        account = account.withHandle(named.handle().get());
      }
      return new Answer(account, named.notice());
    }
    return new Answer(account, found.notice());
  }
}
