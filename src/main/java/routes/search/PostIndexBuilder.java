package routes.search;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import org.apache.lucene.analysis.TokenStream;
import org.apache.lucene.analysis.tokenattributes.BytesTermAttribute;
import org.apache.lucene.document.BinaryDocValuesField;
import org.apache.lucene.document.Document;
import org.apache.lucene.document.Field;
import org.apache.lucene.document.FieldType;
import org.apache.lucene.document.NumericDocValuesField;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.index.IndexOptions;
import org.apache.lucene.index.IndexWriter;
import org.apache.lucene.index.IndexWriterConfig;
import org.apache.lucene.index.LogDocMergePolicy;
import org.apache.lucene.index.SerialMergeScheduler;
import org.apache.lucene.index.TermsEnum;
import org.apache.lucene.store.Directory;
import org.apache.lucene.store.MMapDirectory;
import org.apache.lucene.util.BytesRef;

/**
 * Builds the index of a data file of posts, row by row in the order of the file. Not safe for
 * several threads.
 */
final class PostIndexBuilder implements AutoCloseable {

  /** Bytes that neighbouring words are looked up by. */
  static final int GRAM = 3;

  private static final double MEMORY_MB = 64;

  /** Parts that are merged into one at once. Few merges are faster, and take a file each. */
  private static final int MERGE_FACTOR = 40;

  private static final FieldType TERMS_TYPE = new FieldType();

  static {
    TERMS_TYPE.setTokenized(true);
    TERMS_TYPE.setOmitNorms(true);
    TERMS_TYPE.setIndexOptions(IndexOptions.DOCS);
    TERMS_TYPE.freeze();
  }

  private final Path folder;
  private final Directory directory;
  private final IndexWriter writer;
  private final Terms terms = new Terms();
  private final NumericDocValuesField sortAt = new NumericDocValuesField(PostIndex.SORT_AT, 0);
  private final NumericDocValuesField key = new NumericDocValuesField(PostIndex.KEY, 0);
  private final Document document = new Document();
  private long rows;
  private long last = Long.MAX_VALUE;
  private boolean descending = true;

  /**
   * @param folder to build it in: empty, or not there
   */
  PostIndexBuilder(Path folder) throws IOException {
    this.folder = folder;
    this.directory = new MMapDirectory(folder);
    this.writer = new IndexWriter(directory, config());
    document.add(new Field(PostIndex.TERMS, terms, TERMS_TYPE));
    document.add(sortAt);
    document.add(key);
  }

  /** Keeps documents in the order in which they come, and all in one thread. */
  private static IndexWriterConfig config() {
    LogDocMergePolicy merges = new LogDocMergePolicy();
    merges.setMergeFactor(MERGE_FACTOR);
    merges.setNoCFSRatio(1);
    return new IndexWriterConfig()
        .setOpenMode(IndexWriterConfig.OpenMode.CREATE)
        .setRAMBufferSizeMB(MEMORY_MB)
        .setMergeScheduler(new SerialMergeScheduler())
        .setMergePolicy(merges)
        .setUseCompoundFile(true)
        .setCommitOnClose(false);
  }

  /** A row as the index takes it. Making one takes about as long as adding it. */
  record Prepared(Set<BytesRef> terms, long sortAt, int key) {

    static Prepared of(PostRow row) {
      return new Prepared(PostTerms.of(row), row.sortAt(), PostIndex.key(row.did(), row.rkey()));
    }
  }

  void add(Prepared row) throws IOException {
    terms.of(row.terms);
    sortAt.setLongValue(row.sortAt);
    key.setLongValue(row.key);
    writer.addDocument(document);
    descending &= row.sortAt <= last;
    last = row.sortAt;
    rows++;
  }

  /** Finishes the index: when this returns it is on the disk. */
  void finish() throws IOException {
    writer.forceMerge(1);
    writer.setLiveCommitData(
        Map.of(
                PostIndex.META_VERSION,
                PostIndex.VERSION,
                PostIndex.META_ROWS,
                Long.toString(rows),
                PostIndex.META_DESCENDING,
                Boolean.toString(descending))
            .entrySet());
    writer.commit();
    try (DirectoryReader reader = DirectoryReader.open(directory);
        Directory wordsDirectory = new MMapDirectory(folder.resolve(PostIndex.WORDS_FOLDER));
        IndexWriter words = new IndexWriter(wordsDirectory, config())) {
      if (!reader.leaves().isEmpty()) {
        addWords(reader.leaves().get(0).reader().terms(PostIndex.TERMS).iterator(), words);
      }
      words.forceMerge(1);
      words.commit();
    }
  }

  /** Neighbouring words have much in common: a group of them has few grams. */
  private static void addWords(TermsEnum all, IndexWriter words) throws IOException {
    Terms grams = new Terms();
    BinaryDocValuesField first = new BinaryDocValuesField(PostIndex.FIRST_WORD, new BytesRef());
    Document group = new Document();
    group.add(new Field(PostIndex.TERMS, grams, TERMS_TYPE));
    group.add(first);
    Set<BytesRef> ofGroup = new LinkedHashSet<>();
    int inGroup = 0;
    byte word = PostTerms.Type.WORD.prefix();
    TermsEnum.SeekStatus status = all.seekCeil(PostTerms.Type.WORD.term(""));
    BytesRef term = status == TermsEnum.SeekStatus.END ? null : all.term();
    while (term != null && term.bytes[term.offset] == word) {
      if (inGroup == 0) {
        first.setBytesValue(BytesRef.deepCopyOf(term));
      }
      ofGroup.addAll(grams(new BytesRef(term.bytes, term.offset + 1, term.length - 1)));
      term = all.next();
      inGroup++;
      if (inGroup == PostIndex.WORDS_IN_GROUP || term == null || term.bytes[term.offset] != word) {
        grams.of(ofGroup);
        words.addDocument(group);
        ofGroup.clear();
        inGroup = 0;
      }
    }
  }

  /** Every run of three bytes, each once. */
  static Set<BytesRef> grams(BytesRef word) {
    Set<BytesRef> grams = new LinkedHashSet<>();
    for (int i = 0; i + GRAM <= word.length; i++) {
      byte[] gram = new byte[GRAM];
      System.arraycopy(word.bytes, word.offset + i, gram, 0, GRAM);
      grams.add(new BytesRef(gram));
    }
    return grams;
  }

  /** Abandons the index if it is not finished. */
  @Override
  public void close() throws IOException {
    writer.close();
    directory.close();
  }

  /** Terms that are ready-made. */
  private static final class Terms extends TokenStream {

    private final BytesTermAttribute attribute = addAttribute(BytesTermAttribute.class);
    private Set<BytesRef> terms = Set.of();
    private Iterator<BytesRef> left = terms.iterator();

    void of(Set<BytesRef> those) {
      terms = those;
    }

    @Override
    public void reset() {
      left = terms.iterator();
    }

    @Override
    public boolean incrementToken() {
      if (!left.hasNext()) {
        return false;
      }
      clearAttributes();
      attribute.setBytesRef(left.next());
      return true;
    }
  }
}
