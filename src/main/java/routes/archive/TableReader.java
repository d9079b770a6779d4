package routes.archive;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericRecord;
import org.apache.parquet.avro.AvroParquetReader;
import org.apache.parquet.avro.AvroReadSupport;
import org.apache.parquet.avro.AvroWriteSupport;
import org.apache.parquet.conf.PlainParquetConfiguration;
import org.apache.parquet.hadoop.ParquetReader;

/** Reads the rows of a data file, with the columns that its table has now. */
public final class TableReader implements AutoCloseable {

  private static final String READ_SCHEMA = "parquet.avro.read.schema";

  private final Path file;
  private final Packing packing;
  private final ParquetReader<GenericRecord> parquet;

  /**
   * @param table whose file it is
   */
  public TableReader(TableName table, ArchiveFile file) throws IOException {
    this(table, file, table.columns());
  }

  /** Reads a file as it is: what was left out of its rows is missing. */
  TableReader(TableName table, Path file) throws IOException {
    this(table, file, table.columns(), null);
  }

  /**
   * @param columns that are wanted; rows may have more
   */
  public TableReader(TableName table, ArchiveFile file, List<String> columns) throws IOException {
    this(table, file.path(), columns, Packing.of(table, file));
  }

  private TableReader(TableName table, Path file, List<String> wanted, Packing packing)
      throws IOException {
    List<String> columns = packing == null ? wanted : packing.needed(wanted);
    this.packing = packing;
    this.file = file;
    this.parquet =
        AvroParquetReader.<GenericRecord>builder(
                new BufferedInputFile(file), configuration(table, columns))
            .withDataModel(GenericData.get())
            .usePageChecksumVerification(true)
            .build();
  }

  /** What tells Parquet which columns of a table to read, and as what. */
  static PlainParquetConfiguration configuration(TableName table, List<String> columns) {
    Schema all = table.schema();
    Schema wanted =
        Schema.createRecord(
            all.getName(),
            all.getDoc(),
            all.getNamespace(),
            false,
            columns.stream()
                .map(
                    column -> new Schema.Field(all.getField(column), all.getField(column).schema()))
                .toList());
    PlainParquetConfiguration configuration = new PlainParquetConfiguration();
    configuration.set(READ_SCHEMA, wanted.toString());
    if (columns.size() < all.getFields().size()) {
      configuration.set(AvroReadSupport.AVRO_REQUESTED_PROJECTION, wanted.toString());
      configuration.set(AvroWriteSupport.WRITE_OLD_LIST_STRUCTURE, "false");
    }
    return configuration;
  }

  /**
   * The next row; null behind the last.
   *
   * @throws DamagedFile when it cannot be read
   */
  public GenericRecord next() {
    try {
      GenericRecord row = parquet.read();
      if (packing != null && row != null) {
        packing.unpack(row);
      }
      return row;
    } catch (IOException | RuntimeException e) {
      throw new DamagedFile(file, "its rows cannot be read: " + e.getMessage(), e);
    }
  }

  @Override
  public void close() throws IOException {
    parquet.close();
  }
}
