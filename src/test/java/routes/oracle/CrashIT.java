package routes.oracle;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import routes.fixtures.ExtractedJar;

/**
 * Kills the real application again and again, and compares what is stored with the model: short
 * here, long with {@code -Psoak}. A failure is repeated with {@code -Dseed=…}.
 */
@Order(1)
class CrashIT {

  private static final long SEED = Long.getLong("seed", System.nanoTime());

  @TempDir Path folder;

  @Test
  void nothingIsLostOrTwiceHoweverOftenItDies() throws Exception {
    CrashCampaign.Settings all =
        CrashCampaign.Settings.all(
            folder, ExtractedJar.program(), SEED, Integer.getInteger("crashes", 10));
    CrashCampaign.Result result =
        new CrashCampaign(
                all.lasting(
                    Duration.ofMinutes(Integer.getInteger("minutes", 0)),
                    Integer.getInteger("instances", 1),
                    Boolean.getBoolean("long-pause")))
            .run();
    System.out.println("seed=" + SEED + " " + result);
    assertThat(result.isClean()).as("seed=%d %s", SEED, result).isTrue();
  }
}
