package routes.search;

import java.util.List;
import routes.archive.ArchiveFile;
import routes.archive.DuckDb;

/** Something that holds rows of posts. */
sealed interface Source {

  /** What to select from: a relation with the columns of the table {@code posts}. */
  String relation();

  /** Files that are read from end to end. */
  record Scan(List<ArchiveFile> files) implements Source {

    public Scan {
      files = List.copyOf(files);
    }

    @Override
    public String relation() {
      return DuckDb.from(files);
    }
  }
}
