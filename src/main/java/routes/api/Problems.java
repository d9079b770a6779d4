package routes.api;

import org.apache.camel.Exchange;
import org.apache.camel.ExchangeProperty;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import routes.search.Pin;
import routes.search.QueryTimeout;
import routes.search.ScoreTables;
import routes.search.SqlQueries;
import routes.search.TooManyQueries;

/** Turns what a route threw into a problem document. */
public final class Problems {

  private static final Logger LOG = LoggerFactory.getLogger(Problems.class);

  /** The document for the exception that the exchange carries. */
  public Problem of(@ExchangeProperty(Exchange.EXCEPTION_CAUGHT) Exception failure) {
    if (failure instanceof ProblemException known) {
      return known.problem();
    }
    if (failure instanceof QueryTimeout timeout) {
      return Problem.timeout(timeout.getMessage());
    }
    if (failure instanceof TooManyQueries) {
      return Problem.busy(failure.getMessage());
    }
    if (failure instanceof Pin.NotKept) {
      return Problem.pinNotKept("Sorry: " + failure.getMessage() + ".");
    }
    if (failure instanceof SqlQueries.Refused) {
      return Problem.badParameter(
          "q",
          "It cannot be answered: " + failure.getMessage() + ".",
          "Give one SELECT over the tables of the archive; docs/recipes.md has examples.");
    }
    if (failure instanceof ScoreTables.Refused) {
      return Problem.badParameter(
          "name",
          "The table cannot be stored: " + failure.getMessage() + ".",
          "Send CSV with a header, a column uri and one of scores, under a name of a to z, 0 to 9 and _.");
    }
    LOG.error("A request could not be answered", failure);
    return Problem.internal();
  }
}
