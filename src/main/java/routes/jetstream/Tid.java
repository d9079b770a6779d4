package routes.jetstream;

import java.util.OptionalLong;

/**
 * The AT Protocol's timestamp identifiers: 13 characters that sort as they were made, microseconds
 * since 1970 shifted left by ten bits with a clock id below. Revisions and most record keys are
 * TIDs.
 */
public final class Tid {

  private static final String ALPHABET = "234567abcdefghijklmnopqrstuvwxyz";
  private static final int LENGTH = 13;
  private static final byte[] VALUES = new byte[128];

  static {
    java.util.Arrays.fill(VALUES, (byte) -1);
    for (int i = 0; i < ALPHABET.length(); i++) {
      VALUES[ALPHABET.charAt(i)] = (byte) i;
    }
  }

  private Tid() {}

  /**
   * @param timeUs microseconds since 1970, not negative, below 2^53
   * @param clockId 0 to 1023
   */
  public static String of(long timeUs, int clockId) {
    if (timeUs < 0 || timeUs >= 1L << 53 || clockId < 0 || clockId > 1023) {
      throw new IllegalArgumentException("no TID for " + timeUs + " and clock " + clockId);
    }
    long value = timeUs << 10 | clockId;
    char[] characters = new char[LENGTH];
    for (int i = LENGTH - 1; i >= 0; i--) {
      characters[i] = ALPHABET.charAt((int) (value & 31));
      value >>>= 5;
    }
    return new String(characters);
  }

  /** The time in a TID, microseconds since 1970; empty for anything that is no TID. */
  public static OptionalLong timeUs(String tid) {
    if (tid.length() != LENGTH) {
      return OptionalLong.empty();
    }
    long value = 0;
    for (int i = 0; i < LENGTH; i++) {
      char c = tid.charAt(i);
      int digit = c < 128 ? VALUES[c] : -1;
      if (digit < 0 || i == 0 && digit > 15) {
        return OptionalLong.empty();
      }
      value = value << 5 | digit;
    }
    return OptionalLong.of(value >>> 10);
  }
}
