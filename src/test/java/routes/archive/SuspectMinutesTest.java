package routes.archive;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.function.IntToLongFunction;
import org.junit.jupiter.api.Test;
import routes.archive.SuspectMinutes.Suspect;

class SuspectMinutesTest {

  private static final long MINUTE = 60_000_000;
  private static final long START = 1_783_123_200L * 1_000_000;
  private static final int DAY = 1440;

  private static List<Suspect> suspects(int minutes, IntToLongFunction events) {
    List<Coverage.Row> rows = new ArrayList<>();
    for (int i = 0; i <= minutes; i++) {
      long at = START + i * MINUTE;
      rows.add(new Coverage.Row(at, "a", at, at + MINUTE - 1, at, at, events.applyAsLong(i)));
    }
    return new SuspectMinutes(new Coverage(rows)).between(START, START + minutes * MINUTE);
  }

  @Test
  void likelyNumbersAreNotSuspect() {
    assertThat(suspects(3 * DAY, i -> 5600 + (i * 37 % 11) * 20)).isEmpty();
  }

  @Test
  void aMinuteWithHalfOfItsEventsIs() {
    assertThat(suspects(60, i -> i == 30 ? 2000 : 5600))
        .containsExactly(new Suspect(START + 30 * MINUTE, 2000, 5600));
  }

  @Test
  void aMinuteWithoutEventsIs() {
    assertThat(suspects(60, i -> i == 30 ? 0 : 5600)).hasSize(1);
  }

  @Test
  void anHourThatIsFarBelowTheSameHourOfOtherDaysIs() {
    List<Suspect> suspects = suspects(3 * DAY, i -> i >= DAY + 600 && i < DAY + 660 ? 2500 : 5600);
    assertThat(suspects)
        .extracting(Suspect::minuteUs)
        .contains(START + (DAY + 630) * MINUTE)
        .allMatch(at -> at >= START + (DAY + 600) * MINUTE && at < START + (DAY + 660) * MINUTE);
    assertThat(suspects).hasSize(60).allMatch(suspect -> suspect.likely() == 5600);
  }

  @Test
  void theQuietOfEveryNightIsNot() {
    assertThat(suspects(4 * DAY, i -> i % DAY > 300 && i % DAY < 600 ? 2000 : 5600)).isEmpty();
  }

  @Test
  void aBurstIsOnlyWhereOtherDaysDoNotHaveItToo() {
    assertThat(suspects(3 * DAY, i -> i == DAY + 600 ? 30_000 : 5600)).hasSize(1);
    assertThat(suspects(3 * DAY, i -> i % DAY == 600 ? 30_000 : 5600)).hasSize(3);
    assertThat(suspects(3 * DAY, i -> i % DAY >= 598 && i % DAY <= 602 ? 30_000 : 5600)).isEmpty();
  }

  @Test
  void onlyMinutesOfTheStretchAskedForAreTold() {
    List<Coverage.Row> rows = new ArrayList<>();
    for (int i = 0; i <= 60; i++) {
      long at = START + i * MINUTE;
      long events = i == 20 || i == 30 || i == 40 ? 0 : 5600;
      rows.add(new Coverage.Row(at, "a", at, at + MINUTE - 1, at, at, events));
    }
    SuspectMinutes minutes = new SuspectMinutes(new Coverage(rows));
    assertThat(minutes.between(START + 20 * MINUTE, START + 40 * MINUTE))
        .extracting(Suspect::minuteUs)
        .as("the beginning belongs to it, the end does not")
        .containsExactly(START + 20 * MINUTE, START + 30 * MINUTE);
  }

  @Test
  void aMinuteThatIsNotCoveredIsNotSuspect() {
    List<Coverage.Row> rows = new ArrayList<>();
    for (int i = 0; i <= 60; i++) {
      long at = START + i * MINUTE;
      if (i < 28 || i > 30) {
        String connection = i < 28 ? "a" : "b";
        rows.add(new Coverage.Row(at, connection, at, at + MINUTE - 1, at, at, 5600));
      }
    }
    assertThat(new SuspectMinutes(new Coverage(rows)).between(START, START + 60 * MINUTE))
        .isEmpty();
  }

  @Test
  void whatIsLikelyIsTheMedianOfTheMinutesAround() {
    assertThat(suspects(60, i -> i == 30 ? 100 : i < 30 ? 5000 : 6000))
        .extracting(Suspect::likely)
        .as("as many before as behind")
        .contains(5500L);
    assertThat(suspects(60, i -> i == 0 ? 0 : 5600))
        .extracting(Suspect::minuteUs)
        .as("of the first minute only those behind")
        .containsExactly(START);
    assertThat(suspects(60, i -> i == 59 ? 0 : 5600))
        .extracting(Suspect::minuteUs)
        .as("of the last only those before")
        .containsExactly(START + 59 * MINUTE);
  }

  @Test
  void chanceMakesNoSuspectsWhereLittleHappens() {
    assertThat(suspects(60, i -> i % 5)).isEmpty();
  }

  @Test
  void aFewMinutesAreTooFewToTell() {
    assertThat(suspects(4, i -> i == 2 ? 0 : 5600)).isEmpty();
  }

  @Test
  void nothingIsSuspectInAnEmptyArchive() {
    assertThat(new SuspectMinutes(new Coverage(List.of())).between(START, START + MINUTE))
        .isEmpty();
  }
}
