package routes.wiring;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Keeps real and made-up data apart: a data folder says of itself which it holds. */
final class DataFolder {

  private DataFolder() {}

  /**
   * Makes the folder, or checks that it is of the right kind.
   *
   * @throws IllegalStateException when it holds the other kind of data
   */
  static Path claim(Path folder, boolean demo) throws IOException {
    Files.createDirectories(folder);
    Path origin = folder.resolve("origin");
    String wanted = demo ? "simulator" : "network";
    if (!Files.exists(origin)) {
      Files.writeString(origin, wanted + "\n");
    }
    String found = Files.readString(origin).strip();
    if (!found.equals(wanted)) {
      throw new IllegalStateException(
          "the data folder "
              + folder.toAbsolutePath().normalize()
              + " holds data of the "
              + found
              + ", and this process would add data of the "
              + wanted
              + "; choose another folder with explorer.data-dir, or set explorer.demo="
              + found.equals("simulator"));
    }
    return folder;
  }
}
