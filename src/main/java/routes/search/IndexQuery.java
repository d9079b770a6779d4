package routes.search;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import org.apache.lucene.index.Term;
import org.apache.lucene.search.BooleanClause.Occur;
import org.apache.lucene.search.BooleanQuery;
import org.apache.lucene.search.MatchNoDocsQuery;
import org.apache.lucene.search.Query;
import org.apache.lucene.search.TermInSetQuery;
import org.apache.lucene.search.TermQuery;
import org.apache.lucene.util.BytesRef;
import routes.search.PostTerms.Type;
import routes.search.TextRuns.Kind;
import routes.search.TextRuns.Run;

/**
 * What a filter asks of an index.
 *
 * @param query finds every row, deletions left out, that the filter takes
 * @param exact whether it finds no other; if not, rows have to be looked at
 */
record IndexQuery(Query query, boolean exact) {

  private static final IndexQuery ANY = new IndexQuery(term(Type.POST.term("")), false);
  private static final IndexQuery ALL = new IndexQuery(term(Type.POST.term("")), true);

  static IndexQuery of(PostFilter filter, PostIndex index, PostIndex.Effort effort)
      throws IOException {
    return switch (filter) {
      case PostFilter.And and -> all(each(and.filters(), index, effort));
      case PostFilter.Or or -> any(each(or.filters(), index, effort));
      case PostFilter.Not not -> not(of(not.filter(), index, effort));
      case PostFilter.Text text -> text(text.match(), index, effort);
      case PostFilter.Author author -> exactly(Type.AUTHOR.hashed(author.did()));
      case PostFilter.Mention mention -> exactly(Type.MENTION.hashed(mention.did()));
      case PostFilter.Link link -> exactly(Type.LINK.hashed(link.url()));
      case PostFilter.Domain domain -> exactly(Type.DOMAIN.term(domain.domain()));
      case PostFilter.Language language -> exactly(Type.LANGUAGE.term(language.tag()));
      case PostFilter.CountedAs counted -> exactly(counted.of().term(counted.value()));
      case PostFilter.Has has -> exactly(Type.FEATURE.term(has.feature().label()));
      case PostFilter.ReplyTo reply ->
          any(
              List.of(
                  exactly(Type.PARENT.hashed(reply.uri())),
                  exactly(Type.ANSWERED_ROOT.hashed(reply.uri()))));
      case PostFilter.ThreadOf thread -> thread(thread);
      case PostFilter.Quotes quotes -> exactly(Type.QUOTE.hashed(quotes.uri()));
      case PostFilter.Seen seen -> ANY;
      case PostFilter.Created created -> ANY;
    };
  }

  private static List<IndexQuery> each(
      List<PostFilter> filters, PostIndex index, PostIndex.Effort effort) throws IOException {
    List<IndexQuery> queries = new ArrayList<>(filters.size());
    for (PostFilter filter : filters) {
      queries.add(of(filter, index, effort));
    }
    return queries;
  }

  private static IndexQuery exactly(BytesRef term) {
    return new IndexQuery(term(term), true);
  }

  private static Query term(BytesRef term) {
    return new TermQuery(new Term(PostIndex.TERMS, term));
  }

  private static IndexQuery terms(Collection<BytesRef> terms, boolean exact) {
    Query query =
        switch (terms.size()) {
          case 0 -> new MatchNoDocsQuery("no such word");
          case 1 -> term(terms.iterator().next());
          default -> new TermInSetQuery(PostIndex.TERMS, terms);
        };
    return new IndexQuery(query, exact);
  }

  /** Those that do not narrow anything are left out, for each costs time. */
  private static IndexQuery all(List<IndexQuery> queries) {
    List<Query> narrowing =
        queries.stream()
            .map(IndexQuery::query)
            .filter(query -> !query.equals(ALL.query))
            .distinct()
            .toList();
    boolean exact = queries.stream().allMatch(IndexQuery::exact);
    if (narrowing.isEmpty()) {
      return exact ? ALL : ANY;
    }
    if (narrowing.size() == 1) {
      return new IndexQuery(narrowing.get(0), exact);
    }
    BooleanQuery.Builder all = new BooleanQuery.Builder();
    narrowing.forEach(query -> all.add(query, Occur.FILTER));
    return new IndexQuery(all.build(), exact);
  }

  private static IndexQuery any(List<IndexQuery> queries) {
    boolean exact = queries.stream().allMatch(IndexQuery::exact);
    if (queries.stream().anyMatch(query -> query.query.equals(ALL.query))) {
      return exact ? ALL : ANY;
    }
    if (queries.isEmpty()) {
      return new IndexQuery(new MatchNoDocsQuery("none of nothing"), true);
    }
    BooleanQuery.Builder any = new BooleanQuery.Builder();
    queries.forEach(query -> any.add(query.query, Occur.SHOULD));
    return new IndexQuery(any.build(), exact);
  }

  /** Rows that an inexact query finds may be what is asked for all the same. */
  private static IndexQuery not(IndexQuery inner) {
    if (!inner.exact) {
      return ANY;
    }
    return new IndexQuery(
        new BooleanQuery.Builder()
            .add(ALL.query, Occur.FILTER)
            .add(inner.query, Occur.MUST_NOT)
            .build(),
        true);
  }

  private static IndexQuery thread(PostFilter.ThreadOf thread) {
    List<IndexQuery> either =
        new ArrayList<>(
            List.of(
                exactly(Type.ROOT.hashed(thread.uri())),
                exactly(Type.ANSWERED_ROOT.hashed(thread.uri()))));
    thread
        .author()
        .ifPresent(did -> either.add(new IndexQuery(term(Type.AUTHOR.hashed(did)), false)));
    return any(either);
  }

  private static IndexQuery text(TextMatch match, PostIndex index, PostIndex.Effort effort)
      throws IOException {
    if (match.hashtag().isPresent()) {
      return hashtag(match, TextRuns.fold(match.hashtag().get()), index, effort);
    }
    List<IndexQuery> parts = new ArrayList<>();
    List<String> pieces = match.pieces();
    for (int i = 0; i < pieces.size(); i++) {
      String piece = TextRuns.fold(pieces.get(i));
      boolean startsAWord = match.exact() && i == 0 && match.startsWithAWord();
      boolean endsAWord = match.exact() && i == pieces.size() - 1 && match.endsWithAWord();
      for (Run run : TextRuns.of(piece)) {
        boolean whole = run.text().length() == piece.length() && pieces.size() == 1;
        parts.add(
            run(
                run,
                run.start() > 0 || startsAWord,
                run.end() < piece.length() || endsAWord,
                whole,
                index,
                effort));
      }
    }
    boolean told = parts.size() == 1 && parts.get(0).exact && !match.exact();
    IndexQuery all = parts.isEmpty() ? ANY : all(parts);
    return new IndexQuery(all.query, told);
  }

  /**
   * @param bound whether words begin where the run begins
   * @param boundBehind whether they end where it ends
   * @param whole whether it is all that is looked for
   */
  private static IndexQuery run(
      Run run,
      boolean bound,
      boolean boundBehind,
      boolean whole,
      PostIndex index,
      PostIndex.Effort effort)
      throws IOException {
    if (run.kind() == Kind.SYMBOL) {
      return new IndexQuery(term(Type.SYMBOL.term(run.text())), whole);
    }
    if (run.kind() == Kind.UNSPACED) {
      return unspaced(run.text(), whole, index, effort);
    }
    Optional<List<BytesRef>> words;
    if (bound && boundBehind) {
      words = Optional.of(List.of(Type.WORD.term(run.text())));
    } else if (bound) {
      words = index.termsWithPrefix(Type.WORD, run.text(), effort);
    } else {
      words = index.wordsWith(run.text(), boundBehind, effort);
    }
    if (words.isEmpty()) {
      return ANY;
    }
    return orLong(terms(words.get(), whole), index);
  }

  private static IndexQuery orLong(IndexQuery found, PostIndex index) {
    return index.hasLongRuns()
        ? any(List.of(found, new IndexQuery(term(Type.LONG_RUN.term("")), false)))
        : found;
  }

  private static IndexQuery unspaced(
      String run, boolean whole, PostIndex index, PostIndex.Effort effort) throws IOException {
    int[] characters = run.codePoints().toArray();
    if (characters.length == 1) {
      Optional<List<BytesRef>> pairs = index.termsWithPrefix(Type.PAIR, run, effort);
      if (pairs.isEmpty()) {
        return ANY;
      }
      List<BytesRef> either = new ArrayList<>(pairs.get());
      either.add(Type.LAST.term(run));
      return terms(either, whole);
    }
    List<IndexQuery> pairs = new ArrayList<>();
    for (int i = 0; i + 1 < characters.length; i++) {
      pairs.add(exactly(Type.PAIR.term(new String(characters, i, 2))));
    }
    return new IndexQuery(all(pairs).query, whole && characters.length == 2);
  }

  private static IndexQuery hashtag(
      TextMatch match, String tag, PostIndex index, PostIndex.Effort effort) throws IOException {
    int wildcard = indexOfAny(tag, "*%");
    String literal = wildcard < 0 ? tag : tag.substring(0, wildcard);
    int hyphen = literal.indexOf('-');
    if (wildcard < 0 && hyphen < 0 && match.endsWithAWord()) {
      return new IndexQuery(term(Type.HASHTAG.term(tag)), !match.exact());
    }
    // In a text a hashtag ends at a hyphen; as one that is marked it may go on.
    String prefix = hyphen < 0 ? literal : literal.substring(0, hyphen);
    if (prefix.isEmpty()) {
      return ANY;
    }
    return index
        .termsWithPrefix(Type.HASHTAG, prefix, effort)
        .map(tags -> orLong(terms(tags, false), index))
        .orElse(ANY);
  }

  private static int indexOfAny(String text, String characters) {
    for (int i = 0; i < text.length(); i++) {
      if (characters.indexOf(text.charAt(i)) >= 0) {
        return i;
      }
    }
    return -1;
  }
}
