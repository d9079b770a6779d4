package routes.api;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.camel.Exchange;
import org.apache.camel.Header;
import routes.search.Post;
import routes.search.PostQuery;
import routes.search.PostSearch;
import routes.search.PostWatch;

/** {@code /api/v1/stream}: new posts that match a query, as server-sent events. */
public final class StreamApi {

  private static final Set<String> NAMES =
      Stream.concat(PostParameters.NAMES.stream(), Stream.of("fields"))
          .collect(Collectors.toUnmodifiableSet());

  /** A sign of life after so long without a post: proxies end what is silent. */
  private static final Duration SILENCE = Duration.ofSeconds(15);

  private final PostSearch search;
  private final PostParameters postParameters;

  public StreamApi(PostSearch search, PostParameters postParameters) {
    this.search = requireNonNull(search, "search");
    this.postParameters = requireNonNull(postParameters, "postParameters");
  }

  /** Posts as events, until it is closed. */
  public InputStream stream(@Header(Exchange.HTTP_QUERY) String query) {
    Parameters parameters = new Parameters(query, NAMES);
    List<PostColumn> columns = PostColumn.read(parameters, PostColumn.SHORT);
    for (String name : parameters.all().keySet()) {
      if (name.equals("pin") || name.equals("deleted") || name.startsWith("min_")) {
        throw new ProblemException(
            Problem.badParameter(
                name, "It says nothing of posts that are yet to come.", "Leave it out."));
      }
    }
    Optional<PostQuery> asked = postParameters.read(parameters).query();
    return new Events(
        search.watch(
            asked.orElseThrow(
                () ->
                    new ProblemException(
                        Problem.badParameter(
                            "username",
                            "Nobody is known under that handle, so that no post can come.",
                            "Give a DID, or a handle that somebody has.")))),
        columns);
  }

  /** What is sent; each read waits for the next post. */
  private static final class Events extends InputStream {

    private final PostWatch watch;
    private final List<PostColumn> columns;
    private InputStream ready =
        new ByteArrayInputStream("retry: 5000\n: watching\n\n".getBytes(UTF_8));
    private boolean closed;

    Events(PostWatch watch, List<PostColumn> columns) {
      this.watch = watch;
      this.columns = columns;
    }

    @Override
    public int read() throws IOException {
      byte[] one = new byte[1];
      return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] bytes, int offset, int length) throws IOException {
      if (length == 0) {
        return 0;
      }
      int read = ready.read(bytes, offset, length);
      if (read < 0 && !closed && !watch.isEnded()) {
        ready = new ByteArrayInputStream(next());
        read = ready.read(bytes, offset, length);
      }
      return read;
    }

    private byte[] next() throws IOException {
      try {
        Optional<Post> post = watch.next(SILENCE);
        ByteArrayOutputStream event = new ByteArrayOutputStream();
        long missed = watch.missed();
        if (missed > 0) {
          event.writeBytes(("event: missed\ndata: " + missed + "\n\n").getBytes(UTF_8));
        }
        if (post.isPresent()) {
          event.writeBytes("event: post\ndata: ".getBytes(UTF_8));
          event.writeBytes(JsonPosts.line(post.get(), columns));
          event.writeBytes("\n\n".getBytes(UTF_8));
        } else {
          event.writeBytes(": still here\n\n".getBytes(UTF_8));
        }
        return event.toByteArray();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IOException("interrupted while it waited for a post", e);
      }
    }

    @Override
    public void close() {
      if (!closed) {
        closed = true;
        watch.close();
      }
    }
  }
}
