package routes.jetstream;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import org.junit.jupiter.api.Test;

class RootCauseTest {

  @Test
  void isTheInnermostMessage() {
    assertThat(RootCause.message(new RuntimeException("outer", new IOException("inner"))))
        .isEqualTo("inner");
  }

  @Test
  void saysWhatKindOfFailureItIsWhereTheMessageDoesNot() {
    assertThat(RootCause.message(new IllegalStateException())).isEqualTo("IllegalStateException");
    assertThat(RootCause.message(new NoSuchFileException("/data/a.parquet")))
        .isEqualTo("NoSuchFileException: /data/a.parquet");
    assertThat(
            RootCause.message(
                new FileSystemException("/data/a.parquet", null, "No space left on device")))
        .isEqualTo("/data/a.parquet: No space left on device");
  }
}
