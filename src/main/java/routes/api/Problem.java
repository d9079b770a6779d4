package routes.api;

import com.fasterxml.jackson.annotation.JsonInclude;

/**
 * A problem document of RFC 9457.
 *
 * @param type a URI for the kind of problem
 * @param title the kind of problem in words
 * @param status of HTTP
 * @param detail what is wrong in this case
 * @param parameter the parameter that is wrong, if it is one
 * @param fix what to do about it
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record Problem(
    String type, String title, int status, String detail, String parameter, String fix) {

  private static final String URN = "urn:bluesky-post-explorer:problem:";

  static Problem badParameter(String parameter, String detail, String fix) {
    return new Problem(
        URN + "bad-parameter", "A parameter is not valid", 400, detail, parameter, fix);
  }

  static Problem notFound(String parameter, String detail, String fix) {
    return new Problem(URN + "not-found", "There is no such thing", 404, detail, parameter, fix);
  }

  static Problem pinNotKept(String detail) {
    return new Problem(
        URN + "not-kept",
        "That commit is not kept",
        410,
        detail,
        "pin",
        "Ask without a pin; meta.pin of the answer is one that is kept, for some time"
            + " (explorer.expire.after).");
  }

  static Problem tooMuch(String detail, String fix) {
    return new Problem(URN + "too-much", "More than is allowed", 429, detail, null, fix);
  }

  static Problem notAllowed(String detail, String fix) {
    return new Problem(URN + "not-allowed", "That is not allowed", 401, detail, null, fix);
  }

  static Problem switchedOff(String detail, String fix) {
    return new Problem(URN + "switched-off", "That is switched off", 403, detail, null, fix);
  }

  static Problem tooLarge(String detail, String fix) {
    return new Problem(URN + "too-large", "That is too large", 413, detail, null, fix);
  }

  /** For what the server itself refuses, before any operation is asked. */
  static Problem of(int status, String title, String detail, String fix) {
    return new Problem(URN + "http-" + status, title, status, detail, null, fix);
  }

  static Problem timeout(String detail) {
    return new Problem(
        URN + "timeout",
        "The query took too long",
        504,
        detail,
        null,
        "Ask for a shorter time with start and end, or for rarer words.");
  }

  static Problem busy(String why) {
    return new Problem(
        URN + "busy",
        "No room for a query now",
        503,
        "Why: " + why + ".",
        null,
        "Try again in some seconds.");
  }

  static Problem internal() {
    return new Problem(
        URN + "internal",
        "Something went wrong here",
        500,
        "The request could not be answered; the reason is in the log.",
        null,
        "Try again; if it stays, tell the operator.");
  }
}
