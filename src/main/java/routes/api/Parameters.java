package routes.api;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.net.URLDecoder;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;

/** The parameters of a request: each known, each once. An empty value counts as none. */
final class Parameters {

  private final Map<String, String> values = new LinkedHashMap<>();

  /**
   * @param query the part of the URL behind the question mark, as received; null for none
   * @param known the names that the request may use
   * @throws ProblemException for a name that is not known, stands twice, or cannot be decoded
   */
  Parameters(String query, Set<String> known) {
    if (query == null) {
      return;
    }
    for (String pair : query.split("&")) {
      if (pair.isEmpty()) {
        continue;
      }
      int equals = pair.indexOf('=');
      String name = decode(equals < 0 ? pair : pair.substring(0, equals), "a name");
      String value = equals < 0 ? "" : decode(pair.substring(equals + 1), name);
      if (!known.contains(name)) {
        throw new ProblemException(
            Problem.badParameter(
                shorten(name),
                "There is no parameter '" + shorten(name) + "'.",
                "Known are: " + String.join(", ", new TreeSet<>(known)) + "."));
      }
      if (values.putIfAbsent(name, value) != null) {
        throw new ProblemException(
            Problem.badParameter(
                name, "The parameter '" + name + "' stands twice.", "Give it once."));
      }
    }
    values.values().removeIf(String::isBlank);
  }

  private static String decode(String text, String name) {
    try {
      String decoded = URLDecoder.decode(text, UTF_8);
      if (decoded.indexOf('\ufffd') >= 0
          && !text.toUpperCase(java.util.Locale.ROOT).contains("%EF%BF%BD")
          && text.indexOf('\ufffd') < 0) {
        throw new IllegalArgumentException("not UTF-8");
      }
      return decoded;
    } catch (IllegalArgumentException e) {
      throw new ProblemException(
          Problem.badParameter(
              name,
              "The value cannot be decoded: " + e.getMessage() + ".",
              "Write it in UTF-8, percent-encoded (% itself is %25)."));
    }
  }

  /**
   * A part of the path, decoded: routes have it as it was sent.
   *
   * @throws ProblemException when it cannot be decoded
   */
  static String ofPath(String name, String sent) {
    return decode(sent.replace("+", "%2B"), name);
  }

  /** All that have a value, in the order in which they were given. */
  Map<String, String> all() {
    return Collections.unmodifiableMap(values);
  }

  Optional<String> text(String name) {
    return Optional.ofNullable(values.get(name));
  }

  /** One parameter under two names; both at once must not disagree. */
  Optional<String> text(String name, String alias) {
    Optional<String> first = text(name);
    Optional<String> second = text(alias);
    if (first.isPresent() && second.isPresent() && !first.equals(second)) {
      throw new ProblemException(
          Problem.badParameter(
              alias,
              "'" + name + "' and '" + alias + "' mean the same, and differ.",
              "Give one of them."));
    }
    return first.or(() -> second);
  }

  boolean flag(String name) {
    return switch (values.getOrDefault(name, "false")) {
      case "true", "1" -> true;
      case "false", "0" -> false;
      default ->
          throw new ProblemException(
              Problem.badParameter(
                  name,
                  "'" + shorten(values.get(name)) + "' is neither true nor false.",
                  "Write true or false."));
    };
  }

  /** One of several values, by how each is written. */
  <T> T choice(String name, T byDefault, List<T> values, Function<T, String> label) {
    Optional<String> value = text(name);
    if (value.isEmpty()) {
      return byDefault;
    }
    return values.stream()
        .filter(each -> label.apply(each).equals(value.get()))
        .findFirst()
        .orElseThrow(
            () ->
                new ProblemException(
                    Problem.badParameter(
                        name,
                        "'" + shorten(value.get()) + "' is none of its values.",
                        "Write "
                            + String.join(", ", values.stream().map(label).toList())
                                .replaceFirst(", ([^,]*)$", " or $1")
                            + ".")));
  }

  int number(String name, int byDefault, int least, int most) {
    String value = values.get(name);
    if (value == null) {
      return byDefault;
    }
    try {
      int number = Integer.parseInt(value.strip());
      if (number >= least && number <= most) {
        return number;
      }
    } catch (NumberFormatException e) {
      // falls through to the problem: it is the same for what is no number and what is out of range
    }
    throw new ProblemException(
        Problem.badParameter(
            name,
            "'" + shorten(value) + "' is no whole number from " + least + " to " + most + ".",
            "Write a whole number from " + least + " to " + most + "."));
  }

  static String shorten(String text) {
    return text.length() <= 100 ? text : text.substring(0, 100) + "…";
  }
}
