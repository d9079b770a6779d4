package routes.archive;

import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.Collectors;
import org.apache.iceberg.AppendFiles;
import org.apache.iceberg.CatalogProperties;
import org.apache.iceberg.DataFile;
import org.apache.iceberg.DataOperations;
import org.apache.iceberg.DeleteFiles;
import org.apache.iceberg.FileScanTask;
import org.apache.iceberg.OverwriteFiles;
import org.apache.iceberg.PartitionSpec;
import org.apache.iceberg.RewriteFiles;
import org.apache.iceberg.Schema;
import org.apache.iceberg.Snapshot;
import org.apache.iceberg.SnapshotAncestryValidator;
import org.apache.iceberg.Table;
import org.apache.iceberg.TableProperties;
import org.apache.iceberg.UpdateProperties;
import org.apache.iceberg.UpdateSchema;
import org.apache.iceberg.avro.AvroSchemaUtil;
import org.apache.iceberg.catalog.Namespace;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.exceptions.AlreadyExistsException;
import org.apache.iceberg.exceptions.CommitFailedException;
import org.apache.iceberg.exceptions.ValidationException;
import org.apache.iceberg.io.CloseableIterable;
import org.apache.iceberg.jdbc.JdbcCatalog;
import org.apache.iceberg.types.Conversions;
import org.apache.iceberg.types.Types;
import org.apache.iceberg.util.ThreadPools;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import routes.buffer.StreamId;
import routes.crash.CrashPoint;

/**
 * The Iceberg tables, a folder each, and their catalog.
 *
 * <p>{@code archive/<table>/data/date=YYYY-MM-DD/*.parquet} and {@code archive/<table>/metadata/}
 * below the data folder; the catalog is the SQLite file {@code catalog.sqlite} beside them. Every
 * commit says how far its table has come ({@link ArchivePosition}), and is made only on top of the
 * commit that it was prepared for.
 */
public final class Archive implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(Archive.class);

  private static final Namespace NAMESPACE = Namespace.of("explorer");
  private static final String PARTITION = "date";

  /** Lists of files that a table has, about: each is a file that is read to list them all. */
  private static final String MOST_MANIFESTS = "16";

  /** Property of a table. */
  private static final String KEPT_FROM = "explorer.kept-from";

  private final JdbcCatalog catalog = new JdbcCatalog();

  /** In place of Iceberg's own, which ends at once when the process is asked to end. */
  private final ExecutorService workers =
      Executors.newFixedThreadPool(2, Thread.ofPlatform().daemon().name("archive-", 1).factory());

  private final Path folder;
  private final Map<TableName, Table> tables = new EnumMap<>(TableName.class);
  private final Map<TableName, TableSnapshot> snapshots = new EnumMap<>(TableName.class);

  private Archive(Path folder) {
    this.folder = folder;
  }

  /**
   * Opens the archive of a data folder; makes what is missing.
   *
   * @param dataFolder for example {@code ./data}
   */
  public static Archive open(Path dataFolder) {
    return open(dataFolder, true);
  }

  /**
   * Opens the archive of a data folder as it is.
   *
   * @throws IllegalArgumentException when there is none
   */
  static Archive openExisting(Path dataFolder) {
    if (!Files.exists(dataFolder.resolve("catalog.sqlite"))) {
      throw new IllegalArgumentException(
          "there is no archive in "
              + dataFolder.toAbsolutePath().normalize()
              + ": name its folder with --explorer.data-dir");
    }
    return open(dataFolder, false);
  }

  private static Archive open(Path dataFolder, boolean mayChange) {
    requireNonNull(dataFolder, "dataFolder");
    try {
      Path folder = Files.createDirectories(dataFolder.resolve("archive")).toRealPath();
      // Registers its shutdown hook when first used: too late for a commit during the shutdown.
      requireNonNull(ThreadPools.getWorkerPool());
      Archive archive = new Archive(folder);
      archive.openCatalog(folder.resolveSibling("catalog.sqlite"));
      for (TableName table : TableName.values()) {
        archive.tables.put(table, archive.openTable(table, mayChange));
      }
      return archive;
    } catch (IOException e) {
      throw new UncheckedIOException(
          "the archive below " + dataFolder + " cannot be opened: " + e.getMessage(), e);
    }
  }

  private void openCatalog(Path file) {
    catalog.initialize(
        "explorer",
        Map.of(
            CatalogProperties.URI,
            "jdbc:sqlite:" + file + "?journal_mode=WAL&synchronous=FULL&busy_timeout=60000",
            CatalogProperties.WAREHOUSE_LOCATION,
            folder.toString(),
            CatalogProperties.FILE_IO_IMPL,
            LocalFileIO.class.getName(),
            "jdbc.schema-version",
            "V1"));
    try {
      if (!catalog.namespaceExists(NAMESPACE)) {
        catalog.createNamespace(NAMESPACE);
      }
    } catch (AlreadyExistsException e) {
      LOG.debug("Made by another instance meanwhile", e);
    }
  }

  private Table openTable(TableName name, boolean mayChange) {
    TableIdentifier id = TableIdentifier.of(NAMESPACE, name.label());
    Schema schema = AvroSchemaUtil.toIceberg(name.schema());
    if (mayChange && !catalog.tableExists(id)) {
      try {
        return catalog
            .buildTable(id, schema)
            .withLocation(folder.resolve(name.label()).toString())
            .withPartitionSpec(PartitionSpec.builderFor(schema).day("time_us", PARTITION).build())
            .withProperties(properties(schema))
            .withProperty(TableProperties.FORMAT_VERSION, "2")
            .create();
      } catch (AlreadyExistsException e) {
        LOG.debug("Made by another instance meanwhile", e);
      }
    }
    Table table = catalog.loadTable(id);
    if (mayChange) {
      addMissingColumns(table, name.schema());
      setMissingProperties(table, properties(schema));
    }
    return table;
  }

  /**
   * Only the columns by which files are chosen have their least and greatest value in the metadata.
   */
  private static Map<String, String> properties(Schema schema) {
    Map<String, String> properties = new HashMap<>();
    properties.put(TableProperties.DEFAULT_WRITE_METRICS_MODE, "counts");
    for (String column : List.of("time_us", "rev", "sort_at")) {
      if (schema.findField(column) != null) {
        properties.put(TableProperties.METRICS_MODE_COLUMN_CONF_PREFIX + column, "full");
      }
    }
    properties.put(TableProperties.MANIFEST_MIN_MERGE_COUNT, MOST_MANIFESTS);
    properties.put(TableProperties.METADATA_DELETE_AFTER_COMMIT_ENABLED, "true");
    properties.put(TableProperties.METADATA_PREVIOUS_VERSIONS_MAX, "20");
    return properties;
  }

  /** A newer version may have columns that the table has not; old files then have null there. */
  private static void addMissingColumns(Table table, org.apache.avro.Schema schema) {
    boolean complete =
        schema.getFields().stream()
            .allMatch(field -> table.schema().findField(field.name()) != null);
    if (!complete) {
      UpdateSchema update = table.updateSchema();
      Schema wanted = AvroSchemaUtil.toIceberg(schema);
      for (Types.NestedField field : wanted.columns()) {
        if (table.schema().findField(field.name()) == null) {
          update.addColumn(field.name(), field.type(), field.doc());
        }
      }
      update.commit();
    }
  }

  /** A newer version may have properties that the table has not. */
  private static void setMissingProperties(Table table, Map<String, String> wanted) {
    Map<String, String> missing = new HashMap<>(wanted);
    missing.keySet().removeAll(table.properties().keySet());
    if (!missing.isEmpty()) {
      UpdateProperties update = table.updateProperties();
      missing.forEach(update::set);
      update.commit();
    }
  }

  Table table(TableName name) {
    return tables.get(name);
  }

  /** Where the tables are. */
  public Path folder() {
    return folder;
  }

  /**
   * How far the archive has come in all its tables; empty before the first batch. The ledger is
   * committed last in every batch, so its position is that of the whole.
   */
  public Optional<ArchivePosition> position() {
    return position(TableName.LEDGER);
  }

  /**
   * How far one table has come by its own newest commit. A batch without rows for a table leaves it
   * alone, so it may be behind.
   */
  Optional<ArchivePosition> position(TableName name) {
    return refreshed(name) instanceof Snapshot snapshot
        ? Optional.of(positionOf(name, snapshot))
        : Optional.empty();
  }

  /** The table as it is now. Cheap where nothing was committed since. */
  public TableSnapshot snapshot(TableName name) {
    Snapshot current = refreshed(name);
    long id = current == null ? 0 : current.snapshotId();
    synchronized (snapshots) {
      TableSnapshot known = snapshots.get(name);
      if (known != null && known.id() == id) {
        return known;
      }
    }
    TableSnapshot snapshot = list(name, current);
    synchronized (snapshots) {
      snapshots.put(name, snapshot);
    }
    return snapshot;
  }

  /** The ledger as it was when these rows were committed; empty when it is no longer kept. */
  public TableSnapshot ledgerOf(TableSnapshot rows) {
    StreamId entry = rows.position().map(ArchivePosition::streamId).orElse(StreamId.ZERO);
    Table table = tables.get(TableName.LEDGER);
    Snapshot ledger = refreshed(TableName.LEDGER);
    while (ledger != null && positionOf(TableName.LEDGER, ledger).streamId().isAfter(entry)) {
      ledger = ledger.parentId() == null ? null : table.snapshot(ledger.parentId());
    }
    return list(TableName.LEDGER, ledger);
  }

  /** The table as it was at a commit; empty when that is not kept. 0 is before the first commit. */
  public Optional<TableSnapshot> snapshot(TableName name, long id) {
    Snapshot current = refreshed(name);
    if (id == 0) {
      return Optional.of(list(name, null));
    }
    if (current != null && current.snapshotId() == id) {
      return Optional.of(snapshot(name));
    }
    return Optional.ofNullable(tables.get(name).snapshot(id)).map(kept -> list(name, kept));
  }

  private Snapshot refreshed(TableName name) {
    Table table = tables.get(name);
    synchronized (table) {
      table.refresh();
      return table.currentSnapshot();
    }
  }

  private TableSnapshot list(TableName name, Snapshot commit) {
    if (commit == null) {
      return new TableSnapshot(name, 0, null, Optional.empty(), List.of());
    }
    Table table = tables.get(name);
    List<ArchiveFile> files = new ArrayList<>();
    try (CloseableIterable<FileScanTask> tasks =
        table
            .newScan()
            .planWith(workers)
            .useSnapshot(commit.snapshotId())
            .includeColumnStats()
            .planFiles()) {
      tasks.forEach(task -> files.add(file(table.schema(), task.file())));
    } catch (IOException e) {
      throw new UncheckedIOException("the list of files of " + name.label() + " cannot be read", e);
    }
    return new TableSnapshot(
        name,
        commit.snapshotId(),
        Instant.ofEpochMilli(commit.timestampMillis()),
        Optional.of(positionOf(name, commit)),
        files);
  }

  /** What a file is that is about to be committed. */
  ArchiveFile file(TableName name, DataFile file) {
    return file(tables.get(name).schema(), file);
  }

  private static ArchiveFile file(Schema schema, DataFile file) {
    ArchiveFile.Range range =
        new ArchiveFile.Range(
            (Long) bound(schema, file.lowerBounds(), "time_us"),
            (Long) bound(schema, file.upperBounds(), "time_us"),
            Objects.toString(bound(schema, file.lowerBounds(), "rev"), null),
            Objects.toString(bound(schema, file.upperBounds(), "rev"), null),
            (Long) bound(schema, file.lowerBounds(), "sort_at"),
            (Long) bound(schema, file.upperBounds(), "sort_at"));
    LocalDate date = LocalDate.ofEpochDay(file.partition().get(0, Integer.class));
    return new ArchiveFile(
        LocalFileIO.path(file.location()), date, file.recordCount(), file.fileSizeInBytes(), range);
  }

  /** The files that batches have added to a table since that entry of the stream. */
  List<ArchiveFile> filesSince(TableName name, StreamId entry) {
    Table table = tables.get(name);
    List<ArchiveFile> files = new ArrayList<>();
    Snapshot snapshot = refreshed(name);
    while (snapshot != null && positionOf(name, snapshot).streamId().isAfter(entry)) {
      if (snapshot.operation().equals(DataOperations.APPEND)) {
        snapshot.addedDataFiles(table.io()).forEach(file -> files.add(file(table.schema(), file)));
      }
      snapshot = snapshot.parentId() == null ? null : table.snapshot(snapshot.parentId());
    }
    return files;
  }

  private static Object bound(Schema schema, Map<Integer, ByteBuffer> bounds, String column) {
    Types.NestedField field = schema.findField(column);
    ByteBuffer bound = field == null || bounds == null ? null : bounds.get(field.fieldId());
    return bound == null ? null : Conversions.fromByteBuffer(field.type(), bound);
  }

  /**
   * Commits files to a table, and with them how far it has come.
   *
   * @param from the position that the files were made on top of
   * @param to how far the table comes by this commit; its edition stays that of {@code from}
   * @return the position committed
   * @throws LostRace when the table is no longer there: somebody else committed meanwhile
   */
  ArchivePosition append(
      TableName name, List<DataFile> files, Optional<ArchivePosition> from, ArchivePosition to)
      throws LostRace {
    AppendFiles append =
        tables.get(name).newAppend().scanManifestsWith(workers).writeManifestsWith(workers, 1);
    files.forEach(append::appendFile);
    ArchivePosition position = to.ofEdition(from.map(ArchivePosition::edition).orElse(0L));
    position.writeTo(append);
    append.validateWith(startsAt(name, from));
    try {
      append.commit();
    } catch (ValidationException | CommitFailedException e) {
      throw new LostRace(name, e);
    }
    CrashPoint.TABLE_COMMITTED.pass();
    return position;
  }

  /**
   * Adds rows in another way than by a drain: the table stays where it is, and becomes another
   * edition, so that a drain under way looks again.
   *
   * @param from the position that the files were made on top of; null for a table without a commit
   * @param archive how far the whole archive has come
   */
  void insert(TableName name, List<DataFile> files, ArchivePosition from, ArchivePosition archive)
      throws LostRace {
    AppendFiles append =
        tables.get(name).newAppend().scanManifestsWith(workers).writeManifestsWith(workers, 1);
    files.forEach(append::appendFile);
    ArchivePosition at = from == null ? archive.ofEdition(0) : from;
    at.ofEdition(at.edition() + 1).writeTo(append);
    append.validateWith(startsAt(name, Optional.ofNullable(from)));
    try {
      append.commit();
    } catch (ValidationException | CommitFailedException e) {
      throw new LostRace(name, e);
    }
  }

  /**
   * Puts files in the place of others that have other rows: another edition.
   *
   * @param snapshot that the files were made on top of
   */
  void replaceRows(TableName name, List<DataFile> replaced, List<DataFile> replacing, long snapshot)
      throws LostRace {
    OverwriteFiles overwrite =
        tables.get(name).newOverwrite().scanManifestsWith(workers).writeManifestsWith(workers, 1);
    replaced.forEach(overwrite::deleteFile);
    replacing.forEach(overwrite::addFile);
    ArchivePosition at = positionOf(name, tables.get(name).snapshot(snapshot));
    at.ofEdition(at.edition() + 1).writeTo(overwrite);
    overwrite.validateWith(isStill(name, snapshot));
    try {
      overwrite.commit();
    } catch (ValidationException | CommitFailedException e) {
      throw new LostRace(name, e);
    }
  }

  /**
   * Puts files in the place of others that have the same rows. What others commit meanwhile is no
   * hindrance: the newest position is carried on, and the commit tried again on top of it.
   *
   * @throws LostRace when another instance has replaced one of the files meanwhile
   */
  void rewrite(TableName name, List<DataFile> replaced, List<DataFile> replacing) throws LostRace {
    while (true) {
      Snapshot current = refreshed(name);
      ArchivePosition at = positionOf(name, current);
      RewriteFiles rewrite =
          tables.get(name).newRewrite().scanManifestsWith(workers).writeManifestsWith(workers, 1);
      replaced.forEach(rewrite::deleteFile);
      replacing.forEach(rewrite::addFile);
      // Without it Iceberg looks back to the first commit, and fails when that is forgotten.
      rewrite.validateFromSnapshot(current.snapshotId());
      at.writeTo(rewrite);
      rewrite.validateWith(startsAt(name, Optional.of(at)));
      try {
        rewrite.commit();
        return;
      } catch (ValidationException | CommitFailedException e) {
        if (!areLive(name, replaced)) {
          throw new LostRace(name, e);
        }
        if (refreshed(name).snapshotId() == current.snapshotId()) {
          throw e;
        }
        LOG.debug("Others have committed meanwhile: once more, on top of it", e);
      }
    }
  }

  private boolean areLive(TableName name, List<DataFile> files) {
    Set<Path> live =
        snapshot(name).files().stream().map(ArchiveFile::path).collect(Collectors.toSet());
    return files.stream().allMatch(file -> live.contains(LocalFileIO.path(file.location())));
  }

  /**
   * Removes files and their rows. The table says from then on since which date it is kept.
   *
   * @param keptFrom the first date of which all is kept
   * @throws LostRace when another instance has replaced one of the files meanwhile
   */
  void remove(TableName name, List<DataFile> files, LocalDate keptFrom) throws LostRace {
    Table table = tables.get(name);
    refreshed(name);
    if (keptFrom(name).filter(date -> !date.isBefore(keptFrom)).isEmpty()) {
      table.updateProperties().set(KEPT_FROM, keptFrom.toString()).commit();
    }
    while (true) {
      ArchivePosition at = position(name).orElseThrow();
      DeleteFiles delete =
          table
              .newDelete()
              .validateFilesExist()
              .scanManifestsWith(workers)
              .writeManifestsWith(workers, 1);
      files.forEach(delete::deleteFile);
      at.writeTo(delete);
      delete.validateWith(startsAt(name, Optional.of(at)));
      try {
        delete.commit();
        CrashPoint.DATES_REMOVED.pass();
        return;
      } catch (ValidationException | CommitFailedException e) {
        if (position(name).equals(Optional.of(at))) {
          throw new LostRace(name, e);
        }
        LOG.debug("A drain has committed meanwhile: once more, on top of it", e);
      }
    }
  }

  /**
   * The first date of which a table is kept, by what was read of it last; empty where nothing was
   * ever removed.
   */
  public Optional<LocalDate> keptFrom(TableName name) {
    return Optional.ofNullable(tables.get(name).properties().get(KEPT_FROM)).map(LocalDate::parse);
  }

  /** What Iceberg knows of these files, those that are live in that snapshot. */
  List<DataFile> dataFiles(TableName name, long snapshot, Collection<ArchiveFile> wanted) {
    Set<Path> paths = wanted.stream().map(ArchiveFile::path).collect(Collectors.toSet());
    List<DataFile> files = new ArrayList<>();
    try (CloseableIterable<FileScanTask> tasks =
        tables.get(name).newScan().planWith(workers).useSnapshot(snapshot).planFiles()) {
      for (FileScanTask task : tasks) {
        if (paths.contains(LocalFileIO.path(task.file().location()))) {
          files.add(task.file().copy());
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException("the files of " + name.label() + " cannot be listed", e);
    }
    return files;
  }

  private static SnapshotAncestryValidator isStill(TableName name, long snapshot) {
    return new SnapshotAncestryValidator() {
      @Override
      public boolean validate(Iterable<Snapshot> newestFirst) {
        var ancestors = newestFirst.iterator();
        return ancestors.hasNext() && ancestors.next().snapshotId() == snapshot;
      }

      @Override
      public String errorMessage() {
        return name.label() + " has another snapshot than " + snapshot + " by now";
      }
    };
  }

  /**
   * The fence: checked by Iceberg at the commit itself, against the newest snapshot of that moment.
   */
  private static SnapshotAncestryValidator startsAt(
      TableName name, Optional<ArchivePosition> from) {
    return new SnapshotAncestryValidator() {
      @Override
      public boolean validate(Iterable<Snapshot> newestFirst) {
        var ancestors = newestFirst.iterator();
        Optional<ArchivePosition> newest =
            ancestors.hasNext()
                ? Optional.of(positionOf(name, ancestors.next()))
                : Optional.empty();
        return newest.equals(from);
      }

      @Override
      public String errorMessage() {
        return name.label() + " is no longer at " + from;
      }
    };
  }

  private static ArchivePosition positionOf(TableName name, Snapshot snapshot) {
    return ArchivePosition.in(snapshot.summary())
        .orElseThrow(
            () ->
                new IllegalStateException(
                    "snapshot "
                        + snapshot.snapshotId()
                        + " of "
                        + name.label()
                        + " has no position: something else wrote to this table"));
  }

  /**
   * Forgets snapshots older than {@code age}, and removes files that only they need. The newest
   * stays, however old.
   *
   * @return how many snapshots were forgotten
   */
  int expire(Duration age) {
    int forgotten = 0;
    for (TableName name : TableName.values()) {
      if (refreshed(name) == null) {
        continue;
      }
      Table table = tables.get(name);
      int before = count(table.snapshots());
      table
          .expireSnapshots()
          .expireOlderThan(Instant.now().minus(age).toEpochMilli())
          .retainLast(1)
          .planWith(workers)
          .executeDeleteWith(workers)
          .commit();
      CrashPoint.COMMITS_EXPIRED.pass();
      table.refresh();
      forgotten += before - count(table.snapshots());
    }
    return forgotten;
  }

  private static int count(Iterable<Snapshot> snapshots) {
    int count = 0;
    for (Snapshot snapshot : snapshots) {
      requireNonNull(snapshot);
      count++;
    }
    return count;
  }

  @Override
  public void close() {
    workers.shutdown();
    catalog.close();
  }
}
