package routes.api;

import static java.util.Objects.requireNonNull;

import java.time.Instant;
import java.util.Optional;
import java.util.regex.Pattern;
import routes.identity.HandleResolver;
import routes.search.PostSearch;

/** Who is meant: by what the archive knows first, else by what the network says. */
public final class Accounts {

  private static final Pattern HANDLE = Pattern.compile("@?[a-zA-Z0-9._-]{1,253}");
  static final Pattern DID = Pattern.compile("did:[a-z]{1,20}:[a-zA-Z0-9._:%-]{1,2000}");

  private final PostSearch search;
  private final HandleResolver network;

  public Accounts(PostSearch search, HandleResolver network) {
    this.search = requireNonNull(search, "search");
    this.network = requireNonNull(network, "network");
  }

  /**
   * An account asked for.
   *
   * @param did empty where that is not known
   * @param notice why not; null where it is
   */
  record Found(Optional<String> did, String notice) {}

  /**
   * @param parameter that the name was given as
   * @param name a handle or a DID
   * @param at when it had that handle; empty for now
   * @throws ProblemException when it is neither
   */
  Found find(String parameter, String name, Optional<Instant> at) {
    if (DID.matcher(name).matches()) {
      return new Found(Optional.of(name), null);
    }
    if (!HANDLE.matcher(name).matches()) {
      throw new ProblemException(
          Problem.badParameter(
              parameter,
              "'" + Parameters.shorten(name) + "' is neither a handle nor a DID.",
              "Write a handle such as alice.bsky.social, or a DID such as did:plc:z72i7hdynmk6r22z27h6tvur."));
    }
    String handle = name.startsWith("@") ? name.substring(1) : name;
    Optional<String> did = search.didOf(handle, at);
    if (did.isPresent()) {
      return new Found(did, null);
    }
    try {
      did = network.didOf(handle);
      return new Found(
          did, did.isPresent() ? null : "Nobody is known under the handle " + handle + ".");
    } catch (HandleResolver.Unreachable e) {
      return new Found(
          did,
          "The archive does not know the handle "
              + handle
              + ", and the network could not be asked: "
              + e.getMessage()
              + ".");
    }
  }

  /**
   * A handle asked for.
   *
   * @param handle empty where none is known
   * @param notice why not; null where one is known, or where nobody was asked
   */
  record Named(Optional<String> handle, String notice) {}

  /** The handle of an account of which the archive knows none. */
  Named handleOf(String did) {
    try {
      return new Named(network.handleOf(did), null);
    } catch (HandleResolver.Unreachable e) {
      return new Named(
          Optional.empty(),
          "The archive knows no handle of that account, and the network could not be asked: "
              + e.getMessage()
              + ".");
    }
  }
}
