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

  /** Worked out by hand: the CBOR bytes are a1 61 61 and what is in the comment. */
  @Test
  void writesEveryKindOfValueAsDagCborDoes() throws Exception {
    assertThat(Cid.of(Json.read("{\"a\":{\"$bytes\":\"AQI=\"}}")))
        .as("42 0102")
        .isEqualTo("bafyreieieha3ydv7lj2u4kj2p5gasrnoa7lkmlmvf5rdaycttlxtiadkxy");
    assertThat(Cid.of(Json.read("{\"a\":1.5}")))
        .as("fb 3ff8000000000000")
        .isEqualTo("bafyreic6v65kiate4qj6lsdjvf2qjul5frowyn4kgtjp7fpbm7jjfz4mfm");
    assertThat(
            Cid.of(
                Json.read(
                    "{\"a\":{\"$link\":\"bafyreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku\"}}")))
        .as("d82a 5825 00 and the bytes of the link")
        .isEqualTo("bafyreifqdp6vwgpjpzcrk5aujexc6iustjifv3cjoe7vek3va3q5xtso2e");
  }

  @Test
  void takesAMemberWithMoreThanALinkForAnObject() throws Exception {
    assertThat(Cid.of(Json.read("{\"a\":{\"$link\":\"zz top\",\"b\":1}}"))).startsWith("bafyrei");
    assertThat(Cid.of(Json.read("{\"a\":{\"$bytes\":\"?\",\"b\":1}}"))).startsWith("bafyrei");
    assertThatThrownBy(() -> Cid.of(Json.read("{\"a\":{\"$bytes\":\"?\"}}")))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("$bytes");
  }

  @Test
  void refusesALinkThatIsNone() {
    assertThatThrownBy(() -> Cid.of(Json.read("{\"a\":{\"$link\":\"zz top\"}}")))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("$link");
  }
}
