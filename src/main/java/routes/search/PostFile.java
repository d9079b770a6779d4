package routes.search;

import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.apache.avro.generic.GenericRecord;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import routes.archive.ArchiveFile;
import routes.archive.RowReader;
import routes.archive.TableName;

/** A data file of posts with its index, and which of its rows were ended by a later change. */
final class PostFile implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(PostFile.class);

  private final ArchiveFile file;
  private final PostIndex index;
  private final RowReader rows;
  private final EndedRows ended;
  private volatile Optional<EngagementFile> engagement = Optional.empty();
  private Object engagementKey;
  private int users = 1;

  /** A version of a post, or its deletion: what is needed to know which of two ends the other. */
  record Version(String did, String rkey, String rev, String operation) {

    static final List<String> COLUMNS = List.of("did", "rkey", "rev", "operation");

    private static Version of(GenericRecord row) {
      return new Version(
          row.get("did").toString(),
          row.get("rkey").toString(),
          row.get("rev").toString(),
          row.get("operation").toString());
    }

    static Version of(PostRow row) {
      return new Version(row.did(), row.rkey(), row.rev(), row.operation());
    }

    private boolean isChange() {
      return !operation.equals("create");
    }

    private boolean isDelete() {
      return operation.equals("delete");
    }

    private boolean isSame(Version other) {
      return did.equals(other.did) && rkey.equals(other.rkey) && rev.equals(other.rev);
    }

    private boolean ends(Version other) {
      return did.equals(other.did) && rkey.equals(other.rkey) && rev.compareTo(other.rev) > 0;
    }
  }

  PostFile(ArchiveFile file, PostIndex index) throws IOException {
    this.file = requireNonNull(file, "file");
    this.index = requireNonNull(index, "index");
    this.rows = new RowReader(TableName.POSTS, file);
    this.ended = EndedRows.open(PostIndexes.folder(file), index.rows());
  }

  ArchiveFile file() {
    return file;
  }

  PostIndex index() {
    return index;
  }

  /**
   * Rows by their numbers, ascending, as far as answers show them and the filter looks at them.
   *
   * @param shown columns that answers show
   */
  List<PostRow> rows(int[] numbers, Collection<String> shown, PostFilter filter) {
    Set<String> columns = new LinkedHashSet<>(shown);
    columns.addAll(filter.columns());
    return read(numbers, columns);
  }

  /** Rows by their numbers, ascending, with these columns. */
  List<PostRow> read(int[] numbers, Collection<String> columns) {
    return rows.read(numbers, List.copyOf(columns)).stream().map(PostRow::of).toList();
  }

  /** Which rows were ended, by what is known so far. */
  EndedRows ended() {
    return ended;
  }

  /** What is known of the engagement of its rows. */
  Optional<EngagementFile> engagement() {
    return engagement;
  }

  /** Reads their engagement again, where it was counted since. */
  void readEngagement() throws IOException {
    Path total = EngagementCounter.total(file);
    Object key =
        Files.exists(total) ? Files.readAttributes(total, BasicFileAttributes.class).fileKey() : "";
    if (!key.equals(engagementKey)) {
      engagement = EngagementCounter.engagement(file);
      engagementKey = key;
    }
  }

  /** How many rows change or delete a post. */
  int changeCount() throws IOException {
    return index.rowsWith(PostTerms.Type.CHANGED.term(""));
  }

  /** The rows that change or delete posts. */
  List<Version> changes() throws IOException {
    return versions(index.rowsUnder(PostTerms.Type.CHANGED.term("")));
  }

  /** The rows that change or delete one of the posts of which a small file has a version. */
  List<Version> changesOf(PostFile small) throws IOException {
    List<Integer> found = new ArrayList<>();
    for (Version version : small.versions(small.index.rowsUnder(PostTerms.Type.POST.term("")))) {
      found.addAll(
          index.rowsUnder(PostTerms.Type.CHANGED.hashed(PostTerms.key(version.did, version.rkey))));
    }
    return versions(found.stream().distinct().sorted().toList());
  }

  private List<Version> versions(List<Integer> numbers) {
    return rows
        .read(numbers.stream().mapToInt(Integer::intValue).toArray(), Version.COLUMNS)
        .stream()
        .map(Version::of)
        .toList();
  }

  /**
   * Marks the rows that changes end.
   *
   * @param name of the file that they are in
   */
  void end(String name, Collection<Version> changes) throws IOException {
    ended.add(name, endedBy(changes, false));
  }

  /** The rows that these changes end, those left out of which that is known. */
  EndedRows.Found endedBy(Collection<Version> changes) throws IOException {
    return endedBy(changes, true);
  }

  private EndedRows.Found endedBy(Collection<Version> changes, boolean newOnly) throws IOException {
    Map<Integer, List<Version>> suspects = new TreeMap<>();
    for (Version change : changes) {
      for (int row : index.versionsOf(change.did, change.rkey)) {
        if (!newOnly || !ended.contains(row, !change.isDelete())) {
          suspects.computeIfAbsent(row, number -> new ArrayList<>()).add(change);
        }
      }
    }
    List<Version> versions = versions(List.copyOf(suspects.keySet()));
    Set<Integer> found = new HashSet<>();
    Set<Integer> older = new HashSet<>();
    int at = 0;
    for (var suspect : suspects.entrySet()) {
      Version version = versions.get(at++);
      for (Version change : suspect.getValue()) {
        if (change.ends(version)) {
          found.add(suspect.getKey());
          if (!change.isDelete()) {
            older.add(suspect.getKey());
          }
        }
      }
    }
    return new EndedRows.Found(found, older);
  }

  /** What a file says of a version that came after it. */
  enum Saying {
    NOTHING,
    /** That it was deleted before it came. */
    DELETED,
    /** That it is there already, or that a later version is. */
    KNOWN
  }

  /**
   * A row.
   *
   * @param number its place in the file
   */
  record Numbered(int number, GenericRecord values) {}

  /** Every version of a post, and its deletions, with these columns. */
  List<Numbered> versionsOf(String did, String rkey, List<String> columns) throws IOException {
    List<Integer> numbers = rowsAbout(did, rkey);
    List<GenericRecord> values =
        rows.read(numbers.stream().mapToInt(Integer::intValue).toArray(), columns);
    List<Numbered> versions = new ArrayList<>();
    for (int i = 0; i < values.size(); i++) {
      if (isOf(values.get(i), did, rkey)) {
        versions.add(new Numbered(numbers.get(i), values.get(i)));
      }
    }
    return versions;
  }

  /** Whether a row is of that post. */
  static boolean isOf(GenericRecord row, String did, String rkey) {
    return row.get("did").toString().equals(did) && row.get("rkey").toString().equals(rkey);
  }

  /** Rows that may be versions or deletions of a post, ascending. */
  private List<Integer> rowsAbout(String did, String rkey) throws IOException {
    Set<Integer> found = new TreeSet<>(index.versionsOf(did, rkey));
    found.addAll(index.rowsUnder(PostTerms.Type.CHANGED.hashed(PostTerms.key(did, rkey))));
    return List.copyOf(found);
  }

  /** What it says of that version of a post. */
  Saying about(Version version) throws IOException {
    List<Integer> numbers = rowsAbout(version.did, version.rkey);
    Saying saying = Saying.NOTHING;
    for (Version other : versions(numbers)) {
      if (other.isSame(version) || other.isChange() && !other.isDelete() && other.ends(version)) {
        return Saying.KNOWN;
      }
      if (other.isDelete() && other.ends(version)) {
        saying = Saying.DELETED;
      }
    }
    return saying;
  }

  /** The rows of those authors, deletions left out. */
  Set<Integer> rowNumbersOf(Collection<String> dids) throws IOException {
    Set<Integer> rows = new HashSet<>();
    for (String did : dids) {
      rows.addAll(index.rowsUnder(PostTerms.Type.AUTHOR.hashed(did)));
    }
    return rows;
  }

  /** To be called while somebody holds it. */
  synchronized void hold() {
    users++;
  }

  /** Closes it when nobody else holds it. */
  @Override
  public synchronized void close() {
    if (--users == 0) {
      try {
        ended.saveAll();
      } catch (IOException e) {
        LOG.debug("What ended rows of {} is looked for again at the next start", file.path(), e);
      }
      try {
        index.close();
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }
}
