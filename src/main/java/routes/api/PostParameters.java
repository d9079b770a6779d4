package routes.api;

import static java.util.Objects.requireNonNull;

import java.time.DateTimeException;
import java.time.Instant;
import java.time.LocalDate;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.Optional;
import java.util.regex.Pattern;
import routes.identity.HandleResolver;
import routes.search.PostQuery;
import routes.search.PostSearch;
import routes.search.TextMatch;

/** Reads the parameters that say which posts are asked for. */
final class PostParameters {

  private static final int MAX_TEXT = 500;
  private static final Pattern HANDLE = Pattern.compile("@?[a-zA-Z0-9._-]{1,253}");
  private static final Pattern DID = Pattern.compile("did:[a-z]{1,20}:[a-zA-Z0-9._:%-]{1,2000}");

  private final PostSearch search;
  private final HandleResolver handles;

  /**
   * What is asked for.
   *
   * @param query empty when nothing can match: nobody has the handle asked for
   * @param from the earliest time asked for
   * @param to the end of the time asked for
   * @param notice what the user should know of the answer; null for nothing
   */
  record Asked(
      Optional<PostQuery> query, Optional<Instant> from, Optional<Instant> to, String notice) {}

  PostParameters(PostSearch search, HandleResolver handles) {
    this.search = requireNonNull(search, "search");
    this.handles = requireNonNull(handles, "handles");
  }

  /**
   * @throws ProblemException for a parameter that is wrong, naming it
   */
  Asked read(Parameters parameters) {
    Optional<TextMatch> text =
        parameters.text("text").map(value -> text(value, parameters.flag("exact")));
    if (text.isEmpty()) {
      parameters.flag("exact"); // its value has to make sense all the same
    }
    Optional<Instant> from = start(parameters);
    Optional<Instant> to = end(parameters, from);
    Optional<String> username = parameters.text("username").map(String::strip);
    if (username.isEmpty() || DID.matcher(username.get()).matches()) {
      return new Asked(Optional.of(new PostQuery(text, username, from, to)), from, to, null);
    }
    if (!HANDLE.matcher(username.get()).matches()) {
      throw new ProblemException(
          Problem.badParameter(
              "username",
              "'" + Parameters.shorten(username.get()) + "' is neither a handle nor a DID.",
              "Write a handle such as alice.bsky.social, or a DID such as did:plc:z72i7hdynmk6r22z27h6tvur."));
    }
    String handle = username.get().startsWith("@") ? username.get().substring(1) : username.get();
    return byHandle(handle, text, from, to);
  }

  /** The earliest time asked for. */
  static Optional<Instant> start(Parameters parameters) {
    return parameters.text("start", "start_date").map(value -> time("start", value, false));
  }

  /** The end of the time asked for, which no longer belongs to it. */
  static Optional<Instant> end(Parameters parameters, Optional<Instant> from) {
    Optional<Instant> to =
        parameters.text("end", "end_date").map(value -> time("end", value, true));
    if (from.isPresent() && to.isPresent() && !from.get().isBefore(to.get())) {
      throw new ProblemException(
          Problem.badParameter(
              "end",
              "The end is before the start.",
              "Let end be the same day as start, or later."));
    }
    return to;
  }

  private Asked byHandle(
      String handle, Optional<TextMatch> text, Optional<Instant> from, Optional<Instant> to) {
    Optional<String> did = search.didOf(handle);
    String notice = "Nobody is known under the handle " + handle + ".";
    if (did.isEmpty()) {
      try {
        did = handles.didOf(handle);
      } catch (HandleResolver.Unreachable e) {
        notice =
            "The archive does not know the handle "
                + handle
                + ", and the network could not be asked: "
                + e.getMessage()
                + ".";
      }
    }
    return new Asked(
        did.map(author -> new PostQuery(text, Optional.of(author), from, to)),
        from,
        to,
        did.isPresent() ? null : notice);
  }

  private static TextMatch text(String value, boolean exact) {
    if (value.length() > MAX_TEXT) {
      throw new ProblemException(
          Problem.badParameter(
              "text",
              "It has " + value.length() + " characters.",
              "Look for at most " + MAX_TEXT + " characters."));
    }
    return new TextMatch(value.strip(), exact);
  }

  /** A day, or a moment. The end of a day is the beginning of the next. */
  private static Instant time(String name, String value, boolean end) {
    try {
      if (value.strip().length() == 10) {
        LocalDate day = LocalDate.parse(value.strip());
        return (end ? day.plusDays(1) : day).atStartOfDay(ZoneOffset.UTC).toInstant();
      }
      return OffsetDateTime.parse(value.strip()).toInstant();
    } catch (DateTimeException e) {
      throw new ProblemException(
          Problem.badParameter(
              name,
              "'" + Parameters.shorten(value) + "' is no date.",
              "Write a day as YYYY-MM-DD (UTC), or a moment as 2026-07-04T14:38:08Z."));
    }
  }
}
