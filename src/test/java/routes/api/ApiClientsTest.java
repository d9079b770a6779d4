package routes.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Collections;
import java.util.Optional;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.mock.web.MockFilterChain;
import org.springframework.mock.web.MockHttpServletRequest;
import org.springframework.mock.web.MockHttpServletResponse;

class ApiClientsTest {

  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir private Path folder;
  private MockFilterChain chain;

  private MockHttpServletResponse ask(ApiClients clients, MockHttpServletRequest request)
      throws ServletException, IOException {
    chain = new MockFilterChain();
    MockHttpServletResponse response = new MockHttpServletResponse();
    clients.doFilter(request, response, chain);
    return response;
  }

  private static MockHttpServletRequest from(String address) {
    MockHttpServletRequest request = new MockHttpServletRequest("GET", "/api/v1/posts");
    request.setRemoteAddr(address);
    return request;
  }

  private static MockHttpServletRequest with(String key) {
    MockHttpServletRequest request = from("192.0.2.1");
    request.addHeader("Authorization", "Bearer " + key);
    return request;
  }

  private ApiKeys keys(String lines) throws IOException {
    return new ApiKeys(Optional.of(Files.writeString(folder.resolve("keys"), lines)));
  }

  private static ApiClients open(int requestsPerHour) {
    return new ApiClients(new ApiKeys(Optional.empty()), false, requestsPerHour, JSON);
  }

  @Test
  void tellsTheRouteWhoAsks() throws Exception {
    MockHttpServletRequest request = from("192.0.2.7");
    request.addHeader(ApiClients.HEADER, "somebody else");
    assertThat(ask(open(0), request).getStatus()).isEqualTo(200);
    HttpServletRequest passed = (HttpServletRequest) chain.getRequest();
    assertThat(passed.getHeader("explorer-client")).isEqualTo("addr:192.0.2.7");
    assertThat(Collections.list(passed.getHeaders(ApiClients.HEADER)))
        .containsExactly("addr:192.0.2.7");
    assertThat(Collections.list(passed.getHeaderNames())).containsOnlyOnce(ApiClients.HEADER);
  }

  @Test
  void limitsTheRequestsOfAnAddress() throws Exception {
    ApiClients clients = open(2);
    MockHttpServletResponse first = ask(clients, from("192.0.2.1"));
    assertThat(first.getHeader("RateLimit-Policy")).isEqualTo("\"hour\";q=2;w=3600");
    assertThat(first.getHeader("RateLimit")).startsWith("\"hour\";r=1;t=");
    assertThat(ask(clients, from("192.0.2.1")).getStatus()).isEqualTo(200);
    MockHttpServletResponse third = ask(clients, from("192.0.2.1"));
    assertThat(third.getStatus()).isEqualTo(429);
    assertThat(Integer.parseInt(third.getHeader("Retry-After"))).isBetween(1, 1800);
    JsonNode problem = JSON.readTree(third.getContentAsByteArray());
    assertThat(third.getContentType()).isEqualTo("application/problem+json");
    assertThat(problem.get("status").intValue()).isEqualTo(429);
    assertThat(problem.get("fix").textValue()).contains("Try again in");
    assertThat(ask(clients, from("192.0.2.2")).getStatus()).as("another").isEqualTo(200);
    ask(clients, from("2001:db8:1:2::1"));
    ask(clients, from("2001:db8:1:2::2"));
    assertThat(ask(clients, from("2001:db8:1:2:ffff::3")).getStatus())
        .as("one network of IPv6 is one client")
        .isEqualTo(429);
    assertThat(ask(clients, from("2001:db8:1:3::1")).getStatus()).isEqualTo(200);
  }

  @Test
  void knowsKeysByTheirHash() throws Exception {
    ApiKeys keys =
        keys(
            "# of the group\nalice "
                + ApiKeys.hash("secret")
                + " 3 # a phone\nbob\t"
                + ApiKeys.hash("other").toUpperCase()
                + "\n\n");
    ApiClients clients = new ApiClients(keys, true, 1, JSON);
    MockHttpServletResponse nobody = ask(clients, from("192.0.2.1"));
    assertThat(nobody.getStatus()).isEqualTo(401);
    assertThat(nobody.getHeader("WWW-Authenticate")).isEqualTo("Bearer");
    assertThat(ask(clients, with("wrong")).getStatus()).isEqualTo(401);
    assertThat(ask(clients, with("secret")).getHeader("RateLimit-Policy")).contains("q=3;");
    assertThat(((HttpServletRequest) chain.getRequest()).getHeader(ApiClients.HEADER))
        .isEqualTo("key:alice");
    assertThat(ask(clients, with("secret")).getStatus()).isEqualTo(200);
    assertThat(ask(clients, with("other")).getHeader("RateLimit-Policy")).contains("q=1;");
    MockHttpServletRequest header = from("192.0.2.1");
    header.addHeader("X-API-Key", "secret");
    assertThat(ask(clients, header).getStatus()).isEqualTo(200);
    assertThat(ask(clients, with("secret")).getStatus()).as("the fourth").isEqualTo(429);
  }

  @Test
  void readsKeysAgainWhenTheyChange() throws Exception {
    ApiKeys keys = keys("alice " + ApiKeys.hash("old"));
    assertThat(keys.find("old")).isPresent();
    keys("alice " + ApiKeys.hash("new"));
    Awaitility.await()
        .atMost(Duration.ofSeconds(20))
        .until(() -> keys.find("new").isPresent() && keys.find("old").isEmpty());
    keys("alice this is no key");
    assertThat(keys.find("new")).as("a mistake changes nothing").isPresent();
    assertThatThrownBy(() -> ApiKeys.parse("a b\n"))
        .isInstanceOf(ApiKeys.Unreadable.class)
        .hasMessageContaining("line 1");
  }

  @Test
  void leavesThePageAlone() throws Exception {
    ApiClients clients = new ApiClients(new ApiKeys(Optional.empty()), true, 1, JSON);
    MockHttpServletRequest page = new MockHttpServletRequest("GET", "/index.html");
    assertThat(ask(clients, page).getStatus()).isEqualTo(200);
    for (String path :
        new String[] {
          "/search",
          "/export",
          "/api/v1/status",
          "/%61pi/v1/posts",
          "//api/v1/posts",
          "/%2fapi/v1/posts",
          "/search/"
        }) {
      assertThat(ask(clients, new MockHttpServletRequest("GET", path)).getStatus())
          .as(path)
          .isEqualTo(401);
    }
  }
}
