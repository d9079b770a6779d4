package routes.archive;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.apache.iceberg.ManifestFile;
import org.apache.iceberg.ManifestFiles;
import org.apache.iceberg.ReachableFileUtil;
import org.apache.iceberg.Snapshot;
import org.apache.iceberg.Table;
import org.apache.iceberg.io.CloseableIterable;

/** What a table consists of. */
final class ReachableFiles {

  private ReachableFiles() {}

  /**
   * Every file that a snapshot of the table needs, or its metadata names, there or not; with the
   * files of their checksums.
   */
  static Set<Path> of(Table table) throws IOException {
    Set<Path> needed = new HashSet<>();
    List<String> metadata = new ArrayList<>();
    metadata.addAll(ReachableFileUtil.metadataFileLocations(table, false));
    metadata.addAll(ReachableFileUtil.manifestListLocations(table));
    Set<String> manifests = new HashSet<>();
    for (Snapshot snapshot : table.snapshots()) {
      for (ManifestFile manifest : snapshot.allManifests(table.io())) {
        if (manifests.add(manifest.path())) {
          try (CloseableIterable<String> paths =
              ManifestFiles.readPaths(manifest, table.io(), table.specs())) {
            for (String path : paths) {
              needed.add(real(path));
            }
          }
        }
      }
    }
    metadata.addAll(manifests);
    for (String location : metadata) {
      Path file = real(location);
      needed.add(file);
      needed.add(LocalFileIO.checksumFile(file));
    }
    return needed;
  }

  /** Where a file is, whatever links lead there. */
  private static Path real(String location) throws IOException {
    Path file = LocalFileIO.path(location);
    return Files.exists(file) ? file.toRealPath() : file;
  }
}
