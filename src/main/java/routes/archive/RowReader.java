package routes.archive;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericRecord;
import org.apache.parquet.ParquetReadOptions;
import org.apache.parquet.avro.AvroReadSupport;
import org.apache.parquet.column.page.PageReadStore;
import org.apache.parquet.conf.PlainParquetConfiguration;
import org.apache.parquet.filter2.columnindex.RowRanges;
import org.apache.parquet.hadoop.ParquetFileReader;
import org.apache.parquet.hadoop.api.InitContext;
import org.apache.parquet.hadoop.api.ReadSupport;
import org.apache.parquet.hadoop.metadata.BlockMetaData;
import org.apache.parquet.hadoop.metadata.ParquetMetadata;
import org.apache.parquet.io.ColumnIOFactory;
import org.apache.parquet.io.MessageColumnIO;
import org.apache.parquet.io.RecordReader;
import org.apache.parquet.io.api.RecordMaterializer;
import org.apache.parquet.schema.MessageType;

/**
 * Reads single rows of a data file by their number. Only the pages with these rows are read and
 * decompressed. Safe for several threads.
 */
public final class RowReader {

  private final ArchiveFile file;
  private final TableName table;
  private final ParquetMetadata footer;

  /**
   * @param table whose file it is
   * @throws DamagedFile when its footer cannot be read
   */
  public RowReader(TableName table, ArchiveFile file) {
    this.table = table;
    this.file = file;
    try (ParquetFileReader reader =
        ParquetFileReader.open(new BufferedInputFile(file.path()), options())) {
      this.footer = reader.getFooter();
    } catch (IOException | RuntimeException e) {
      throw damaged(e);
    }
  }

  /** Of each reader its own: whoever is done with them takes the codecs from all others. */
  private static ParquetReadOptions options() {
    return ParquetReadOptions.builder(new PlainParquetConfiguration()).build();
  }

  /**
   * Whether the file says where its pages begin. Without that, a row cannot be read without all
   * those before it.
   */
  public boolean canSeek() {
    return footer.getBlocks().stream()
        .flatMap(block -> block.getColumns().stream())
        .allMatch(column -> column.getOffsetIndexReference() != null);
  }

  /**
   * The rows with these numbers, in their order.
   *
   * @param rows numbers from 0, ascending, each once
   * @param wanted columns; rows may have more
   * @throws DamagedFile when they cannot be read
   */
  public List<GenericRecord> read(int[] rows, List<String> wanted) {
    Packing packing = Packing.of(table, file);
    List<String> columns = packing == null ? wanted : packing.needed(wanted);
    List<GenericRecord> found = readAsStored(rows, columns);
    if (packing != null) {
      found.forEach(packing::unpack);
    }
    return found;
  }

  private List<GenericRecord> readAsStored(int[] rows, List<String> wanted) {
    PlainParquetConfiguration configuration = TableReader.configuration(table, wanted);
    List<GenericRecord> found = new ArrayList<>(rows.length);
    if (rows.length == 0) {
      return found;
    }
    try (ParquetFileReader reader =
        ParquetFileReader.open(
            new BufferedInputFile(file.path()),
            footer,
            options(),
            new BufferedInputFile(file.path()).newStream())) {
      MessageType schema = footer.getFileMetaData().getSchema();
      Map<String, String> metadata = footer.getFileMetaData().getKeyValueMetaData();
      AvroReadSupport<GenericRecord> support = new AvroReadSupport<>(GenericData.get());
      Map<String, Set<String>> sets =
          metadata.entrySet().stream()
              .collect(Collectors.toMap(Map.Entry::getKey, entry -> Set.of(entry.getValue())));
      ReadSupport.ReadContext context = support.init(new InitContext(configuration, sets, schema));
      reader.setRequestedSchema(context.getRequestedSchema());
      RecordMaterializer<GenericRecord> records =
          support.prepareForRead(configuration, metadata, schema, context);
      MessageColumnIO columns =
          new ColumnIOFactory(footer.getFileMetaData().getCreatedBy())
              .getColumnIO(context.getRequestedSchema(), schema, true);
      int at = 0;
      for (int group = 0; group < footer.getBlocks().size() && at < rows.length; group++) {
        BlockMetaData block = footer.getBlocks().get(group);
        long end = block.getRowIndexOffset() + block.getRowCount();
        int from = at;
        while (at < rows.length && rows[at] < end) {
          at++;
        }
        if (at > from) {
          readGroup(
              reader, group, block, Arrays.copyOfRange(rows, from, at), columns, records, found);
        }
      }
    } catch (IOException | RuntimeException e) {
      throw damaged(e);
    }
    if (found.size() != rows.length) {
      throw new DamagedFile(file.path(), "it has no row " + rows[rows.length - 1], null);
    }
    return found;
  }

  /**
   * The last row is read by itself: within a selection, Parquet does not go on to another page for
   * the last row of it.
   */
  private static void readGroup(
      ParquetFileReader reader,
      int group,
      BlockMetaData block,
      int[] rows,
      MessageColumnIO columns,
      RecordMaterializer<GenericRecord> records,
      List<GenericRecord> found)
      throws IOException {
    RowRanges.Builder all = RowRanges.builder();
    for (int row : rows) {
      all.addSelectedRow(row - block.getRowIndexOffset());
    }
    int last = rows.length - 1;
    readSelection(reader, group, all.build(), last, columns, records, found);
    RowRanges alone =
        RowRanges.builder().addSelectedRow(rows[last] - block.getRowIndexOffset()).build();
    readSelection(reader, group, alone, 1, columns, records, found);
  }

  private static void readSelection(
      ParquetFileReader reader,
      int group,
      RowRanges selection,
      int rows,
      MessageColumnIO columns,
      RecordMaterializer<GenericRecord> records,
      List<GenericRecord> found)
      throws IOException {
    if (rows > 0) {
      try (PageReadStore pages = reader.readFilteredRowGroup(group, selection)) {
        RecordReader<GenericRecord> reading = columns.getRecordReader(pages, records);
        for (int i = 0; i < rows; i++) {
          found.add(reading.read());
        }
      }
    }
  }

  private DamagedFile damaged(Exception e) {
    return e instanceof DamagedFile damage
        ? damage
        : new DamagedFile(file.path(), "its rows cannot be read: " + e.getMessage(), e);
  }
}
