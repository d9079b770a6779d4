package routes.archive;

/**
 * A set of event keys that takes little memory: two longs a slot, half of the slots free at most.
 */
final class KeySet {

  private long[] slots = new long[2 * 1024];
  private int size;
  private boolean hasZero;

  /** Adds a key; false when it was there. */
  boolean add(EventKey key) {
    if (key.high() == 0 && key.low() == 0) {
      boolean added = !hasZero;
      hasZero = true;
      return added;
    }
    int slot = find(slots, key.high(), key.low());
    if (slots[slot] != 0 || slots[slot + 1] != 0) {
      return false;
    }
    slots[slot] = key.high();
    slots[slot + 1] = key.low();
    if (++size * 4 > slots.length) {
      grow();
    }
    return true;
  }

  int size() {
    return size + (hasZero ? 1 : 0);
  }

  private void grow() {
    long[] larger = new long[slots.length * 2];
    for (int i = 0; i < slots.length; i += 2) {
      if (slots[i] != 0 || slots[i + 1] != 0) {
        int slot = find(larger, slots[i], slots[i + 1]);
        larger[slot] = slots[i];
        larger[slot + 1] = slots[i + 1];
      }
    }
    slots = larger;
  }

  private static int find(long[] slots, long high, long low) {
    int mask = slots.length / 2 - 1;
    int slot = (int) (high ^ high >>> 32) & mask;
    while (true) {
      long h = slots[2 * slot];
      long l = slots[2 * slot + 1];
      if (h == high && l == low || h == 0 && l == 0) {
        return 2 * slot;
      }
      slot = slot + 1 & mask;
    }
  }
}
