package routes.api;

import jakarta.servlet.RequestDispatcher;
import jakarta.servlet.http.HttpServletRequest;
import org.springframework.boot.web.servlet.error.ErrorController;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.http.HttpStatusCode;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.ControllerAdvice;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.context.request.WebRequest;
import org.springframework.web.servlet.mvc.method.annotation.ResponseEntityExceptionHandler;

/**
 * Problem documents for what is refused before any route is asked, such as a path that is not
 * there.
 */
@ControllerAdvice
@RestController
public final class HttpProblems extends ResponseEntityExceptionHandler implements ErrorController {

  @Override
  protected ResponseEntity<Object> handleExceptionInternal(
      Exception failure,
      Object body,
      HttpHeaders headers,
      HttpStatusCode status,
      WebRequest request) {
    return answer(status, headers);
  }

  /** Where the server itself gives up on a request. */
  @RequestMapping("${server.error.path:/error}")
  public ResponseEntity<Object> error(HttpServletRequest request) {
    Object status = request.getAttribute(RequestDispatcher.ERROR_STATUS_CODE);
    return answer(
        HttpStatusCode.valueOf(status instanceof Integer number ? number : 404), new HttpHeaders());
  }

  private static ResponseEntity<Object> answer(HttpStatusCode status, HttpHeaders headers) {
    return ResponseEntity.status(status)
        .headers(headers)
        .contentType(MediaType.APPLICATION_PROBLEM_JSON)
        .body(problem(status.value(), headers));
  }

  static Problem problem(int status) {
    return problem(status, new HttpHeaders());
  }

  private static Problem problem(int status, HttpHeaders headers) {
    HttpStatus known = HttpStatus.resolve(status);
    String title = known == null ? "That is refused" : known.getReasonPhrase();
    return switch (status) {
      case 404 ->
          Problem.of(
              status,
              title,
              "There is nothing under that address.",
              "/api.html tells what there is.");
      case 405 ->
          Problem.of(
              status,
              title,
              "That address does not know this method.",
              headers.getAllow().isEmpty()
                  ? "/api.html tells which it knows."
                  : "Use "
                      + String.join(
                          ", ", headers.getAllow().stream().map(Object::toString).toList())
                      + ".");
      case 406 ->
          Problem.of(
              status,
              title,
              "There is no such form of the answer.",
              "Accept application/json, or anything; for other forms there is the parameter format.");
      case 413 -> Problem.of(status, title, "The request is too large.", "Send less.");
      case 415 ->
          Problem.of(
              status, title, "That type of content is not read here.", "/api.html tells which is.");
      default ->
          status >= 500
              ? Problem.internal()
              : Problem.of(
                  status, title, "The request cannot be read.", "/api.html tells how to ask.");
    };
  }
}
