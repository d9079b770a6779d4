package routes.api;

import static java.util.Objects.requireNonNull;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import org.apache.camel.Header;
import routes.archive.Times;
import routes.search.Deleted;
import routes.search.Engaged;
import routes.search.Engagement;
import routes.search.Post;
import routes.search.PostFilter;
import routes.search.PostHistory;
import routes.search.PostQuery;
import routes.search.PostSearch;

/** One post: all that the archive has of it, and the thread that it is in. */
public final class PostApi {

  /** Posts of a thread that are shown, the newest ones. */
  private static final int MOST = 1_000;

  private static final Pattern RKEY = Pattern.compile("[a-zA-Z0-9._:~-]{1,512}");

  private final PostSearch search;

  /**
   * A post of a thread. Those of which the archive only knows that others answer them have no text
   * and no time.
   *
   * @param depth how many answers it is away from the first post
   * @param parent the post that it answers; left out for the first
   * @param missing whether the archive does not have it; left out where it does
   */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Node(
      String id,
      int depth,
      String parent,
      String timestamp,
      String username,
      String text,
      Boolean deleted,
      Boolean missing,
      Engagement engagement) {}

  /**
   * A thread.
   *
   * @param root its first post
   * @param posts each behind the post that it answers, answers to one post the earliest first
   * @param capped whether there are more than are shown
   */
  public record Thread(String root, List<Node> posts, boolean capped) {}

  public PostApi(PostSearch search) {
    this.search = requireNonNull(search, "search");
  }

  /** All that the archive has of a post. */
  public PostHistory post(@Header("did") String sentDid, @Header("rkey") String sentRkey) {
    String account = Parameters.ofPath("did", sentDid);
    String rkey = Parameters.ofPath("rkey", sentRkey);
    String did =
        Accounts.DID.matcher(account).matches()
            ? account
            : search
                .didOf(account, Optional.empty())
                .orElseThrow(
                    () ->
                        new ProblemException(
                            Problem.notFound(
                                "did",
                                "The archive knows no account '"
                                    + Parameters.shorten(account)
                                    + "'.",
                                "Give a DID, such as did:plc:…, or a handle that it knows.")));
    Optional<PostHistory> found =
        RKEY.matcher(rkey).matches() ? search.history(did, rkey) : Optional.empty();
    return found.orElseThrow(
        () ->
            new ProblemException(
                Problem.notFound(
                    "rkey",
                    "The archive has no post '" + Parameters.shorten(rkey) + "' of that account.",
                    "Look at /api/v1/completeness: it may be from a time that is not covered.")));
  }

  /** The thread that a post is in. */
  public Thread thread(@Header("did") String account, @Header("rkey") String rkey) {
    PostHistory history = post(account, rkey);
    String root =
        history.versions().stream()
            .filter(version -> version.record() != null)
            .map(version -> version.record().at("/reply/root/uri").asText())
            .filter(uri -> !uri.isEmpty())
            .findFirst()
            .orElse(history.uri());
    PostQuery query =
        new PostQuery(
            new PostFilter.ThreadOf(root),
            Optional.empty(),
            Optional.empty(),
            Deleted.INCLUDE,
            Engaged.ANYHOW,
            Optional.empty());
    List<Post> posts = search.page(query, 0, MOST + 1).posts();
    boolean capped = posts.size() > MOST;
    return new Thread(root, nodes(root, posts.subList(0, Math.min(MOST, posts.size()))), capped);
  }

  /**
   * Each behind the post that it answers. What answers a post that is not there stands behind a
   * stand-in for that, which answers the first; so does what answers itself in a circle.
   */
  private static List<Node> nodes(String root, List<Post> posts) {
    Map<String, Post> known = new HashMap<>();
    posts.forEach(post -> known.put(post.uri(), post));
    Map<String, List<String>> answers = new LinkedHashMap<>();
    Set<String> standIns = new HashSet<>();
    posts.stream()
        .sorted(Comparator.comparing(Post::sortAt).thenComparing(Post::uri))
        .filter(post -> !post.uri().equals(root))
        .forEach(
            post -> {
              String parent = post.parent() == null ? root : post.parent();
              answers.computeIfAbsent(parent, uri -> new ArrayList<>()).add(post.uri());
              if (!known.containsKey(parent) && !parent.equals(root) && standIns.add(parent)) {
                answers.computeIfAbsent(root, uri -> new ArrayList<>()).add(parent);
              }
            });
    List<Node> nodes = new ArrayList<>();
    Set<String> shown = new HashSet<>();
    walk(root, 0, null, answers, known, shown, nodes);
    for (Post post : posts) {
      if (!shown.contains(post.uri())) {
        walk(post.uri(), 1, post.parent(), answers, known, shown, nodes);
      }
    }
    return nodes;
  }

  private record Step(String uri, int depth, String parent) {}

  /** Without recursion: a thread may be as deep as it is long. */
  private static void walk(
      String from,
      int depth,
      String parent,
      Map<String, List<String>> answers,
      Map<String, Post> known,
      Set<String> shown,
      List<Node> nodes) {
    Deque<Step> open = new ArrayDeque<>(List.of(new Step(from, depth, parent)));
    while (!open.isEmpty()) {
      Step step = open.pop();
      if (shown.add(step.uri)) {
        nodes.add(node(step, known.get(step.uri)));
        List<String> next = answers.getOrDefault(step.uri, List.of());
        for (int i = next.size() - 1; i >= 0; i--) {
          open.push(new Step(next.get(i), step.depth + 1, step.uri));
        }
      }
    }
  }

  private static Node node(Step step, Post post) {
    if (post == null) {
      return new Node(step.uri, step.depth, step.parent, null, null, null, null, true, null);
    }
    return new Node(
        step.uri,
        step.depth,
        step.parent,
        Times.write(Times.micros(post.sortAt())),
        SearchApi.username(post),
        post.text(),
        post.deleted() ? true : null,
        null,
        post.engagement());
  }
}
