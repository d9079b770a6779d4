package routes.search;

import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Clock;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import routes.archive.Archive;
import routes.archive.ArchiveFile;
import routes.archive.DuckDb;
import routes.archive.TableName;
import routes.search.Engagement.Kind;

/**
 * Counts how often posts were liked, reposted, answered and quoted, once the dates of both are over
 * and compacted. What one date adds to the posts of one file is kept beside the index of that file,
 * and the sum of all dates: so a new date costs one look at the authors and keys of the posts, and
 * nothing is counted twice, however often this is cut off.
 *
 * <p>A record counts if it was there when its date was last compacted: one that is withdrawn later
 * is taken off when that date is compacted again. What was seen earlier than the date before that
 * of the post is not looked at.
 */
public final class EngagementCounter {

  private static final Logger LOG = LoggerFactory.getLogger(EngagementCounter.class);

  private static final String FOLDER = "engagement";
  private static final String TOTAL = "total";

  private final Archive archive;
  private final DuckDb duckDb;
  private final Clock clock;

  /**
   * What was done.
   *
   * @param dates whose likes, reposts and posts were counted
   * @param files of posts whose engagement is another now
   */
  public record Counted(int dates, int files) {}

  public EngagementCounter(Archive archive, DuckDb duckDb, Clock clock) {
    this.archive = requireNonNull(archive, "archive");
    this.duckDb = requireNonNull(duckDb, "duckDb");
    this.clock = requireNonNull(clock, "clock");
  }

  /** The engagement of a file of posts; empty where it was not counted yet. */
  static Optional<EngagementFile> engagement(ArchiveFile posts) {
    return EngagementFile.open(total(posts), Math.toIntExact(posts.rows()));
  }

  static Path total(ArchiveFile posts) {
    return folder(posts).resolve(TOTAL);
  }

  private static Path folder(ArchiveFile posts) {
    return PostIndexes.folder(posts).resolve(FOLDER);
  }

  /** The files of one date that tell of engagement. */
  private record Sources(
      List<ArchiveFile> likes, List<ArchiveFile> reposts, List<ArchiveFile> posts) {

    private Set<String> names() {
      return Stream.of(likes, reposts, posts)
          .flatMap(List::stream)
          .map(file -> file.path().getFileName().toString())
          .collect(Collectors.toUnmodifiableSet());
    }
  }

  /** Counts what was not counted yet. */
  public Counted run() throws IOException, SQLException {
    Map<LocalDate, List<ArchiveFile>> posts = filesOfDatesOver(TableName.POSTS);
    Map<LocalDate, List<ArchiveFile>> likes = filesOfDatesOver(TableName.LIKES);
    Map<LocalDate, List<ArchiveFile>> reposts = filesOfDatesOver(TableName.REPOSTS);
    Map<LocalDate, Sources> dates = new TreeMap<>();
    Stream.of(posts, likes, reposts)
        .flatMap(table -> table.keySet().stream())
        .distinct()
        .forEach(
            date ->
                dates.put(
                    date,
                    new Sources(
                        likes.getOrDefault(date, List.of()),
                        reposts.getOrDefault(date, List.of()),
                        posts.getOrDefault(date, List.of()))));
    List<ArchiveFile> all =
        posts.values().stream()
            .flatMap(List::stream)
            .filter(file -> Files.isDirectory(PostIndexes.folder(file)))
            .toList();
    int counted = 0;
    for (Map.Entry<LocalDate, Sources> date : dates.entrySet()) {
      counted += count(date.getKey(), date.getValue(), all) ? 1 : 0;
    }
    int changed = 0;
    for (ArchiveFile file : all) {
      changed += sum(file, dates) ? 1 : 0;
    }
    return new Counted(counted, changed);
  }

  private Map<LocalDate, List<ArchiveFile>> filesOfDatesOver(TableName table) {
    LocalDate today = LocalDate.ofInstant(clock.instant(), ZoneOffset.UTC);
    return archive.snapshot(table).files().stream()
        .filter(file -> file.date().isBefore(today))
        .collect(Collectors.groupingBy(ArchiveFile::date));
  }

  private boolean count(LocalDate date, Sources sources, List<ArchiveFile> posts)
      throws IOException, SQLException {
    Set<String> names = sources.names();
    List<ArchiveFile> open =
        posts.stream()
            .filter(file -> tells(date, file) && !part(file, date).equals(Optional.of(names)))
            .toList();
    if (open.isEmpty()) {
      return false;
    }
    long start = System.nanoTime();
    Map<String, EngagementFile.Builder> parts = new HashMap<>();
    for (ArchiveFile file : open) {
      parts.put(
          file.path().toString(), new EngagementFile.Builder(names, Math.toIntExact(file.rows())));
    }
    try (Connection connection = duckDb.connect();
        Statement statement = connection.createStatement();
        ResultSet result = statement.executeQuery(sql(sources, open))) {
      while (result.next()) {
        EngagementFile.Builder part = parts.get(result.getString(1));
        for (Kind kind : Kind.values()) {
          part.add(kind, result.getInt(2), result.getInt(3 + kind.ordinal()));
        }
      }
    }
    for (ArchiveFile file : open) {
      parts
          .get(file.path().toString())
          .write(partOf(file, date), PostIndexes.folder(file).getParent());
    }
    LOG.debug(
        "engagement of date={} files={} ms={}",
        date,
        open.size(),
        (System.nanoTime() - start) / 1_000_000);
    return true;
  }

  /** Whether what was seen on a date may count for a post of that file. */
  private static boolean tells(LocalDate date, ArchiveFile posts) {
    return !date.isBefore(posts.date().minusDays(1));
  }

  private static Path partOf(ArchiveFile posts, LocalDate date) {
    return folder(posts).resolve(date.toString());
  }

  /** From which files a part was made; empty where there is none. */
  private static Optional<Set<String>> part(ArchiveFile posts, LocalDate date) {
    return EngagementFile.open(partOf(posts, date), Math.toIntExact(posts.rows()))
        .map(EngagementFile::sources);
  }

  private static String sql(Sources sources, List<ArchiveFile> posts) {
    List<String> counts = new ArrayList<>();
    counts.add(counts(sources.likes, "subject_uri", Kind.LIKES));
    counts.add(counts(sources.reposts, "subject_uri", Kind.REPOSTS));
    counts.add(counts(sources.posts, "reply_parent_uri", Kind.REPLIES));
    counts.add(counts(sources.posts, "quote_uri", Kind.QUOTES));
    counts.removeIf(String::isEmpty);
    String sums =
        Stream.of(Kind.values())
            .map(kind -> "sum(" + kind.label() + ")::INTEGER AS " + kind.label())
            .collect(Collectors.joining(", "));
    return "SELECT filename, file_row_number, likes, reposts, replies, quotes FROM "
        + DuckDb.numbered(posts)
        + " post JOIN (SELECT uri, "
        + sums
        + " FROM ("
        + String.join(" UNION ALL ", counts)
        + ") GROUP BY uri) engagement"
        + " ON engagement.uri = 'at://' || post.did || '/app.bsky.feed.post/' || post.rkey"
        + " WHERE post.operation <> 'delete' ORDER BY filename, file_row_number";
  }

  private static String counts(List<ArchiveFile> files, String column, Kind counted) {
    if (files.isEmpty()) {
      return "";
    }
    String columns =
        Stream.of(Kind.values())
            .map(kind -> (kind == counted ? "count(*)" : "0") + " AS " + kind.label())
            .collect(Collectors.joining(", "));
    return "SELECT "
        + column
        + " AS uri, "
        + columns
        + " FROM "
        + DuckDb.from(files)
        + " WHERE operation = 'create' AND "
        + column
        + " IS NOT NULL GROUP BY 1";
  }

  /** Makes the sum of all dates, where that is another than before. */
  private static boolean sum(ArchiveFile posts, Map<LocalDate, Sources> dates) throws IOException {
    int rows = Math.toIntExact(posts.rows());
    Map<LocalDate, EngagementFile> parts = new LinkedHashMap<>();
    for (LocalDate date : dates.keySet()) {
      EngagementFile.open(partOf(posts, date), rows).ifPresent(part -> parts.put(date, part));
    }
    removeOthers(posts, parts.keySet());
    Set<String> sources =
        parts.values().stream()
            .flatMap(part -> part.sources().stream())
            .collect(Collectors.toUnmodifiableSet());
    if (engagement(posts).map(EngagementFile::sources).equals(Optional.of(sources))) {
      return false;
    }
    EngagementFile.sumOf(List.copyOf(parts.values()), rows)
        .write(total(posts), PostIndexes.folder(posts).getParent());
    return true;
  }

  /** Removes the parts of dates that are no longer kept. */
  private static void removeOthers(ArchiveFile posts, Set<LocalDate> dates) throws IOException {
    Set<String> kept = dates.stream().map(LocalDate::toString).collect(Collectors.toSet());
    kept.add(TOTAL);
    if (Files.isDirectory(folder(posts))) {
      try (Stream<Path> files = Files.list(folder(posts))) {
        for (Path file : files.toList()) {
          if (!kept.contains(file.getFileName().toString())) {
            Files.delete(file);
          }
        }
      }
    }
  }
}
