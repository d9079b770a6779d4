package routes.search;

/**
 * A random choice of the posts found. It is made by the keys of the posts and nothing else: the
 * same seed chooses the same of the same posts, in whatever files they are.
 *
 * @param size posts at most
 * @param seed another one is another choice
 */
public record PostSample(int size, long seed) {

  /** Posts of a sample, at most. */
  public static final int MOST = 1_000_000;

  public PostSample {
    if (size < 1 || size > MOST) {
      throw new IllegalArgumentException("a sample has 1 to " + MOST + " posts");
    }
  }

  /** The place of a post in the order in which they are drawn. */
  long order(int key) {
    // The finisher of SplitMix64.
    long mixed = (seed * 0x9e3779b97f4a7c15L) ^ (key & 0xffffffffL);
    mixed = (mixed ^ (mixed >>> 30)) * 0xbf58476d1ce4e5b9L;
    mixed = (mixed ^ (mixed >>> 27)) * 0x94d049bb133111ebL;
    return mixed ^ (mixed >>> 31);
  }
}
