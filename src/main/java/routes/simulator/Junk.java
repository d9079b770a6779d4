package routes.simulator;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.Arrays;

/** Frames that are no events: each different, and always the same before the same event. */
final class Junk {

  private Junk() {}

  static byte[] frame(Dice dice, long number, byte[] event) {
    String mark = "\"n\":" + number;
    return switch (dice.below(8)) {
      case 0 -> Arrays.copyOf(event, event.length / 2);
      case 1 -> ("<html>" + number + "</html>").getBytes(UTF_8);
      case 2 ->
          ("{\"kind\":\"sync\",\"did\":\"did:plc:x\",\"time_us\":1783175888085434," + mark + "}")
              .getBytes(UTF_8);
      case 3 ->
          ("{\"did\":\"did:plc:x\",\"time_us\":\"soon\",\"kind\":\"commit\"," + mark + "}")
              .getBytes(UTF_8);
      case 4 -> ("{\"did\":\"did:plc:x\",\"did\":\"did:plc:y\"," + mark + "}").getBytes(UTF_8);
      case 5 -> ("[" + number + "]").getBytes(UTF_8);
      case 6 ->
          ("{" + mark + ",\"deep\":" + "[".repeat(3000) + "]".repeat(3000) + "}").getBytes(UTF_8);
      default -> {
        byte[] invalid = ("{" + mark + ",\"text\":\"??\"}").getBytes(UTF_8);
        invalid[invalid.length - 4] = (byte) 0xc3;
        invalid[invalid.length - 3] = (byte) 0x28;
        yield invalid;
      }
    };
  }
}
