package routes.api;

import static java.util.Objects.requireNonNull;

import java.time.DateTimeException;
import java.time.Instant;
import java.time.LocalDate;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.BiFunction;
import java.util.stream.Stream;
import routes.archive.Completeness;
import routes.search.Deleted;
import routes.search.Engaged;
import routes.search.Engagement;
import routes.search.Pin;
import routes.search.PostFilter;
import routes.search.PostQuery;
import routes.search.PostSearch;
import routes.search.TextMatch;
import routes.search.TextQuery;

/** Reads the parameters that say which posts are asked for. */
public final class PostParameters {

  /** The names that say which posts are asked for. */
  static final Set<String> NAMES =
      Set.of(
          "text",
          "query",
          "exact",
          "username",
          "mention",
          "hashtag",
          "domain",
          "url",
          "lang",
          "has",
          "without",
          "reply_to",
          "thread",
          "quotes",
          "start",
          "end",
          "start_date",
          "end_date",
          "created_start",
          "created_end",
          "seen_start",
          "seen_end",
          "deleted",
          "min_likes",
          "min_reposts",
          "min_replies",
          "min_quotes",
          "pin");

  /** The name that says what is first; of searches only. */
  static final String SORT = "sort";

  private static final String COUNTED_LATER =
      "Likes, reposts, replies and quotes are counted when a date is over and compacted: posts of"
          + " today are not among these.";

  private static final int MAX_TEXT = 500;
  private static final int LAST_YEAR = 9999;

  private final PostSearch search;
  private final Accounts accounts;

  /**
   * What is asked for.
   *
   * @param query empty when nothing can match: nobody has the handle asked for
   * @param from the earliest time asked for
   * @param to the end of the time asked for
   * @param notice what the user should know of the answer; null for nothing
   */
  record Asked(
      Optional<PostQuery> query, Optional<Instant> from, Optional<Instant> to, String notice) {

    /** To be asked before the posts are: what is committed meanwhile may not be among them. */
    Completeness.Summary completeness(PostSearch search, Completeness archive) {
      return archive.summary(search.ledger(query), from, to);
    }
  }

  public PostParameters(PostSearch search, Accounts accounts) {
    this.search = requireNonNull(search, "search");
    this.accounts = requireNonNull(accounts, "accounts");
  }

  /**
   * @throws ProblemException for a parameter that is wrong, naming it
   */
  Asked read(Parameters parameters) {
    boolean exact = parameters.flag("exact");
    List<PostFilter> filters = new ArrayList<>();
    parameters.text("text").map(value -> text("text", value, exact)).ifPresent(filters::add);
    parameters.text("query").map(value -> question(value, exact)).ifPresent(filters::add);
    parameters
        .text("hashtag")
        .map(value -> text("hashtag", value.startsWith("#") ? value : "#" + value, exact))
        .ifPresent(filters::add);
    parameters.text("domain").map(PostFilter.Domain::new).ifPresent(filters::add);
    parameters.text("url").map(PostFilter.Link::new).ifPresent(filters::add);
    parameters.text("lang").map(PostFilter.Language::new).ifPresent(filters::add);
    parameters.text("reply_to").map(PostFilter.ReplyTo::new).ifPresent(filters::add);
    parameters.text("thread").map(PostFilter.ThreadOf::new).ifPresent(filters::add);
    parameters.text("quotes").map(PostFilter.Quotes::new).ifPresent(filters::add);
    parameters.text("has").map(value -> features("has", value)).ifPresent(filters::addAll);
    parameters
        .text("without")
        .map(value -> features("without", value))
        .ifPresent(
            features -> features.forEach(feature -> filters.add(new PostFilter.Not(feature))));
    Optional<Instant> from = start(parameters);
    Optional<Instant> to = end(parameters, from);
    between(parameters, "seen", PostFilter.Seen::new).ifPresent(filters::add);
    between(parameters, "created", PostFilter.Created::new).ifPresent(filters::add);
    Engaged engaged = engaged(parameters);
    String notice = engaged.matters() ? COUNTED_LATER : notKept(from);
    boolean possible = true;
    for (String parameter : List.of("username", "mention")) {
      Optional<String> name = parameters.text(parameter).map(String::strip);
      if (name.isPresent()) {
        Accounts.Found account = accounts.find(parameter, name.get(), to);
        notice = account.notice() == null ? notice : account.notice();
        possible &= account.did().isPresent();
        account
            .did()
            .<PostFilter>map(
                parameter.equals("username") ? PostFilter.Author::new : PostFilter.Mention::new)
            .ifPresent(filters::add);
      }
    }
    return new Asked(
        possible
            ? Optional.of(
                new PostQuery(
                    new PostFilter.And(filters),
                    from,
                    to,
                    deleted(parameters),
                    engaged,
                    pin(parameters)))
            : Optional.empty(),
        from,
        to,
        notice);
  }

  private static Engaged engaged(Parameters parameters) {
    Map<Engagement.Kind, Integer> least = new EnumMap<>(Engagement.Kind.class);
    for (Engagement.Kind kind : Engagement.Kind.values()) {
      String name = "min_" + kind.label();
      if (parameters.text(name).isPresent()) {
        least.put(kind, parameters.number(name, 1, 1, Integer.MAX_VALUE));
      }
    }
    List<Optional<Engagement.Kind>> orders = new ArrayList<>(List.of(Optional.empty()));
    Stream.of(Engagement.Kind.values()).map(Optional::of).forEach(orders::add);
    Engaged engaged =
        new Engaged(
            least,
            parameters.choice(
                SORT,
                Optional.empty(),
                orders,
                order -> order.map(Engagement.Kind::label).orElse("newest")));
    if (engaged.matters() && parameters.text("pin").isPresent()) {
      throw new ProblemException(
          Problem.badParameter(
              "pin",
              "Engagement is counted anew with every compaction, and not that of a commit.",
              "Leave out pin, or sort and the parameters that begin with min_."));
    }
    return engaged;
  }

  private static Optional<Pin> pin(Parameters parameters) {
    return parameters
        .text("pin")
        .map(
            value -> {
              try {
                return Pin.decode(value);
              } catch (IllegalArgumentException e) {
                throw new ProblemException(
                    Problem.badParameter(
                        "pin",
                        "'" + Parameters.shorten(value) + "' is no pin.",
                        "Give what meta.pin of an answer says, or none."));
              }
            });
  }

  /** What to say where older posts than are kept are asked for; null for nothing. */
  private String notKept(Optional<Instant> from) {
    return search
        .keptFrom()
        .filter(
            date -> from.map(date.atStartOfDay().toInstant(ZoneOffset.UTC)::isAfter).orElse(true))
        .map(date -> "Posts that were seen before " + date + " are not kept.")
        .orElse(null);
  }

  private static Optional<PostFilter> between(
      Parameters parameters,
      String name,
      BiFunction<Optional<Instant>, Optional<Instant>, PostFilter> filter) {
    String start = name + "_start";
    String end = name + "_end";
    Optional<Instant> from = parameters.text(start).map(value -> time(start, value, false));
    Optional<Instant> to = parameters.text(end).map(value -> time(end, value, true));
    checkOrder(end, from, to);
    return from.isEmpty() && to.isEmpty() ? Optional.empty() : Optional.of(filter.apply(from, to));
  }

  private static Deleted deleted(Parameters parameters) {
    return parameters.choice(
        "deleted", Deleted.EXCLUDE, Arrays.asList(Deleted.values()), Deleted::label);
  }

  private static PostFilter question(String value, boolean exact) {
    checkLength("query", value);
    try {
      return TextQuery.parse(value, exact);
    } catch (TextQuery.Unreadable e) {
      throw new ProblemException(
          Problem.badParameter(
              "query",
              "It cannot be read: " + e.getMessage() + ".",
              "Write words, \"phrases\", AND, OR, NOT and parentheses, such as volcano (coffee OR \"hot tea\") -cat."));
    }
  }

  private static List<PostFilter> features(String parameter, String value) {
    List<PostFilter> features = new ArrayList<>();
    for (String name : value.split(",")) {
      features.add(
          new PostFilter.Has(
              Arrays.stream(PostFilter.Has.Feature.values())
                  .filter(feature -> feature.label().equals(name.strip()))
                  .findFirst()
                  .orElseThrow(
                      () ->
                          new ProblemException(
                              Problem.badParameter(
                                  parameter,
                                  "'"
                                      + Parameters.shorten(name)
                                      + "' is nothing that a post can have.",
                                  "Write one or more of media, link, quote, parent, with commas between.")))));
    }
    return features;
  }

  /** The earliest time asked for. */
  static Optional<Instant> start(Parameters parameters) {
    return parameters.text("start", "start_date").map(value -> time("start", value, false));
  }

  /** The end of the time asked for, which no longer belongs to it. */
  static Optional<Instant> end(Parameters parameters, Optional<Instant> from) {
    Optional<Instant> to =
        parameters.text("end", "end_date").map(value -> time("end", value, true));
    checkOrder("end", from, to);
    return to;
  }

  private static void checkOrder(String name, Optional<Instant> from, Optional<Instant> to) {
    if (from.isPresent() && to.isPresent() && !from.get().isBefore(to.get())) {
      throw new ProblemException(
          Problem.badParameter(
              name,
              "The end is before the start.",
              "Let " + name + " be the same day as the start, or later."));
    }
  }

  private static PostFilter text(String parameter, String value, boolean exact) {
    checkLength(parameter, value);
    return new PostFilter.Text(new TextMatch(value.strip(), exact));
  }

  private static void checkLength(String parameter, String value) {
    if (value.length() > MAX_TEXT) {
      throw new ProblemException(
          Problem.badParameter(
              parameter,
              "It has " + value.length() + " characters.",
              "Look for at most " + MAX_TEXT + " characters."));
    }
  }

  /** A day, or a moment. The end of a day is the beginning of the next. */
  static Instant time(String name, String value, boolean end) {
    try {
      if (value.strip().length() == 10) {
        LocalDate day = LocalDate.parse(value.strip());
        return (end ? day.plusDays(1) : day).atStartOfDay(ZoneOffset.UTC).toInstant();
      }
      OffsetDateTime time = OffsetDateTime.parse(value.strip());
      if (time.getYear() >= 0 && time.getYear() <= LAST_YEAR) {
        return time.toInstant();
      }
      throw new DateTimeException("beyond what can be compared");
    } catch (DateTimeException e) {
      throw new ProblemException(
          Problem.badParameter(
              name,
              "'" + Parameters.shorten(value) + "' is no date.",
              "Write a day as YYYY-MM-DD (UTC), or a moment as 2026-07-04T14:38:08Z."));
    }
  }
}
