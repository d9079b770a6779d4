package routes.search;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.LinkedHashSet;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.apache.lucene.util.BytesRef;
import org.apache.lucene.util.StringHelper;

/**
 * The terms under which a row of the table {@code posts} stands in the index. The first byte of a
 * term says what it is; behind it is a text in UTF-8 and lower case, or six bytes of a hash where a
 * text would be long and nobody looks for a part of it.
 */
final class PostTerms {

  /**
   * What a term says of a post. Changing one, or what stands behind it, is another index version.
   */
  enum Type {
    /** A run of letters and digits. */
    WORD('w'),
    /** Two neighbouring characters of a script without spaces. */
    PAIR('p'),
    /** The last character of a run of such a script. */
    LAST('e'),
    SYMBOL('s'),
    /** The text has a run that is too long for a term. */
    LONG_RUN('x'),
    HASHTAG('h'),
    /** Who wrote it; deletions do not stand under it, nor under anything else but CHANGED. */
    AUTHOR('a'),
    MENTION('m'),
    /** A host that is linked to, and every host above it. */
    DOMAIN('d'),
    /** A host that is linked to, itself only. */
    HOST('o'),
    LINK('u'),
    LANGUAGE('l'),
    /** The post answered, where it is not the first of the thread. */
    PARENT('i'),
    /** The first post of the thread, where it is not the one answered. */
    ROOT('r'),
    /** The post answered, which is the first of the thread. */
    ANSWERED_ROOT('b'),
    QUOTE('q'),
    /** Something that the post has. */
    FEATURE('f'),
    /** A post that this row changes or deletes; without one, every such row. */
    CHANGED('c'),
    /** Everything but deletions. */
    POST('v');

    private final byte prefix;

    Type(char prefix) {
      this.prefix = (byte) prefix;
    }

    /** The term of this type with that text. */
    BytesRef term(String text) {
      byte[] utf8 = text.getBytes(UTF_8);
      byte[] bytes = new byte[utf8.length + 1];
      bytes[0] = prefix;
      System.arraycopy(utf8, 0, bytes, 1, utf8.length);
      return new BytesRef(bytes);
    }

    /** The term of this type with the hash of that text. */
    BytesRef hashed(String text) {
      return hashed(hash(text));
    }

    /** The term of this type with that hash. */
    BytesRef hashed(long hash) {
      byte[] term = new byte[1 + HASH_BYTES];
      term[0] = prefix;
      for (int i = HASH_BYTES; i > 0; i--) {
        term[i] = (byte) (hash >>> Byte.SIZE * (HASH_BYTES - i));
      }
      return new BytesRef(term);
    }

    /** The hash of a term of this type. */
    static long hashOf(BytesRef term) {
      long hash = 0;
      for (int i = 1; i <= HASH_BYTES; i++) {
        hash = hash << Byte.SIZE | Byte.toUnsignedLong(term.bytes[term.offset + i]);
      }
      return hash;
    }

    byte prefix() {
      return prefix;
    }
  }

  private static final int HASH_BYTES = 6;

  /** Bytes that a term may have; Lucene takes four times that. */
  private static final int MAX_BYTES = 8_000;

  /** 48 bits that stand for a text. */
  static long hash(String text) {
    byte[] utf8 = text.getBytes(UTF_8);
    long high = Integer.toUnsignedLong(StringHelper.murmurhash3_x86_32(utf8, 0, utf8.length, 17));
    int low = StringHelper.murmurhash3_x86_32(utf8, 0, utf8.length, 31);
    return high << Short.SIZE | low & 0xffff;
  }

  /** A hashtag in a text in lower case, as Java and DuckDB read it. */
  static final Pattern HASHTAG = Pattern.compile("(?:^|[^\\pL\\pN\\pM_])[#＃]([\\pL\\pN\\pM_]+)");

  private PostTerms() {}

  /** Every term of a row, each once. */
  static Set<BytesRef> of(PostRow row) {
    Set<BytesRef> terms = new LinkedHashSet<>();
    if (row.isChange()) {
      terms.add(Type.CHANGED.term(""));
      terms.add(Type.CHANGED.hashed(key(row.did(), row.rkey())));
    }
    if (row.isDelete()) {
      return terms;
    }
    terms.add(Type.AUTHOR.hashed(row.did()));
    terms.add(Type.POST.term(""));
    if (row.text() != null) {
      text(TextRuns.fold(row.text()), terms);
    }
    hashtags(row).forEach(tag -> bounded(Type.HASHTAG, tag, terms));
    row.mentions().forEach(did -> terms.add(Type.MENTION.hashed(did)));
    for (String link : row.links()) {
      terms.add(Type.LINK.hashed(link));
      String host = PostFilter.Domain.hostOf(link);
      if (!host.isEmpty()) {
        bounded(Type.HOST, host, terms);
      }
      while (!host.isEmpty()) {
        bounded(Type.DOMAIN, host, terms);
        int dot = host.indexOf('.');
        host = dot < 0 ? "" : host.substring(dot + 1);
      }
    }
    for (String lang : row.langs()) {
      String tag = TextRuns.fold(lang);
      for (int end = tag.indexOf('-'); end >= 0; end = tag.indexOf('-', end + 1)) {
        bounded(Type.LANGUAGE, tag.substring(0, end), terms);
      }
      bounded(Type.LANGUAGE, tag, terms);
    }
    thread(row, terms);
    for (PostFilter.Has.Feature feature : PostFilter.Has.Feature.values()) {
      if (new PostFilter.Has(feature).test(row)) {
        terms.add(Type.FEATURE.term(feature.label()));
      }
    }
    return terms;
  }

  /** What tells a post from any other. */
  static String key(String did, String rkey) {
    return did + "/" + rkey;
  }

  private static void thread(PostRow row, Set<BytesRef> terms) {
    if (row.replyParent() != null && row.replyParent().equals(row.replyRoot())) {
      terms.add(Type.ANSWERED_ROOT.hashed(row.replyRoot()));
    } else {
      if (row.replyParent() != null) {
        terms.add(Type.PARENT.hashed(row.replyParent()));
      }
      if (row.replyRoot() != null) {
        terms.add(Type.ROOT.hashed(row.replyRoot()));
      }
    }
    if (row.quote() != null) {
      terms.add(Type.QUOTE.hashed(row.quote()));
    }
  }

  private static void text(String folded, Set<BytesRef> terms) {
    for (TextRuns.Run run : TextRuns.of(folded)) {
      switch (run.kind()) {
        case WORD -> bounded(Type.WORD, run.text(), terms);
        case UNSPACED -> unspaced(run.text(), terms);
        case SYMBOL -> terms.add(Type.SYMBOL.term(run.text()));
        case OTHER -> throw new IllegalStateException("no run is of that kind");
      }
    }
  }

  /** The hashtags of a post in lower case: those that are marked, and those in its text. */
  static Stream<String> hashtags(PostRow row) {
    Stream<String> marked = row.tags().stream().map(TextRuns::fold);
    if (row.text() == null || row.text().indexOf('#') < 0 && row.text().indexOf('＃') < 0) {
      return marked;
    }
    return Stream.concat(
        marked, HASHTAG.matcher(TextRuns.fold(row.text())).results().map(tag -> tag.group(1)));
  }

  /** The hosts that a post links to, in lower case. */
  static Stream<String> hosts(PostRow row) {
    return row.links().stream().map(PostFilter.Domain::hostOf).filter(host -> !host.isEmpty());
  }

  /** Whether a value is short enough to stand under itself. */
  static boolean fits(String value) {
    return value.getBytes(UTF_8).length < MAX_BYTES;
  }

  private static void unspaced(String run, Set<BytesRef> terms) {
    int at = 0;
    int next = Character.charCount(run.codePointAt(0));
    while (next < run.length()) {
      int end = next + Character.charCount(run.codePointAt(next));
      terms.add(Type.PAIR.term(run.substring(at, end)));
      at = next;
      next = end;
    }
    terms.add(Type.LAST.term(run.substring(at)));
  }

  private static void bounded(Type type, String text, Set<BytesRef> terms) {
    BytesRef term = type.term(text);
    if (term.length <= MAX_BYTES) {
      terms.add(term);
    } else {
      terms.add(Type.LONG_RUN.term(""));
    }
  }
}
