package routes.api;

import java.io.IOException;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.List;
import org.apache.avro.LogicalTypes;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericRecord;
import org.apache.parquet.avro.AvroParquetWriter;
import org.apache.parquet.avro.AvroWriteSupport;
import org.apache.parquet.conf.PlainParquetConfiguration;
import org.apache.parquet.hadoop.ParquetWriter;
import org.apache.parquet.hadoop.metadata.CompressionCodecName;
import org.apache.parquet.io.OutputFile;
import org.apache.parquet.io.PositionOutputStream;
import routes.search.Post;

/**
 * Posts as a Parquet file: times are timestamps in microseconds, lists are lists. It holds the rows
 * of a group in memory; what there is to know of the posts stands in the footer.
 */
final class ParquetPosts implements PostWriter {

  private static final long GROUP_BYTES = 8L << 20;

  private final ExportFormat.Layout layout;
  private final Schema schema;
  private final ParquetWriter<GenericRecord> parquet;

  ParquetPosts(ExportFormat.Layout layout, OutputStream out) throws IOException {
    this.layout = layout;
    this.schema = schema(layout.columns());
    PlainParquetConfiguration configuration = new PlainParquetConfiguration();
    configuration.set(AvroWriteSupport.WRITE_OLD_LIST_STRUCTURE, "false");
    this.parquet =
        AvroParquetWriter.<GenericRecord>builder(new Sink(out))
            .withSchema(schema)
            .withDataModel(GenericData.get())
            .withConf(configuration)
            .withCompressionCodec(CompressionCodecName.ZSTD)
            .withRowGroupSize(GROUP_BYTES)
            .withExtraMetaData(layout.notes())
            .build();
  }

  private static Schema schema(List<PostColumn> columns) {
    List<Schema.Field> fields = new ArrayList<>();
    for (PostColumn column : columns) {
      Schema type = Schema.createUnion(Schema.create(Schema.Type.NULL), type(column.kind()));
      fields.add(
          new Schema.Field(
              column.label(), type, column.description(), Schema.Field.NULL_DEFAULT_VALUE));
    }
    return Schema.createRecord("post", null, null, false, fields);
  }

  private static Schema type(PostColumn.Kind kind) {
    return switch (kind) {
      case TEXT -> Schema.create(Schema.Type.STRING);
      case TIME -> LogicalTypes.timestampMicros().addToSchema(Schema.create(Schema.Type.LONG));
      case NUMBER -> Schema.create(Schema.Type.INT);
      case FLAG -> Schema.create(Schema.Type.BOOLEAN);
      case LIST -> Schema.createArray(Schema.create(Schema.Type.STRING));
    };
  }

  @Override
  public void write(Post post) throws IOException {
    GenericRecord row = new GenericData.Record(schema);
    for (PostColumn column : layout.columns()) {
      row.put(column.label(), column.of(post));
    }
    parquet.write(row);
  }

  @Override
  public void close() throws IOException {
    parquet.close();
  }

  /** A stream that is written from its beginning to its end. */
  private record Sink(OutputStream out) implements OutputFile {

    @Override
    public PositionOutputStream create(long blockSizeHint) {
      return new Counted(out);
    }

    @Override
    public PositionOutputStream createOrOverwrite(long blockSizeHint) {
      return new Counted(out);
    }

    @Override
    public boolean supportsBlockSize() {
      return false;
    }

    @Override
    public long defaultBlockSize() {
      return 0;
    }
  }

  private static final class Counted extends PositionOutputStream {

    private final OutputStream out;
    private long position;

    private Counted(OutputStream out) {
      this.out = out;
    }

    @Override
    public long getPos() {
      return position;
    }

    @Override
    public void write(int b) throws IOException {
      out.write(b);
      position++;
    }

    @Override
    public void write(byte[] bytes, int offset, int length) throws IOException {
      out.write(bytes, offset, length);
      position += length;
    }
  }
}
