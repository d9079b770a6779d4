package routes.archive;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import routes.fixtures.ArchiveFixture;
import routes.fixtures.RedisFixture;
import routes.jetstream.EventReader;
import routes.simulator.World;

/**
 * Whether a drain has become dearer: by the bytes that it allocates for an event, which are the
 * same on every machine, as times are not. Half of what a drain takes is making and removing them.
 * Limits are a fifth above what was measured; who makes it cheaper lowers them.
 */
class DrainCostTest {

  private static final int EVENTS = 20_000;

  @RegisterExtension static final RedisFixture REDIS = new RedisFixture();

  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  private final World world = new World(3, 1000);

  @Test
  void anEventThatIsReadTakesFewBytes() throws Exception {
    List<byte[]> frames = frames(0);
    Callable<Long> reading =
        () -> {
          long read = 0;
          for (byte[] frame : frames) {
            read += EventReader.read(frame).did().isEmpty() ? 0 : 1;
          }
          return read;
        };
    assertCosts(reading, 4_100);
  }

  @Test
  void aRowTakesFewBytes() throws Exception {
    List<byte[]> frames = frames(0);
    EventRows rows = new EventRows();
    Callable<Long> making =
        () -> {
          long made = 0;
          for (byte[] frame : frames) {
            Row row = rows.row(frame, "ws://simulated", Instant.EPOCH);
            row.prepared();
            made++;
          }
          return made;
        };
    assertCosts(making, 6_700);
  }

  @Test
  void anEventThatIsArchivedTakesFewBytes() throws Exception {
    try (ArchiveFixture fixture = new ArchiveFixture(REDIS.stream())) {
      fixture.receive(frames(0));
      assertThat(fixture.drain().batch().stored()).isEqualTo(EVENTS);
      fixture.receive(frames(EVENTS));
      assertCosts(() -> fixture.drain().batch().stored(), 12_900);
    }
  }

  private List<byte[]> frames(int from) {
    return LongStream.range(1_000_000 + from, 1_000_000 + from + EVENTS)
        .mapToObj(world::frame)
        .toList();
  }

  private static void assertCosts(Callable<Long> work, long most) throws Exception {
    long before = THREADS.getTotalThreadAllocatedBytes();
    long events = work.call();
    long bytes = (THREADS.getTotalThreadAllocatedBytes() - before) / events;
    assertThat(events).isEqualTo(EVENTS);
    assertThat(bytes).as("bytes an event").isBetween(most / 2, most);
  }
}
