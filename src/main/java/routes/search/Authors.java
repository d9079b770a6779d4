package routes.search;

import java.util.Arrays;
import java.util.Collection;
import java.util.stream.LongStream;

/** Many authors, each by the hash that the index knows it by: eight bytes. Never changed. */
final class Authors {

  static final Authors NONE = new Authors(new long[0]);

  /** Ascending, each once. */
  private final long[] hashes;

  private Authors(long[] hashes) {
    this.hashes = hashes;
  }

  /**
   * @param hashes of {@link PostTerms#hash}
   */
  static Authors of(LongStream hashes) {
    return new Authors(hashes.sorted().distinct().toArray());
  }

  static Authors of(Collection<String> dids) {
    return of(hashes(dids));
  }

  /**
   * The same but for some.
   *
   * @param came who is added
   * @param went who is left out
   */
  Authors with(Collection<String> came, Collection<String> went) {
    if (came.isEmpty() && went.isEmpty()) {
      return this;
    }
    return of(LongStream.concat(without(of(went)).hashes(), hashes(came)));
  }

  /** Those of them that are not among others. */
  Authors without(Authors others) {
    return new Authors(hashes().filter(hash -> !others.contains(hash)).toArray());
  }

  private static LongStream hashes(Collection<String> dids) {
    return dids.stream().mapToLong(PostTerms::hash);
  }

  boolean contains(String did) {
    return contains(PostTerms.hash(did));
  }

  /**
   * @param hash of {@link PostTerms#hash}
   */
  boolean contains(long hash) {
    return Arrays.binarySearch(hashes, hash) >= 0;
  }

  int size() {
    return hashes.length;
  }

  /** The hashes, ascending. */
  LongStream hashes() {
    return Arrays.stream(hashes);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Authors authors && Arrays.equals(hashes, authors.hashes);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(hashes);
  }
}
