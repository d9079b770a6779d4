package routes.api;

import org.apache.camel.Exchange;
import org.apache.camel.ExchangeProperty;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import routes.search.Pin;
import routes.search.QueryTimeout;
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
    LOG.error("A request could not be answered", failure);
    return Problem.internal();
  }
}
