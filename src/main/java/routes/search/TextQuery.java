package routes.search;

import java.util.ArrayList;
import java.util.List;

/**
 * Reads a question in words: {@code volcano coffee} is both, {@code volcano OR coffee} either,
 * {@code NOT tea} or {@code -tea} neither, {@code "hot coffee"} that run of characters, {@code (…)}
 * what belongs together. AND binds closer than OR. Each word is a {@link TextMatch}.
 */
public final class TextQuery {

  private static final int MAX_DEPTH = 20;
  private static final int MAX_WORDS = 50;

  private final List<Token> tokens = new ArrayList<>();
  private final boolean exact;
  private int at;
  private int depth;

  private enum Type {
    WORD,
    AND,
    OR,
    NOT,
    OPEN,
    CLOSE
  }

  private record Token(Type type, String text) {}

  /** The question cannot be read; the message says why. */
  public static final class Unreadable extends Exception {

    private static final long serialVersionUID = 1;

    Unreadable(String message) {
      super(message);
    }
  }

  private TextQuery(boolean exact) {
    this.exact = exact;
  }

  /**
   * @param exact whether case and the ends of words count
   */
  public static PostFilter parse(String question, boolean exact) throws Unreadable {
    TextQuery query = new TextQuery(exact);
    query.split(question);
    PostFilter filter = query.either();
    if (query.at < query.tokens.size()) {
      throw new Unreadable("there is a closing parenthesis too many");
    }
    return filter;
  }

  private void split(String question) throws Unreadable {
    int i = 0;
    while (i < question.length()) {
      char c = question.charAt(i);
      if (Character.isWhitespace(c)) {
        i++;
      } else if (c == '(' || c == ')') {
        tokens.add(new Token(c == '(' ? Type.OPEN : Type.CLOSE, ""));
        i++;
      } else if (c == '-'
          && i + 1 < question.length()
          && !Character.isWhitespace(question.charAt(i + 1))) {
        tokens.add(new Token(Type.NOT, ""));
        i++;
      } else if (c == '"') {
        int end = question.indexOf('"', i + 1);
        if (end < 0) {
          throw new Unreadable("a quotation mark is not closed");
        }
        word(question.substring(i + 1, end));
        i = end + 1;
      } else {
        int end = i;
        while (end < question.length()
            && !Character.isWhitespace(question.charAt(end))
            && "()\"".indexOf(question.charAt(end)) < 0) {
          end++;
        }
        String word = question.substring(i, end);
        switch (word) {
          case "AND" -> tokens.add(new Token(Type.AND, ""));
          case "OR" -> tokens.add(new Token(Type.OR, ""));
          case "NOT" -> tokens.add(new Token(Type.NOT, ""));
          default -> word(word);
        }
        i = end;
      }
    }
    if (tokens.stream().filter(token -> token.type == Type.WORD).count() > MAX_WORDS) {
      throw new Unreadable("it has more than " + MAX_WORDS + " words");
    }
  }

  private void word(String text) throws Unreadable {
    if (text.isBlank()) {
      throw new Unreadable("there is nothing between two quotation marks");
    }
    tokens.add(new Token(Type.WORD, text));
  }

  private PostFilter either() throws Unreadable {
    List<PostFilter> filters = new ArrayList<>(List.of(both()));
    while (next(Type.OR)) {
      filters.add(both());
    }
    return filters.size() == 1 ? filters.get(0) : new PostFilter.Or(filters);
  }

  private PostFilter both() throws Unreadable {
    List<PostFilter> filters = new ArrayList<>(List.of(one()));
    while (at < tokens.size()
        && tokens.get(at).type != Type.OR
        && tokens.get(at).type != Type.CLOSE) {
      next(Type.AND);
      filters.add(one());
    }
    return filters.size() == 1 ? filters.get(0) : new PostFilter.And(filters);
  }

  private PostFilter one() throws Unreadable {
    if (++depth > MAX_DEPTH) {
      throw new Unreadable("it is nested more than " + MAX_DEPTH + " deep");
    }
    try {
      if (next(Type.NOT)) {
        return new PostFilter.Not(one());
      }
      if (next(Type.OPEN)) {
        PostFilter inner = either();
        if (!next(Type.CLOSE)) {
          throw new Unreadable("a parenthesis is not closed");
        }
        return inner;
      }
      if (at < tokens.size() && tokens.get(at).type == Type.WORD) {
        return new PostFilter.Text(new TextMatch(tokens.get(at++).text, exact));
      }
      throw new Unreadable(
          at < tokens.size()
              ? "a word is missing before "
                  + (tokens.get(at).type == Type.CLOSE ? ")" : tokens.get(at).type)
              : "a word is missing at the end");
    } finally {
      depth--;
    }
  }

  private boolean next(Type type) {
    if (at < tokens.size() && tokens.get(at).type == type) {
      at++;
      return true;
    }
    return false;
  }
}
