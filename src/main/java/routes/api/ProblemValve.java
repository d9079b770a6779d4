package routes.api;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import org.apache.catalina.connector.Request;
import org.apache.catalina.connector.Response;
import org.apache.catalina.valves.ErrorReportValve;

/** Problem documents for requests that the server gives up on before anything of ours is asked. */
public final class ProblemValve extends ErrorReportValve {

  private static final ObjectMapper JSON = new ObjectMapper();

  @Override
  protected void report(Request request, Response response, Throwable failure) {
    int status = response.getStatus();
    if (status < 400 || response.getContentWritten() > 0 || !response.setErrorReported()) {
      return;
    }
    try {
      byte[] problem = JSON.writeValueAsBytes(HttpProblems.problem(status));
      response.setContentType("application/problem+json");
      response.setCharacterEncoding(UTF_8.name());
      response.setContentLength(problem.length);
      response.getOutputStream().write(problem);
      response.finishResponse();
    } catch (IOException e) {
      container.getLogger().debug("a problem could not be told", e);
    }
  }
}
