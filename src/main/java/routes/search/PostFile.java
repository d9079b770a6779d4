package routes.search;

import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.apache.avro.generic.GenericRecord;
import org.apache.lucene.util.FixedBitSet;
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
  private int users = 1;

  /** A version of a post: what is needed to know which of two ends the other. */
  record Version(String did, String rkey, String rev) {

    private static final List<String> COLUMNS = List.of("did", "rkey", "rev");

    private static Version of(GenericRecord row) {
      return new Version(
          row.get("did").toString(), row.get("rkey").toString(), row.get("rev").toString());
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

  /** Rows by their numbers, ascending, as far as answers show them and the filter looks at them. */
  List<PostRow> rows(int[] numbers, PostFilter filter) {
    Set<String> columns = new LinkedHashSet<>(PostRow.SHOWN);
    columns.addAll(filter.columns());
    return rows.read(numbers, List.copyOf(columns)).stream().map(PostRow::of).toList();
  }

  /** Which rows were ended, by what is known so far. */
  EndedRows ended() {
    return ended;
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

  /** Marks the rows that these changes end. */
  void end(Collection<Version> changes) throws IOException {
    FixedBitSet found = new FixedBitSet(index.rows());
    endedBy(changes).forEach(found::set);
    ended.add(found);
  }

  /** The rows that these changes end, those left out that are known to be ended. */
  Set<Integer> endedBy(Collection<Version> changes) throws IOException {
    Map<Integer, List<Version>> suspects = new TreeMap<>();
    for (Version change : changes) {
      for (int row : index.versionsOf(change.did, change.rkey)) {
        if (!ended.contains(row)) {
          suspects.computeIfAbsent(row, number -> new ArrayList<>()).add(change);
        }
      }
    }
    List<Version> versions = versions(List.copyOf(suspects.keySet()));
    Set<Integer> found = new HashSet<>();
    int at = 0;
    for (var suspect : suspects.entrySet()) {
      Version version = versions.get(at++);
      if (suspect.getValue().stream().anyMatch(change -> change.ends(version))) {
        found.add(suspect.getKey());
      }
    }
    return found;
  }

  /** Whether it has that very version of a post, or a change that ends it. */
  boolean hasOrEnds(Version version) throws IOException {
    Set<Integer> rows = new TreeSet<>(index.versionsOf(version.did, version.rkey));
    rows.addAll(
        index.rowsUnder(PostTerms.Type.CHANGED.hashed(PostTerms.key(version.did, version.rkey))));
    List<Integer> numbers = List.copyOf(rows);
    List<GenericRecord> found =
        this.rows.read(
            numbers.stream().mapToInt(Integer::intValue).toArray(),
            List.of("did", "rkey", "rev", "operation"));
    for (GenericRecord row : found) {
      Version other = Version.of(row);
      boolean same =
          other.did.equals(version.did)
              && other.rkey.equals(version.rkey)
              && other.rev.equals(version.rev);
      if (same || !row.get("operation").toString().equals("create") && other.ends(version)) {
        return true;
      }
    }
    return false;
  }

  /** The rows of those authors, deletions left out. */
  Set<Integer> rowNumbersOf(Collection<String> dids) throws IOException {
    Set<Integer> rows = new HashSet<>();
    for (String did : dids) {
      rows.addAll(index.rowsUnder(PostTerms.Type.AUTHOR.hashed(did)));
    }
    return rows;
  }

  /** The rows of those authors, deletions left out. */
  FixedBitSet rowsOf(Collection<String> dids) throws IOException {
    FixedBitSet found = new FixedBitSet(index.rows());
    rowNumbersOf(dids).forEach(found::set);
    return found;
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
