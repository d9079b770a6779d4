package routes.search;

import static java.util.Objects.requireNonNull;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import routes.archive.DuckDb;
import routes.archive.Times;

/** What a post has to be, or must not be. */
public sealed interface PostFilter {

  /** Whether this version of a post is such a one. */
  boolean test(PostRow row);

  /** The columns of the table {@code posts} that it looks at. */
  Set<String> columns();

  /** The same as an SQL condition, true or false, on the columns of the table {@code posts}. */
  Condition condition();

  /**
   * Part of an SQL statement.
   *
   * @param sql text of ours
   * @param values the user's, for its question marks
   */
  record Condition(String sql, List<Object> values) {

    public Condition {
      values = List.copyOf(values);
    }

    private static Condition of(String sql, Object... values) {
      return new Condition("coalesce(" + sql + ", false)", List.of(values));
    }
  }

  /** All of these; every post for none. */
  record And(List<PostFilter> filters) implements PostFilter {

    public And {
      filters = List.copyOf(filters);
    }

    @Override
    public Set<String> columns() {
      return columnsOf(filters);
    }

    @Override
    public boolean test(PostRow row) {
      return filters.stream().allMatch(filter -> filter.test(row));
    }

    @Override
    public Condition condition() {
      return joined(filters, " AND ", "true");
    }
  }

  /** One of these, or more. */
  record Or(List<PostFilter> filters) implements PostFilter {

    public Or {
      filters = List.copyOf(filters);
    }

    @Override
    public Set<String> columns() {
      return columnsOf(filters);
    }

    @Override
    public boolean test(PostRow row) {
      return filters.stream().anyMatch(filter -> filter.test(row));
    }

    @Override
    public Condition condition() {
      return joined(filters, " OR ", "false");
    }
  }

  /** Not this. */
  record Not(PostFilter filter) implements PostFilter {

    public Not {
      requireNonNull(filter, "filter");
    }

    @Override
    public Set<String> columns() {
      return filter.columns();
    }

    @Override
    public boolean test(PostRow row) {
      return !filter.test(row);
    }

    @Override
    public Condition condition() {
      Condition inner = filter.condition();
      return new Condition("NOT " + inner.sql(), inner.values());
    }
  }

  /** The text contains that. */
  record Text(TextMatch match) implements PostFilter {

    public Text {
      requireNonNull(match, "match");
    }

    @Override
    public Set<String> columns() {
      return match.hashtag().isPresent() ? Set.of("text", "tags") : Set.of("text");
    }

    @Override
    public boolean test(PostRow row) {
      return match.test(row.text(), row.tags());
    }

    @Override
    public Condition condition() {
      Condition inner = match.condition();
      return new Condition("coalesce(" + inner.sql() + ", false)", inner.values());
    }
  }

  /** Written by that account. */
  record Author(String did) implements PostFilter {

    public Author {
      requireNonNull(did, "did");
    }

    @Override
    public Set<String> columns() {
      return Set.of("did");
    }

    @Override
    public boolean test(PostRow row) {
      return row.did().equals(did);
    }

    @Override
    public Condition condition() {
      return Condition.of("did = ?", did);
    }
  }

  /** Mentions that account. */
  record Mention(String did) implements PostFilter {

    public Mention {
      requireNonNull(did, "did");
    }

    @Override
    public Set<String> columns() {
      return Set.of("mentions");
    }

    @Override
    public boolean test(PostRow row) {
      return row.mentions().contains(did);
    }

    @Override
    public Condition condition() {
      return Condition.of("list_contains(mentions, ?)", did);
    }
  }

  /**
   * Links to that host, or one below it: {@code example.org} for {@code www.example.org} as well.
   */
  record Domain(String domain) implements PostFilter {

    private static final String HOST = "^[a-z][a-z0-9+.-]*://(?:[^/?#]*@)?([^/?#:]*)";
    private static final Pattern HOST_PATTERN = Pattern.compile(HOST);

    public Domain {
      domain = TextRuns.fold(requireNonNull(domain, "domain"));
      if (domain.isBlank()) {
        throw new IllegalArgumentException("the domain is blank");
      }
    }

    /** The host of a web address in lower case; empty when there is none. */
    static String hostOf(String link) {
      Matcher matcher = HOST_PATTERN.matcher(TextRuns.fold(link));
      return matcher.find() ? matcher.group(1) : "";
    }

    @Override
    public Set<String> columns() {
      return Set.of("links");
    }

    @Override
    public boolean test(PostRow row) {
      return row.links().stream()
          .map(Domain::hostOf)
          .anyMatch(host -> host.equals(domain) || host.endsWith("." + domain));
    }

    @Override
    public Condition condition() {
      return Condition.of(
          "len(list_filter(links, lambda link: ends_with('.' || regexp_extract(lower(link), '"
              + HOST
              + "', 1), ?))) > 0",
          "." + domain);
    }
  }

  /** Links to that very address. */
  record Link(String url) implements PostFilter {

    public Link {
      requireNonNull(url, "url");
    }

    @Override
    public Set<String> columns() {
      return Set.of("links");
    }

    @Override
    public boolean test(PostRow row) {
      return row.links().contains(url);
    }

    @Override
    public Condition condition() {
      return Condition.of("list_contains(links, ?)", url);
    }
  }

  /** In that language, by what its author says: {@code pt} for {@code pt-BR} as well. */
  record Language(String tag) implements PostFilter {

    public Language {
      tag = TextRuns.fold(requireNonNull(tag, "tag"));
    }

    @Override
    public Set<String> columns() {
      return Set.of("langs");
    }

    @Override
    public boolean test(PostRow row) {
      return row.langs().stream()
          .map(TextRuns::fold)
          .anyMatch(lang -> lang.equals(tag) || lang.startsWith(tag + "-"));
    }

    @Override
    public Condition condition() {
      return Condition.of(
          "len(list_filter(langs, lambda lang: starts_with(lower(lang) || '-', ?))) > 0",
          tag + "-");
    }
  }

  /** Is counted under that value: see {@link PostTop.Of}. */
  record CountedAs(PostTop.Of of, String value) implements PostFilter {

    public CountedAs {
      requireNonNull(of, "of");
      requireNonNull(value, "value");
    }

    @Override
    public Set<String> columns() {
      return of.columns();
    }

    @Override
    public boolean test(PostRow row) {
      return of.values(row).contains(value);
    }

    @Override
    public Condition condition() {
      return switch (of) {
        case HASHTAG ->
            Condition.of(
                "list_contains(list_transform(tags, lambda tag: lower(tag)), ?)"
                    + " OR list_contains(regexp_extract_all(lower(text), "
                    + DuckDb.literal(PostTerms.HASHTAG.pattern())
                    + ", 1), ?)",
                value,
                value);
        case DOMAIN ->
            Condition.of(
                "list_contains(list_transform(links, lambda link: regexp_extract(lower(link), '"
                    + Domain.HOST
                    + "', 1)), ?)",
                value);
        case LANGUAGE ->
            Condition.of(
                "list_contains(list_transform(langs, lambda lang: split_part(lower(lang), '-', 1)), ?)",
                value);
        case MENTION -> new Mention(value).condition();
        case AUTHOR -> new Author(value).condition();
        case HAS ->
            Stream.of(Has.Feature.values())
                .filter(feature -> feature.label().equals(value))
                .findFirst()
                .map(feature -> new Has(feature).condition())
                .orElse(Condition.of("false"));
      };
    }
  }

  /** Has something. */
  record Has(Feature feature) implements PostFilter {

    /** What a post can have. */
    public enum Feature {
      /** Images or a video. */
      MEDIA("media_count", "media_count > 0", row -> row.mediaCount() > 0),
      /** A link in the text, or a card. */
      LINK("links", "len(links) > 0", row -> !row.links().isEmpty()),
      /** Another post, a list or a feed embedded. */
      QUOTE("quote_uri", "quote_uri IS NOT NULL", row -> row.quote() != null),
      /** A post that it answers. */
      PARENT("reply_parent_uri", "reply_parent_uri IS NOT NULL", row -> row.replyParent() != null);

      private final String column;
      private final String sql;
      private final Predicate<PostRow> test;

      Feature(String column, String sql, Predicate<PostRow> test) {
        this.column = column;
        this.sql = sql;
        this.test = test;
      }

      /** As parameters write it. */
      public String label() {
        return name().toLowerCase(Locale.ROOT);
      }

      boolean test(PostRow row) {
        return test.test(row);
      }
    }

    public Has {
      requireNonNull(feature, "feature");
    }

    @Override
    public Set<String> columns() {
      return Set.of(feature.column);
    }

    @Override
    public boolean test(PostRow row) {
      return feature.test(row);
    }

    @Override
    public Condition condition() {
      return Condition.of(feature.sql);
    }
  }

  /** Answers that post, an {@code at://} URI. */
  record ReplyTo(String uri) implements PostFilter {

    public ReplyTo {
      requireNonNull(uri, "uri");
    }

    @Override
    public Set<String> columns() {
      return Set.of("reply_parent_uri");
    }

    @Override
    public boolean test(PostRow row) {
      return uri.equals(row.replyParent());
    }

    @Override
    public Condition condition() {
      return Condition.of("reply_parent_uri = ?", uri);
    }
  }

  /** Belongs to the thread that this post began, itself included; an {@code at://} URI. */
  record ThreadOf(String uri) implements PostFilter {

    public ThreadOf {
      requireNonNull(uri, "uri");
    }

    @Override
    public Set<String> columns() {
      return Set.of("reply_root_uri", "did", "rkey");
    }

    @Override
    public boolean test(PostRow row) {
      return uri.equals(row.replyRoot()) || uri.equals(row.uri());
    }

    @Override
    public Condition condition() {
      return Condition.of(
          "coalesce(reply_root_uri = ?, false) OR 'at://' || did || '/app.bsky.feed.post/' || rkey = ?",
          uri,
          uri);
    }

    /** The author of the first post; empty for a URI of another form. */
    Optional<String> author() {
      String[] parts = uri.split("/", -1);
      return uri.startsWith("at://did:") && parts.length == 5
          ? Optional.of(parts[2])
          : Optional.empty();
    }
  }

  /** Quotes that post, an {@code at://} URI. */
  record Quotes(String uri) implements PostFilter {

    public Quotes {
      requireNonNull(uri, "uri");
    }

    @Override
    public Set<String> columns() {
      return Set.of("quote_uri");
    }

    @Override
    public boolean test(PostRow row) {
      return uri.equals(row.quote());
    }

    @Override
    public Condition condition() {
      return Condition.of("quote_uri = ?", uri);
    }
  }

  /**
   * Passed on by the network in that time, by {@code time_us}.
   *
   * @param from inclusive; empty for no limit
   * @param to exclusive; empty for no limit
   */
  record Seen(Optional<Instant> from, Optional<Instant> to) implements PostFilter {

    public Seen {
      requireNonNull(from, "from");
      requireNonNull(to, "to");
    }

    @Override
    public Set<String> columns() {
      return Set.of("time_us");
    }

    @Override
    public boolean test(PostRow row) {
      return within(row.timeUs(), from, to);
    }

    @Override
    public Condition condition() {
      return between("time_us", from, to);
    }
  }

  /**
   * Made in that time, by what the record says.
   *
   * @param from inclusive; empty for no limit
   * @param to exclusive; empty for no limit
   */
  record Created(Optional<Instant> from, Optional<Instant> to) implements PostFilter {

    public Created {
      requireNonNull(from, "from");
      requireNonNull(to, "to");
    }

    @Override
    public Set<String> columns() {
      return Set.of("created_at");
    }

    @Override
    public boolean test(PostRow row) {
      return row.createdAt() != null && within(row.createdAt(), from, to);
    }

    @Override
    public Condition condition() {
      return between("created_at", from, to);
    }
  }

  /** Every post. */
  static PostFilter all() {
    return new And(List.of());
  }

  private static boolean within(long micros, Optional<Instant> from, Optional<Instant> to) {
    return from.map(Times::micros).map(least -> micros >= least).orElse(true)
        && to.map(Times::micros).map(end -> micros < end).orElse(true);
  }

  private static Condition between(String column, Optional<Instant> from, Optional<Instant> to) {
    List<String> parts = new ArrayList<>(List.of(column + " IS NOT NULL"));
    from.ifPresent(least -> parts.add("epoch_us(" + column + ") >= " + Times.micros(least)));
    to.ifPresent(end -> parts.add("epoch_us(" + column + ") < " + Times.micros(end)));
    return Condition.of(String.join(" AND ", parts));
  }

  private static Set<String> columnsOf(List<PostFilter> filters) {
    return filters.stream()
        .flatMap(filter -> filter.columns().stream())
        .collect(Collectors.toUnmodifiableSet());
  }

  private static Condition joined(List<PostFilter> filters, String by, String none) {
    List<String> parts = new ArrayList<>();
    List<Object> values = new ArrayList<>();
    for (PostFilter filter : filters) {
      Condition condition = filter.condition();
      parts.add(condition.sql());
      values.addAll(condition.values());
    }
    return new Condition(parts.isEmpty() ? none : "(" + String.join(by, parts) + ")", values);
  }
}
