package routes.archive;

import static java.util.Objects.requireNonNull;

import java.io.InterruptedIOException;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/** Lets long work take half of its time only, while something that matters more is under way. */
public final class Pace {

  /** Work that never waits. */
  public static final Pace FULL = new Pace(() -> false);

  /** Steps that are taken at once. */
  private static final int STEPS = 16_384;

  private final BooleanSupplier isBusy;

  /**
   * @param isBusy whether what matters more is under way
   */
  public Pace(BooleanSupplier isBusy) {
    this.isBusy = requireNonNull(isBusy, "isBusy");
  }

  /** Work that goes by this pace: for one thread. */
  public Walk walk() {
    return new Walk();
  }

  /** Steps of one work. */
  public final class Walk {

    private int steps;
    private long begun = System.nanoTime();

    private Walk() {}

    /** To be called for every row, or whatever else is small. Now and then it waits. */
    public void step() throws InterruptedIOException {
      if (++steps == STEPS) {
        steps = 0;
        if (isBusy.getAsBoolean()) {
          rest(System.nanoTime() - begun);
        }
        begun = System.nanoTime();
      }
    }

    private static void rest(long nanos) throws InterruptedIOException {
      try {
        TimeUnit.NANOSECONDS.sleep(nanos);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new InterruptedIOException("interrupted while it waited");
      }
    }
  }
}
