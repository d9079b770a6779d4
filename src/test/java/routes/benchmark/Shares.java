package routes.benchmark;

import java.util.List;

/** What values of a measurement are like. */
final class Shares {

  private Shares() {}

  /**
   * The value that such a share of all is not above; 0 of none.
   *
   * @param values in any order
   * @param share 0.5 for the median, 1 for the greatest
   */
  static double at(List<Double> values, double share) {
    return values.isEmpty()
        ? 0
        : values.stream().sorted().toList().get((int) (share * (values.size() - 1)));
  }
}
