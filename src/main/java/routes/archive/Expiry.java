package routes.archive;

import static java.util.Objects.requireNonNull;

import java.time.Duration;

/** Forgets commits of the archive that are older than a time; the newest of each table stays. */
public final class Expiry {

  private final Archive archive;
  private final Duration age;

  public Expiry(Archive archive, Duration age) {
    this.archive = requireNonNull(archive, "archive");
    this.age = requireNonNull(age, "age");
  }

  /** Gives the number of commits forgotten. */
  public int run() {
    return archive.expire(age);
  }
}
