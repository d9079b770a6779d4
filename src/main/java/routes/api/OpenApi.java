package routes.api;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.constructor.SafeConstructor;

/** The description of the API for those who read no YAML. */
public final class OpenApi {

  private static final String FILE = "/openapi.yaml";

  private final String json;

  public OpenApi() {
    try (InputStream yaml = OpenApi.class.getResourceAsStream(FILE)) {
      Object description = new Yaml(new SafeConstructor(new LoaderOptions())).load(yaml);
      json = new ObjectMapper().writeValueAsString(description);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(FILE + " cannot be written as JSON", e);
    } catch (IOException e) {
      throw new UncheckedIOException(FILE + " cannot be read", e);
    }
  }

  public String json() {
    return json;
  }
}
