package routes.search;

import static org.assertj.core.api.Assertions.assertThat;
import static routes.fixtures.Frames.ALICE;
import static routes.fixtures.Frames.BOB;
import static routes.fixtures.Frames.account;
import static routes.fixtures.Frames.identity;

import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.Statement;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import routes.archive.GoneAccounts;
import routes.archive.TableName;
import routes.archive.TableSnapshot;
import routes.fixtures.ArchiveFixture;
import routes.fixtures.Frames;
import routes.fixtures.RedisFixture;

class HandlesTest {

  private static final long NOW = Long.MAX_VALUE;
  private static final String CAROL = "did:plc:cccccccccccccccccccccccc";

  @RegisterExtension static final RedisFixture REDIS = new RedisFixture();

  private final ArchiveFixture fixture = new ArchiveFixture(REDIS.stream());
  private final Path file = fixture.folder().resolve("handles.sqlite");
  private Handles handles = new Handles(file, fixture.duckDb());

  @AfterEach
  void close() {
    handles.close();
    fixture.close();
  }

  private TableSnapshot actors() {
    return fixture.archive().snapshot(TableName.ACTORS);
  }

  private void openAgain() {
    handles.close();
    handles = new Handles(file, fixture.duckDb());
  }

  @Test
  void tellsTheLastHandleAndTheLastWhoHadIt() throws Exception {
    fixture.store(
        identity(ALICE, 1, "one.test"), identity(ALICE, 3, "Two.test"), identity(BOB, 2, "b.test"));
    assertThat(handles.handlesOf(List.of(ALICE), NOW)).as("before it is read").isEmpty();
    assertThat(handles.didOf("one.test", NOW)).isEmpty();
    assertThat(handles.read(actors(), Optional.empty())).isTrue();
    assertThat(handles.handlesOf(List.of(ALICE, BOB, ALICE, "did:plc:nobody"), NOW))
        .isEqualTo(Map.of(ALICE, "Two.test", BOB, "b.test"));
    assertThat(handles.didOf("TWO.test", NOW)).contains(ALICE);
    fixture.store(identity(BOB, 5, "two.TEST"), identity(ALICE, 6, "handle.invalid"));
    assertThat(handles.read(actors(), Optional.empty())).isTrue();
    assertThat(handles.didOf("two.test", NOW)).as("it changed hands").contains(BOB);
    assertThat(handles.handlesOf(List.of(ALICE), NOW)).containsEntry(ALICE, "Two.test");
  }

  @Test
  void tellsWhoHadAHandleWhen() throws Exception {
    fixture.store(
        identity(ALICE, 10, "a.test"),
        identity(BOB, 20, "b.test"),
        identity(ALICE, 30, "other.test"),
        identity(BOB, 40, "A.test"),
        identity(ALICE, 50, "other.test"));
    handles.read(actors(), Optional.empty());
    assertThat(handles.didOf("a.test", at(5))).as("nobody had it yet").contains(ALICE);
    assertThat(handles.didOf("a.test", at(15))).contains(ALICE);
    assertThat(handles.didOf("a.test", at(35))).as("nobody has it any more").contains(ALICE);
    assertThat(handles.didOf("a.test", at(45))).contains(BOB);
    assertThat(handles.didOf("b.test", at(45))).as("its last owner").contains(BOB);
    assertThat(handles.handlesOf(List.of(ALICE, BOB), at(15))).isEqualTo(Map.of(ALICE, "a.test"));
    assertThat(handles.handlesOf(List.of(ALICE, BOB), at(35)))
        .isEqualTo(Map.of(ALICE, "other.test", BOB, "b.test"));
    assertThat(handles.allOf(ALICE))
        .containsExactly(
            new Handles.Given("a.test", at(10), at(10)),
            new Handles.Given("other.test", at(30), at(50)));
    assertThat(handles.allOf("did:plc:nobody")).isEmpty();
  }

  private static long at(long millis) {
    return Frames.NOON_US + millis * 1000;
  }

  @Test
  void isMadeAnewWhenItIsOfAnotherVersion() throws Exception {
    fixture.store(identity(ALICE, 1, "one.test"));
    try (Connection old = DriverManager.getConnection("jdbc:sqlite:" + file);
        Statement statement = old.createStatement()) {
      statement.executeUpdate("CREATE TABLE handles (did TEXT, handle TEXT)");
    }
    assertThat(handles.read(actors(), Optional.empty())).isTrue();
    assertThat(handles.didOf("one.test", NOW)).contains(ALICE);
  }

  @Test
  void knowsThemAfterARestartWithoutReadingThemAgain() throws Exception {
    fixture.store(identity(ALICE, 1, "one.test"));
    TableSnapshot actors = actors();
    handles.read(actors, Optional.empty());
    Files.delete(actors.files().get(0).path());
    openAgain();
    assertThat(handles.read(actors, Optional.empty())).isTrue();
    assertThat(handles.didOf("one.test", NOW)).contains(ALICE);
  }

  @Test
  void isMadeAnewWhenItIsDamaged() throws Exception {
    fixture.store(identity(ALICE, 1, "one.test"));
    handles.read(actors(), Optional.empty());
    handles.close();
    Files.writeString(file, "this is no database, however long one looks at it".repeat(100));
    openAgain();
    assertThat(handles.read(actors(), Optional.empty())).isTrue();
    assertThat(handles.didOf("one.test", NOW)).contains(ALICE);
  }

  @Test
  void forgetsWhatIsNotKept() throws Exception {
    fixture.store(identity(ALICE, 1, "one.test"));
    handles.read(actors(), Optional.empty());
    TableSnapshot nothing =
        new TableSnapshot(TableName.ACTORS, 7, null, Optional.empty(), List.of());
    handles.read(nothing, Optional.empty());
    assertThat(handles.didOf("one.test", NOW)).as("replaced by another file").contains(ALICE);
    handles.read(nothing, Optional.of(LocalDate.parse("2026-07-05")));
    assertThat(handles.didOf("one.test", NOW)).as("removed by retention").isEmpty();
  }

  @Test
  void tellsWhoIsGoneByTheNewestThatWasHeard() throws Exception {
    fixture.store(
        account(ALICE, 10, false, "deleted"),
        account(BOB, 10, false, "suspended"),
        account(CAROL, 10, true, null));
    assertThat(handles.gone()).as("before it is read").isEmpty();
    handles.read(actors(), Optional.empty());
    assertThat(handles.gone()).contains(Authors.of(List.of(ALICE)));
    fixture.store(
        account(ALICE, 5, true, null),
        account(BOB, 20, false, "takendown"),
        account(CAROL, 10, false, "deleted"));
    handles.read(actors(), Optional.empty());
    Authors all = Authors.of(List.of(ALICE, BOB, CAROL));
    assertThat(handles.gone())
        .as("of what came late, and of what was said at the same time")
        .contains(all);
    fixture.store(account(BOB, 30, true, null));
    handles.read(actors(), Optional.empty());
    assertThat(handles.gone()).as("who came back").contains(Authors.of(List.of(ALICE, CAROL)));
    assertThat(scanned()).isEqualTo(Authors.of(List.of(ALICE, CAROL)));
    openAgain();
    handles.read(actors(), Optional.empty());
    assertThat(handles.gone()).contains(scanned());
    handles.read(
        new TableSnapshot(TableName.ACTORS, 7, null, Optional.empty(), List.of()),
        Optional.of(LocalDate.parse("2026-07-05")));
    assertThat(handles.gone()).as("removed by retention").contains(Authors.NONE);
  }

  private Authors scanned() throws Exception {
    List<String> gone = new ArrayList<>();
    try (Connection connection = fixture.duckDb().connect();
        Statement statement = connection.createStatement();
        ResultSet dids = statement.executeQuery(GoneAccounts.select(actors().files()))) {
      while (dids.next()) {
        gone.add(dids.getString(1));
      }
    }
    return Authors.of(gone);
  }

  @Test
  void doesNotTakeWhatAnotherProcessReadOfALaterCommit() throws Exception {
    fixture.store(account(ALICE, 1, false, "deleted"));
    TableSnapshot earlier = actors();
    fixture.store(account(BOB, 2, false, "deleted"));
    try (Handles other = new Handles(file, fixture.duckDb())) {
      other.read(actors(), Optional.empty());
      handles.read(earlier, Optional.empty());
      assertThat(handles.gone()).as("it cannot be told from the file").isEmpty();
      handles.read(actors(), Optional.empty());
      assertThat(handles.gone()).contains(Authors.of(List.of(ALICE, BOB)));
      fixture.store(account(CAROL, 3, false, "deleted"));
      handles.read(actors(), Optional.empty());
      other.read(actors(), Optional.empty());
      assertThat(other.gone())
          .as("of a file that the other has read")
          .contains(Authors.of(List.of(ALICE, BOB, CAROL)));
    }
  }

  @Test
  void isDoneWithoutWhereThereIsNoRoom() throws Exception {
    fixture.store(identity(ALICE, 1, "one.test"));
    Handles nowhere = new Handles(file.resolveSibling("no-such-folder/x.sqlite"), fixture.duckDb());
    assertThat(nowhere.read(actors(), Optional.empty())).isFalse();
    assertThat(nowhere.didOf("one.test", NOW)).isEmpty();
    assertThat(nowhere.handlesOf(List.of(ALICE), NOW)).isEmpty();
  }
}
