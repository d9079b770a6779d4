package routes.search;

import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.lucene.util.BytesRef;

/**
 * What posts have most often.
 *
 * @param values the most frequent first
 * @param posts looked at in all, with or without one
 * @param exact whether they were counted; if not, the numbers are estimates
 */
public record PostTop(List<Value> values, long posts, boolean exact) {

  public PostTop {
    values = List.copyOf(values);
  }

  /**
   * A value.
   *
   * @param posts that have it
   */
  public record Value(String value, long posts) {}

  /** What is counted. */
  public enum Of {
    /** Hashtags, marked or written in the text, in lower case. */
    HASHTAG(PostTerms.Type.HASHTAG, "text", "tags") {
      @Override
      Stream<String> all(PostRow row) {
        return PostTerms.hashtags(row);
      }
    },
    /** Hosts that are linked to. */
    DOMAIN(PostTerms.Type.HOST, "links") {
      @Override
      Stream<String> all(PostRow row) {
        return PostTerms.hosts(row);
      }
    },
    /** Languages, {@code pt} for {@code pt-BR}. */
    LANGUAGE(PostTerms.Type.LANGUAGE, "langs") {
      @Override
      Stream<String> all(PostRow row) {
        return row.langs().stream().map(lang -> TextRuns.fold(lang).split("-", 2)[0]);
      }
    },
    /** DIDs of accounts that are mentioned. */
    MENTION(PostTerms.Type.MENTION, "mentions") {
      @Override
      Stream<String> all(PostRow row) {
        return row.mentions().stream();
      }
    },
    /** DIDs of those who wrote them. */
    AUTHOR(PostTerms.Type.AUTHOR, "did") {
      @Override
      Stream<String> all(PostRow row) {
        return Stream.of(row.did());
      }
    },
    /** What they have: {@code media}, {@code link}, {@code quote}, {@code parent}. */
    HAS(PostTerms.Type.FEATURE, "media_count", "links", "quote_uri", "reply_parent_uri") {
      @Override
      Stream<String> all(PostRow row) {
        return Stream.of(PostFilter.Has.Feature.values())
            .filter(feature -> feature.test(row))
            .map(PostFilter.Has.Feature::label);
      }
    };

    private final PostTerms.Type type;
    private final Set<String> columns;

    Of(PostTerms.Type type, String... columns) {
      this.type = type;
      this.columns = Set.of(columns);
    }

    abstract Stream<String> all(PostRow row);

    /** What a post has, each once. Needs the {@link #columns}. */
    Set<String> values(PostRow row) {
      return all(row)
          .filter(value -> !value.isEmpty() && PostTerms.fits(value))
          .collect(Collectors.toCollection(LinkedHashSet::new));
    }

    Set<String> columns() {
      return columns;
    }

    /** As parameters write it. */
    public String label() {
      return name().toLowerCase(Locale.ROOT);
    }

    /** Whether the values are accounts. */
    public boolean isAccount() {
      return this == MENTION || this == AUTHOR;
    }

    PostTerms.Type type() {
      return type;
    }

    /** The term of the index that a value stands under. */
    BytesRef term(String value) {
      return isAccount() ? type.hashed(value) : type.term(value);
    }

    /** Whether this term is a value: of languages, the parts of longer ones are. */
    private boolean counts(BytesRef term) {
      return this != LANGUAGE || indexOf(term, (byte) '-') < 0;
    }

    private static int indexOf(BytesRef term, byte wanted) {
      for (int i = term.offset; i < term.offset + term.length; i++) {
        if (term.bytes[i] == wanted) {
          return i;
        }
      }
      return -1;
    }
  }

  /** Counts, file by file. */
  static final class Builder {

    /** Values that are kept; beyond that the rarest are forgotten, and the rest is an estimate. */
    private static final int MOST = 300_000;

    private final Of of;
    private final int most;
    private final Map<BytesRef, Counted> counted = new HashMap<>();
    private double posts;
    private boolean exact = true;

    /** How often there is a value, and a row that has it, where the value itself is not known. */
    private static final class Counted {
      private double posts;
      private String value;
      private PostFile file;
      private int row;
    }

    Builder(Of of) {
      this(of, MOST);
    }

    Builder(Of of, int most) {
      this.of = of;
      this.most = most;
    }

    Of of() {
      return of;
    }

    /**
     * Adds a post.
     *
     * @param weight posts that it stands for; more than 1 makes an estimate of all
     */
    void add(PostRow row, double weight) {
      posts += weight;
      exact &= weight == 1;
      for (String value : of.values(row)) {
        Counted found = counted.computeIfAbsent(of.term(value), term -> new Counted());
        found.value = value;
        found.posts += weight;
      }
      forget();
    }

    /** Adds posts of a file whose values come by themselves. */
    void addPosts(long more) {
      posts += more;
    }

    /**
     * Adds a value.
     *
     * @param term under which it stands; copied
     * @param row one that has it
     */
    void add(BytesRef term, long more, PostFile file, int row) {
      if (of.counts(term)) {
        Counted found = counted.get(term);
        if (found == null) {
          found = new Counted();
          counted.put(BytesRef.deepCopyOf(term), found);
        }
        found.posts += more;
        if (found.value == null && found.file == null) {
          found.file = file;
          found.row = row;
        }
        forget();
      }
    }

    private void forget() {
      if (counted.size() > most) {
        double[] sorted =
            counted.values().stream().mapToDouble(each -> each.posts).sorted().toArray();
        double limit = sorted[sorted.length / 2];
        counted.values().removeIf(each -> each.posts <= limit);
        exact = false;
      }
    }

    PostTop build(int limit) {
      List<Value> values =
          counted.entrySet().stream()
              .sorted(
                  Comparator.<Map.Entry<BytesRef, Counted>>comparingDouble(
                          entry -> -entry.getValue().posts)
                      .thenComparing(Map.Entry::getKey))
              .limit(limit)
              .map(
                  entry ->
                      new Value(
                          value(entry.getKey(), entry.getValue()),
                          Math.round(entry.getValue().posts)))
              .toList();
      return new PostTop(values, Math.round(posts), exact);
    }

    private String value(BytesRef term, Counted found) {
      if (found.value != null) {
        return found.value;
      }
      if (!of.isAccount()) {
        return new BytesRef(term.bytes, term.offset + 1, term.length - 1).utf8ToString();
      }
      return found.file.read(new int[] {found.row}, of.columns()).stream()
          .flatMap(row -> of.values(row).stream())
          .filter(value -> of.term(value).equals(term))
          .findFirst()
          .orElseThrow(() -> new IllegalStateException("a row has not what its index says"));
    }
  }
}
