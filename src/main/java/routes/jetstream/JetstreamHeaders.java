package routes.jetstream;

import org.apache.camel.spi.Metadata;

/** Headers of the exchanges of {@code jetstream:}. */
public final class JetstreamHeaders {

  @Metadata(description = "The host that sent the block.", javaType = "String")
  public static final String HOST = "CamelJetstreamHost";

  @Metadata(description = "Number of frames in the block.", javaType = "int")
  public static final String COUNT = "CamelJetstreamCount";

  @Metadata(description = "Bytes of all frames of the block together.", javaType = "long")
  public static final String BYTES = "CamelJetstreamBytes";

  private JetstreamHeaders() {}
}
