package routes.jetstream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import org.junit.jupiter.api.Test;
import routes.fixtures.SharedData;

class CidTest {

  @Test
  void followsFromTheRecordForEveryRecordOfTheRealStream() throws Exception {
    int proven = 0;
    for (byte[] frame : SharedData.stretch()) {
      if (EventReader.read(frame) instanceof Event.Commit commit && commit.record() != null) {
        assertThat(Cid.of(commit.record())).isEqualTo(commit.cid());
        proven++;
      }
    }
    assertThat(proven).isEqualTo(146);
  }

  @Test
  void doesNotDependOnTheOrderOfMembers() throws Exception {
    assertThat(Cid.of(Json.read("{\"b\":1,\"a\":[true,null,\"x\"],\"aa\":2}")))
        .isEqualTo(Cid.of(Json.read("{\"aa\":2,\"a\":[true,null,\"x\"],\"b\":1}")))
        .startsWith("bafyrei");
  }

  @Test
  void refusesALinkThatIsNone() {
    assertThatThrownBy(() -> Cid.of(Json.read("{\"a\":{\"$link\":\"zz top\"}}")))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("$link");
  }
}
