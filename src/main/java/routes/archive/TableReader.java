package routes.archive;

import java.io.IOException;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericRecord;
import org.apache.parquet.avro.AvroParquetReader;
import org.apache.parquet.conf.PlainParquetConfiguration;
import org.apache.parquet.hadoop.ParquetReader;
import org.apache.parquet.io.LocalInputFile;

/** Reads the rows of a data file, with the columns that its table has now. */
public final class TableReader implements AutoCloseable {

  private static final String READ_SCHEMA = "parquet.avro.read.schema";

  private final ArchiveFile file;
  private final ParquetReader<GenericRecord> parquet;

  /**
   * @param table whose file it is
   */
  public TableReader(TableName table, ArchiveFile file) throws IOException {
    this.file = file;
    PlainParquetConfiguration configuration = new PlainParquetConfiguration();
    configuration.set(READ_SCHEMA, table.schema().toString());
    this.parquet =
        AvroParquetReader.<GenericRecord>builder(new LocalInputFile(file.path()), configuration)
            .withDataModel(GenericData.get())
            .usePageChecksumVerification(true)
            .build();
  }

  /**
   * The next row; null behind the last.
   *
   * @throws DamagedFile when it cannot be read
   */
  public GenericRecord next() {
    try {
      return parquet.read();
    } catch (IOException | RuntimeException e) {
      throw new DamagedFile(file.path(), "its rows cannot be read: " + e.getMessage(), e);
    }
  }

  @Override
  public void close() throws IOException {
    parquet.close();
  }
}
