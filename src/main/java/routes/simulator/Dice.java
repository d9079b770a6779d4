package routes.simulator;

import java.util.SplittableRandom;

/** Numbers that look random and are a pure function of a seed and of what they are for. */
final class Dice {

  private final SplittableRandom random;

  private Dice(long state) {
    random = new SplittableRandom(state);
  }

  static Dice of(long seed, long number, int purpose) {
    return new Dice(mix(mix(seed) ^ mix(number * 31 + purpose)));
  }

  private static long mix(long value) {
    long z = value + 0x9e3779b97f4a7c15L;
    z = (z ^ z >>> 30) * 0xbf58476d1ce4e5b9L;
    z = (z ^ z >>> 27) * 0x94d049bb133111ebL;
    return z ^ z >>> 31;
  }

  /** Evenly from 0 to below 1. */
  double share() {
    return random.nextDouble();
  }

  /** True in that share of all cases. */
  boolean chance(double share) {
    return random.nextDouble() < share;
  }

  /** Evenly from 0 to below {@code bound}. */
  int below(int bound) {
    return random.nextInt(bound);
  }

  long bits() {
    return random.nextLong();
  }

  /**
   * From 0 to below {@code bound}, small numbers far more often: the greater the skew, the more so.
   */
  int skewed(int bound, double skew) {
    return (int) (Math.pow(random.nextDouble(), skew) * bound);
  }

  String from(String alphabet, int length) {
    StringBuilder text = new StringBuilder(length);
    for (int i = 0; i < length; i++) {
      text.append(alphabet.charAt(random.nextInt(alphabet.length())));
    }
    return text.toString();
  }
}
