package routes.search;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.index.LeafReader;
import org.apache.lucene.index.LeafReaderContext;
import org.apache.lucene.index.NumericDocValues;
import org.apache.lucene.index.PostingsEnum;
import org.apache.lucene.index.Term;
import org.apache.lucene.index.TermsEnum;
import org.apache.lucene.search.BooleanClause;
import org.apache.lucene.search.BooleanQuery;
import org.apache.lucene.search.DocIdSetIterator;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.Query;
import org.apache.lucene.search.ScoreMode;
import org.apache.lucene.search.Scorer;
import org.apache.lucene.search.TermQuery;
import org.apache.lucene.search.Weight;
import org.apache.lucene.store.MMapDirectory;
import org.apache.lucene.util.BytesRef;
import org.apache.lucene.util.FixedBitSet;
import org.apache.lucene.util.SparseFixedBitSet;
import org.apache.lucene.util.StringHelper;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import routes.archive.ArchiveFile;

/**
 * The index of one data file of posts: Lucene's, in a folder of its own. Its documents are the rows
 * of the file, with the same numbers. It is a cache: it can be built from the file at any time.
 *
 * <p>Safe for several threads.
 */
final class PostIndex implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(PostIndex.class);

  /** Another one is another index: those of other versions are built anew. */
  static final String VERSION = "2";

  static final String TERMS = "terms";
  static final String SORT_AT = "sort_at";
  static final String KEY = "key";
  static final String FIRST_WORD = "first";
  static final String WORDS_FOLDER = "words";

  static final String META_VERSION = "version";
  static final String META_ROWS = "rows";
  static final String META_DESCENDING = "descending";

  /** Neighbouring words under one entry of the index of words. */
  static final int WORDS_IN_GROUP = 64;

  /** Queries that are remembered: each may be as large as the words that it found. */
  private static final int MAX_QUERIES = 16;

  /** Terms that are walked over in the time of one look-up, about. */
  private static final int TERMS_A_LOOK_UP = 16;

  private final Cache<PostFilter, IndexQuery> queries =
      Caffeine.newBuilder().maximumSize(MAX_QUERIES).build();
  private final DirectoryReader reader;
  private final DirectoryReader words;
  private final LeafReaderContext leaf;
  private final IndexSearcher searcher;
  private final boolean descending;
  private final boolean longRuns;

  /** How much is done to find the words that a part of a word may stand for. */
  enum Effort {
    /** What pays where few rows have to be looked at: of too many words, any may be it. */
    LITTLE(2_048, 1_024),
    /** What pays where many would have to be: every word that has that part is looked for. */
    MUCH(65_536, Integer.MAX_VALUE);

    private final int maxWords;
    private final int maxGroups;

    Effort(int maxWords, int maxGroups) {
      this.maxWords = maxWords;
      this.maxGroups = maxGroups;
    }

    /** Whether there are so many words, or rows under them, that they are as good as any. */
    private boolean isTooMuch(int words, long found, int rows) {
      return words == maxWords || this == LITTLE && found > rows / 2 + maxWords;
    }
  }

  private PostIndex(DirectoryReader reader, DirectoryReader words, boolean descending)
      throws IOException {
    this.reader = reader;
    this.words = words;
    this.leaf = reader.leaves().get(0);
    this.searcher = searcher(reader);
    this.descending = descending;
    this.longRuns = rowsWith(PostTerms.Type.LONG_RUN.term("")) > 0;
  }

  /**
   * Opens an index, without reading all of it: see {@link #check}.
   *
   * @return empty when there is none, or none that can be used: of another version, of another
   *     file, or so damaged that it shows at once
   */
  static Optional<PostIndex> open(Path folder, ArchiveFile file) throws IOException {
    if (!Files.isDirectory(folder)) {
      return Optional.empty();
    }
    DirectoryReader reader = null;
    DirectoryReader words = null;
    try {
      reader = DirectoryReader.open(new MMapDirectory(folder));
      words = DirectoryReader.open(new MMapDirectory(folder.resolve(WORDS_FOLDER)));
      Map<String, String> meta = reader.getIndexCommit().getUserData();
      if (VERSION.equals(meta.get(META_VERSION))
          && Long.toString(file.rows()).equals(meta.get(META_ROWS))
          && reader.maxDoc() == file.rows()
          && reader.leaves().size() == 1) {
        return Optional.of(
            new PostIndex(reader, words, Boolean.parseBoolean(meta.get(META_DESCENDING))));
      }
    } catch (IOException | RuntimeException e) {
      close(reader, words);
      LOG.warn("The index {} is not used, and built anew: {}", folder, e.toString());
      return Optional.empty();
    }
    close(reader, words);
    return Optional.empty();
  }

  /**
   * Reads all of it, and compares it with its checksums.
   *
   * @throws IOException when it is damaged
   */
  void check() throws IOException {
    leaf.reader().checkIntegrity();
    for (LeafReaderContext part : words.leaves()) {
      part.reader().checkIntegrity();
    }
  }

  private static IndexSearcher searcher(DirectoryReader reader) {
    IndexSearcher searcher = new IndexSearcher(reader);
    searcher.setQueryCache(null);
    return searcher;
  }

  int rows() {
    return reader.maxDoc();
  }

  /** How many different terms there are. */
  long termCount() throws IOException {
    return leaf.reader().terms(TERMS).size();
  }

  /** How many different words there are, in groups of {@link #WORDS_IN_GROUP}. */
  long wordCount() {
    return (long) words.maxDoc() * WORDS_IN_GROUP;
  }

  /** Whether the rows stand in the file by {@code sort_at}, the latest first. */
  boolean isDescending() {
    return descending;
  }

  /** Whether a row has a run of characters that is too long to be found under it. */
  boolean hasLongRuns() {
    return longRuns;
  }

  /** The {@code sort_at} of rows, to be asked for in ascending order of rows. */
  NumericDocValues sortAt() throws IOException {
    return leaf.reader().getNumericDocValues(SORT_AT);
  }

  /** How many rows stand under a term. */
  int rowsWith(BytesRef term) throws IOException {
    return leaf.reader().docFreq(new Term(TERMS, term));
  }

  /** The rows under a term, ascending. */
  List<Integer> rowsUnder(BytesRef term) throws IOException {
    List<Integer> rows = new ArrayList<>();
    PostingsEnum found = leaf.reader().postings(new Term(TERMS, term), PostingsEnum.NONE);
    if (found != null) {
      for (int row = found.nextDoc(); row != DocIdSetIterator.NO_MORE_DOCS; row = found.nextDoc()) {
        rows.add(row);
      }
    }
    return rows;
  }

  /** The rows of these authors, deletions left out. */
  SparseFixedBitSet rowsOf(Authors authors) throws IOException {
    SparseFixedBitSet rows = new SparseFixedBitSet(Math.max(1, rows()));
    TermsEnum terms = leaf.reader().terms(TERMS).iterator();
    if (authors.size() > rows() / TERMS_A_LOOK_UP) {
      PostTerms.Type type = PostTerms.Type.AUTHOR;
      for (TermsEnum.SeekStatus status = terms.seekCeil(type.term(""));
          status != TermsEnum.SeekStatus.END
              && terms.term().bytes[terms.term().offset] == type.prefix();
          status = terms.next() == null ? TermsEnum.SeekStatus.END : TermsEnum.SeekStatus.FOUND) {
        if (authors.contains(PostTerms.Type.hashOf(terms.term()))) {
          rows.or(terms.postings(null, PostingsEnum.NONE));
        }
      }
    } else {
      for (long hash : authors.hashes().toArray()) {
        if (terms.seekExact(PostTerms.Type.AUTHOR.hashed(hash))) {
          rows.or(terms.postings(null, PostingsEnum.NONE));
        }
      }
    }
    return rows;
  }

  /** What a filter asks of this index. Remembered, for a page asks the same for several answers. */
  IndexQuery query(PostFilter filter) throws IOException {
    IndexQuery known = queries.getIfPresent(filter);
    if (known == null) {
      known = IndexQuery.of(filter, this, Effort.LITTLE);
      queries.put(filter, known);
    }
    return known;
  }

  /** The same with much effort: not remembered, for it may hold very many words. */
  IndexQuery narrowQuery(PostFilter filter) throws IOException {
    return IndexQuery.of(filter, this, Effort.MUCH);
  }

  /** The rows that a query of Lucene's finds, ascending. */
  DocIdSetIterator rows(Query query) throws IOException {
    Scorer scorer = weight(query).scorer(leaf);
    return scorer == null ? DocIdSetIterator.empty() : scorer.iterator();
  }

  /**
   * Adds the rows from {@code first}, before {@code end}, that a query finds. Where something is
   * left out, whole sets are taken from each other: to ask row by row takes ten times as long.
   */
  void addRows(Query query, int first, int end, FixedBitSet to) throws IOException {
    if (!leavesOut(query)) {
      DocIdSetIterator found = rows(query);
      if (first < end && found.advance(first) < end) {
        found.intoBitSet(end, to, 0);
      }
      return;
    }
    FixedBitSet found = null;
    for (BooleanClause clause : ((BooleanQuery) query).clauses()) {
      FixedBitSet rows = new FixedBitSet(to.length());
      addRows(clause.query(), first, end, rows);
      if (found == null) {
        found = rows;
      } else {
        switch (clause.occur()) {
          case MUST, FILTER -> found.and(rows);
          case SHOULD -> found.or(rows);
          case MUST_NOT -> found.andNot(rows);
        }
      }
    }
    if (found != null) {
      to.or(found);
    }
  }

  /** Whether rows are left out somewhere; what is wanted comes first in every clause then. */
  private static boolean leavesOut(Query query) {
    return query instanceof BooleanQuery all
        && all.clauses().stream()
            .anyMatch(
                clause ->
                    clause.occur() == BooleanClause.Occur.MUST_NOT || leavesOut(clause.query()));
  }

  /** How many rows a query of Lucene's finds, where that is known without looking; else -1. */
  int count(Query query) throws IOException {
    return weight(query).count(leaf);
  }

  private Weight weight(Query query) throws IOException {
    return searcher.createWeight(searcher.rewrite(query), ScoreMode.COMPLETE_NO_SCORES, 1);
  }

  /** Is told of a term, how many of the rows asked for stand under it, and which is the first. */
  interface TermCounter {
    void add(BytesRef term, long count, int first);
  }

  /** Counts every term of a type in these rows. */
  void countTerms(PostTerms.Type type, FixedBitSet rows, Deadline deadline, TermCounter counter)
      throws IOException {
    TermsEnum terms = leaf.reader().terms(TERMS).iterator();
    PostingsEnum found = null;
    for (TermsEnum.SeekStatus status = terms.seekCeil(type.term(""));
        status != TermsEnum.SeekStatus.END
            && terms.term().bytes[terms.term().offset] == type.prefix();
        status = terms.next() == null ? TermsEnum.SeekStatus.END : TermsEnum.SeekStatus.FOUND) {
      deadline.step();
      found = terms.postings(found, PostingsEnum.NONE);
      long count = 0;
      int first = 0;
      for (int row = found.nextDoc(); row != DocIdSetIterator.NO_MORE_DOCS; row = found.nextDoc()) {
        if (rows.get(row)) {
          first = count == 0 ? row : first;
          count++;
        }
      }
      if (count > 0) {
        counter.add(terms.term(), count, first);
      }
    }
  }

  /** Rows, not deletions, that may be versions of a post: every one that is, seldom another. */
  List<Integer> versionsOf(String did, String rkey) throws IOException {
    List<Integer> rows = new ArrayList<>();
    LeafReader terms = leaf.reader();
    PostingsEnum author =
        terms.postings(new Term(TERMS, PostTerms.Type.AUTHOR.hashed(did)), PostingsEnum.NONE);
    if (author != null) {
      NumericDocValues keys = terms.getNumericDocValues(KEY);
      int key = key(did, rkey);
      for (int row = author.nextDoc();
          row != DocIdSetIterator.NO_MORE_DOCS;
          row = author.nextDoc()) {
        if (keys.advanceExact(row) && keys.longValue() == key) {
          rows.add(row);
        }
      }
    }
    return rows;
  }

  /** The {@link #key} of each row. */
  NumericDocValues keys() throws IOException {
    return leaf.reader().getNumericDocValues(KEY);
  }

  /** What {@link #versionsOf} tells rows of an author apart by. */
  static int key(String did, String rkey) {
    BytesRef key = new BytesRef(PostTerms.key(did, rkey));
    return StringHelper.murmurhash3_x86_32(key, 0);
  }

  /**
   * The terms of a type that begin with some text.
   *
   * @return empty when there are too many to try
   */
  Optional<List<BytesRef>> termsWithPrefix(PostTerms.Type type, String prefix, Effort effort)
      throws IOException {
    BytesRef start = type.term(prefix);
    List<BytesRef> found = new ArrayList<>();
    long rows = 0;
    TermsEnum terms = leaf.reader().terms(TERMS).iterator();
    for (TermsEnum.SeekStatus status = terms.seekCeil(start);
        status != TermsEnum.SeekStatus.END && StringHelper.startsWith(terms.term(), start);
        status = terms.next() == null ? TermsEnum.SeekStatus.END : TermsEnum.SeekStatus.FOUND) {
      rows += terms.docFreq();
      if (effort.isTooMuch(found.size(), rows, rows())) {
        return Optional.empty();
      }
      found.add(BytesRef.deepCopyOf(terms.term()));
    }
    return Optional.of(found);
  }

  /**
   * The words that contain some text.
   *
   * @param atEnd whether they have to end with it
   * @return empty when there are too many to try
   */
  Optional<List<BytesRef>> wordsWith(String part, boolean atEnd, Effort effort) throws IOException {
    BytesRef wanted = new BytesRef(part);
    if (wanted.length < PostIndexBuilder.GRAM) {
      return Optional.empty();
    }
    BooleanQuery.Builder grams = new BooleanQuery.Builder();
    PostIndexBuilder.grams(wanted)
        .forEach(
            gram -> grams.add(new TermQuery(new Term(TERMS, gram)), BooleanClause.Occur.FILTER));
    IndexSearcher groups = searcher(words);
    Weight weight =
        groups.createWeight(groups.rewrite(grams.build()), ScoreMode.COMPLETE_NO_SCORES, 1);
    List<BytesRef> found = new ArrayList<>();
    long[] rows = {0};
    int tried = 0;
    TermsEnum terms = leaf.reader().terms(TERMS).iterator();
    for (LeafReaderContext part64 : words.leaves()) {
      Scorer scorer = weight.scorer(part64);
      if (scorer == null) {
        continue;
      }
      var firsts = part64.reader().getBinaryDocValues(FIRST_WORD);
      DocIdSetIterator group = scorer.iterator();
      while (group.nextDoc() != DocIdSetIterator.NO_MORE_DOCS) {
        if (++tried > effort.maxGroups || !firsts.advanceExact(group.docID())) {
          return Optional.empty();
        }
        if (!wordsOfGroup(terms, firsts.binaryValue(), wanted, atEnd, effort, found, rows)) {
          return Optional.empty();
        }
      }
    }
    return Optional.of(found);
  }

  private boolean wordsOfGroup(
      TermsEnum terms,
      BytesRef first,
      BytesRef wanted,
      boolean atEnd,
      Effort effort,
      List<BytesRef> found,
      long[] rows)
      throws IOException {
    if (terms.seekCeil(first) == TermsEnum.SeekStatus.END) {
      return true;
    }
    BytesRef term = terms.term();
    for (int i = 0;
        i < WORDS_IN_GROUP
            && term != null
            && term.bytes[term.offset] == PostTerms.Type.WORD.prefix();
        i++) {
      if (contains(term, wanted, atEnd)) {
        rows[0] += terms.docFreq();
        if (effort.isTooMuch(found.size(), rows[0], rows())) {
          return false;
        }
        found.add(BytesRef.deepCopyOf(term));
      }
      term = terms.next();
    }
    return true;
  }

  private static boolean contains(BytesRef term, BytesRef wanted, boolean atEnd) {
    int last = term.length - wanted.length;
    for (int at = atEnd ? Math.max(1, last) : 1; at <= last; at++) {
      int from = term.offset + at;
      if (Arrays.equals(
          term.bytes,
          from,
          from + wanted.length,
          wanted.bytes,
          wanted.offset,
          wanted.offset + wanted.length)) {
        return true;
      }
    }
    return false;
  }

  @Override
  public void close() throws IOException {
    close(reader, words);
  }

  private static void close(DirectoryReader... readers) throws IOException {
    for (DirectoryReader reader : readers) {
      if (reader != null) {
        reader.close();
        reader.directory().close();
      }
    }
  }
}
