package routes.jetstream;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.cbor.CBORFactory;
import com.fasterxml.jackson.dataformat.cbor.CBORGenerator;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.Comparator;
import java.util.List;
import java.util.Map;

/**
 * Content identifiers of records: CIDv1, DAG-CBOR, SHA-256, in base32. A record's CID can be
 * computed anew from its JSON, which proves that the record is whole.
 */
public final class Cid {

  private static final CBORFactory CBOR =
      CBORFactory.builder().enable(CBORGenerator.Feature.WRITE_MINIMAL_INTS).build();
  private static final int LINK_TAG = 42;
  private static final byte[] DAG_CBOR_SHA256 = {1, 0x71, 0x12, 0x20};
  private static final String BASE32 = "abcdefghijklmnopqrstuvwxyz234567";
  private static final Comparator<Map.Entry<byte[], JsonNode>> CANONICAL =
      Comparator.<Map.Entry<byte[], JsonNode>>comparingInt(entry -> entry.getKey().length)
          .thenComparing(Map.Entry::getKey, Arrays::compareUnsigned);

  private Cid() {}

  /**
   * The CID of a record.
   *
   * @throws IOException when the value has no DAG-CBOR form: a broken {@code $link} or {@code
   *     $bytes}
   */
  public static String of(JsonNode record) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(512);
    try (CBORGenerator cbor = CBOR.createGenerator(bytes)) {
      write(record, cbor);
    }
    byte[] cid = Arrays.copyOf(DAG_CBOR_SHA256, DAG_CBOR_SHA256.length + 32);
    System.arraycopy(sha256(bytes.toByteArray()), 0, cid, DAG_CBOR_SHA256.length, 32);
    return "b" + encode(cid);
  }

  private static void write(JsonNode value, CBORGenerator cbor) throws IOException {
    if (value.isObject()) {
      if (value.size() == 1 && value.path("$link").isTextual()) {
        byte[] cid = decode(value.get("$link").textValue());
        cbor.writeTag(LINK_TAG);
        byte[] prefixed = new byte[cid.length + 1];
        System.arraycopy(cid, 0, prefixed, 1, cid.length);
        cbor.writeBinary(prefixed);
      } else if (value.size() == 1 && value.path("$bytes").isTextual()) {
        try {
          cbor.writeBinary(Base64.getDecoder().decode(value.get("$bytes").textValue()));
        } catch (IllegalArgumentException e) {
          throw new IOException("$bytes is no base64", e);
        }
      } else {
        List<Map.Entry<byte[], JsonNode>> entries = new ArrayList<>(value.size());
        value
            .properties()
            .forEach(
                entry ->
                    entries.add(
                        Map.entry(
                            entry.getKey().getBytes(StandardCharsets.UTF_8), entry.getValue())));
        entries.sort(CANONICAL);
        cbor.writeStartObject(value, entries.size());
        for (Map.Entry<byte[], JsonNode> entry : entries) {
          cbor.writeFieldName(new String(entry.getKey(), StandardCharsets.UTF_8));
          write(entry.getValue(), cbor);
        }
        cbor.writeEndObject();
      }
    } else if (value.isArray()) {
      cbor.writeStartArray(value, value.size());
      for (JsonNode element : value) {
        write(element, cbor);
      }
      cbor.writeEndArray();
    } else if (value.isTextual()) {
      byte[] text = value.textValue().getBytes(StandardCharsets.UTF_8);
      cbor.writeUTF8String(text, 0, text.length);
    } else if (value.isIntegralNumber()) {
      if (value.canConvertToLong()) {
        cbor.writeNumber(value.longValue());
      } else {
        cbor.writeNumber(value.bigIntegerValue());
      }
    } else if (value.isNumber()) {
      cbor.writeNumber(value.doubleValue());
    } else if (value.isBoolean()) {
      cbor.writeBoolean(value.booleanValue());
    } else {
      cbor.writeNull();
    }
  }

  private static byte[] sha256(byte[] bytes) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(bytes);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-256", e);
    }
  }

  private static String encode(byte[] bytes) {
    StringBuilder text = new StringBuilder(bytes.length * 8 / 5 + 1);
    long buffer = 0;
    int bits = 0;
    for (byte b : bytes) {
      buffer = buffer << 8 | b & 0xff;
      bits += 8;
      while (bits >= 5) {
        bits -= 5;
        text.append(BASE32.charAt((int) (buffer >>> bits) & 31));
      }
    }
    if (bits > 0) {
      text.append(BASE32.charAt((int) (buffer << 5 - bits) & 31));
    }
    return text.toString();
  }

  private static byte[] decode(String cid) throws IOException {
    if (!cid.startsWith("b")) {
      throw new IOException("$link is no base32 CID: " + cid);
    }
    byte[] bytes = new byte[(cid.length() - 1) * 5 / 8];
    long buffer = 0;
    int bits = 0;
    int at = 0;
    for (int i = 1; i < cid.length(); i++) {
      int digit = BASE32.indexOf(cid.charAt(i));
      if (digit < 0) {
        throw new IOException("$link is no base32 CID: " + cid);
      }
      buffer = buffer << 5 | digit;
      bits += 5;
      if (bits >= 8) {
        bits -= 8;
        bytes[at++] = (byte) (buffer >>> bits);
      }
    }
    return bytes;
  }
}
