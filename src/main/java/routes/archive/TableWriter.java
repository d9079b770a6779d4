package routes.archive;

import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.UUID;
import java.util.stream.Stream;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.util.Utf8;
import org.apache.iceberg.DataFile;
import org.apache.iceberg.DataFiles;
import org.apache.iceberg.MetricsConfig;
import org.apache.iceberg.Table;
import org.apache.iceberg.parquet.ParquetSchemaUtil;
import org.apache.iceberg.parquet.ParquetUtil;
import org.apache.parquet.avro.AvroWriteSupport;
import org.apache.parquet.column.ParquetProperties;
import org.apache.parquet.conf.ParquetConfiguration;
import org.apache.parquet.conf.PlainParquetConfiguration;
import org.apache.parquet.hadoop.ParquetWriter;
import org.apache.parquet.hadoop.api.WriteSupport;
import org.apache.parquet.hadoop.metadata.CompressionCodecName;
import org.apache.parquet.io.LocalOutputFile;
import org.apache.parquet.io.OutputFile;
import org.apache.parquet.io.PositionOutputStream;
import org.apache.parquet.schema.MessageType;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import routes.crash.CrashPoint;

/**
 * Writes one Parquet file of one date of a table, from Avro records, with the field ids of the
 * Iceberg table.
 */
final class TableWriter implements Closeable {

  private static final Logger LOG = LoggerFactory.getLogger(TableWriter.class);

  /** Rows of posts that are found and decompressed together: single ones are read. */
  private static final int PAGE_ROWS_OF_POSTS = 1_000;

  /**
   * Who reads one row reads the whole dictionary of each column, and a batch writes all its files
   * at once: columns with more values have none.
   */
  private static final int SMALL_DICTIONARY_BYTES = 16 << 10;

  private static final int DICTIONARY_BYTES = 1 << 20;

  /** Bytes of rows that are held in memory while they are written. */
  private static final long ROW_GROUP_BYTES = 64L << 20;

  /** What a file is written for. */
  enum Kind {
    BATCH("batch-", 1, 4_000) {
      @Override
      void written() {
        CrashPoint.DATA_FILE_WRITTEN.pass();
      }
    },
    COMPACTED("packed-", 6, 20_000) {
      @Override
      void written() {
        CrashPoint.COMPACTED_FILE_WRITTEN.pass();
      }
    };

    private final String prefix;
    private final int zstdLevel;
    private final int pageRows;

    Kind(String prefix, int zstdLevel, int pageRows) {
      this.prefix = prefix;
      this.zstdLevel = zstdLevel;
      this.pageRows = pageRows;
    }

    abstract void written();

    /** What the name of the file begins with. */
    String prefix() {
      return prefix;
    }
  }

  private final Table table;
  private final LocalDate date;
  private final Kind kind;
  private Path file;
  private final Output output;
  private final ParquetWriter<GenericRecord> parquet;
  private final int columns;
  private boolean closed;

  TableWriter(Table table, TableName name, LocalDate date, Kind kind) throws IOException {
    this.table = table;
    this.date = date;
    this.kind = kind;
    this.columns = name.schema().getFields().size();
    String fileName = kind.prefix() + UUID.randomUUID() + ".parquet";
    this.file = Path.of(table.location(), "data", "date=" + date, fileName);
    Files.createDirectories(file.getParent());
    boolean posts = name == TableName.POSTS;
    this.output = new Output(new LocalOutputFile(file));
    try {
      this.parquet =
          new Builder(
                  output, ParquetSchemaUtil.convert(table.schema(), name.label()), name.schema())
              .withConf(configuration(kind))
              .withCompressionCodec(CompressionCodecName.ZSTD)
              .withRowGroupSize(ROW_GROUP_BYTES)
              .withPageRowCountLimit(posts ? PAGE_ROWS_OF_POSTS : kind.pageRows)
              .withDictionaryPageSize(
                  posts || kind == Kind.BATCH ? SMALL_DICTIONARY_BYTES : DICTIONARY_BYTES)
              .withWriterVersion(ParquetProperties.WriterVersion.PARQUET_2_0)
              .build();
    } catch (IOException | RuntimeException e) {
      output.close();
      Files.deleteIfExists(file);
      throw e;
    }
  }

  private static PlainParquetConfiguration configuration(Kind kind) {
    PlainParquetConfiguration configuration = new PlainParquetConfiguration();
    configuration.set("parquet.compression.codec.zstd.level", Integer.toString(kind.zstdLevel));
    configuration.set(AvroWriteSupport.WRITE_OLD_LIST_STRUCTURE, "false");
    return configuration;
  }

  /**
   * @param row whose texts are turned to bytes here, faster than Parquet does it
   */
  void write(GenericRecord row) throws IOException {
    for (int i = 0; i < columns; i++) {
      if (row.get(i) instanceof String text) {
        row.put(i, new Utf8(text));
      }
    }
    parquet.write(row);
  }

  /** Finishes the file: when this returns it is on the disk, and can be committed. */
  DataFile finish() throws IOException {
    parquet.close();
    file = Checksum.name(file);
    LocalFileIO.sync(file);
    closed = true;
    kind.written();
    return DataFiles.builder(table.spec())
        .withPath(file.toString())
        .withFormat("PARQUET")
        .withFileSizeInBytes(Files.size(file))
        .withPartitionPath("date=" + date)
        .withMetrics(
            ParquetUtil.footerMetrics(
                parquet.getFooter(), Stream.empty(), MetricsConfig.forTable(table)))
        .withSplitOffsets(ParquetUtil.getSplitOffsets(parquet.getFooter()))
        .build();
  }

  /** Abandons the file if it is not finished. */
  @Override
  public void close() throws IOException {
    if (!closed) {
      closed = true;
      try {
        parquet.close();
      } catch (IOException | RuntimeException e) {
        LOG.debug("What is abandoned could not be finished", e);
      }
      output.close();
      Files.deleteIfExists(file);
    }
  }

  /** A file that can be closed also where Parquet, having failed to write to it, does not. */
  private static final class Output implements OutputFile, Closeable {

    private final OutputFile file;
    private PositionOutputStream stream;

    Output(OutputFile file) {
      this.file = file;
    }

    @Override
    public PositionOutputStream create(long blockSize) throws IOException {
      stream = file.create(blockSize);
      return stream;
    }

    @Override
    public PositionOutputStream createOrOverwrite(long blockSize) throws IOException {
      stream = file.createOrOverwrite(blockSize);
      return stream;
    }

    @Override
    public boolean supportsBlockSize() {
      return file.supportsBlockSize();
    }

    @Override
    public long defaultBlockSize() {
      return file.defaultBlockSize();
    }

    @Override
    public String getPath() {
      return file.getPath();
    }

    @Override
    public void close() {
      if (stream != null) {
        try {
          stream.close();
        } catch (IOException e) {
          LOG.debug("What is abandoned could not be flushed", e);
        }
      }
    }
  }

  private static final class Builder extends ParquetWriter.Builder<GenericRecord, Builder> {

    private final MessageType parquetSchema;
    private final org.apache.avro.Schema avroSchema;

    Builder(OutputFile file, MessageType parquetSchema, org.apache.avro.Schema avroSchema) {
      super(file);
      this.parquetSchema = parquetSchema;
      this.avroSchema = avroSchema;
    }

    @Override
    protected Builder self() {
      return this;
    }

    @Override
    protected WriteSupport<GenericRecord> getWriteSupport(ParquetConfiguration configuration) {
      return new AvroWriteSupport<>(parquetSchema, avroSchema, GenericData.get());
    }

    @Override
    @Deprecated
    protected WriteSupport<GenericRecord> getWriteSupport(
        org.apache.hadoop.conf.Configuration configuration) {
      return getWriteSupport(new PlainParquetConfiguration());
    }
  }
}
