package routes.deployment;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.introspect.Annotated;
import com.fasterxml.jackson.databind.introspect.JacksonAnnotationIntrospector;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import com.marcnuri.helm.Helm;
import com.marcnuri.helm.LintResult;
import com.marcnuri.helm.TemplateCommand;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodSpec;
import io.fabric8.kubernetes.api.model.apps.Deployment;
import io.fabric8.kubernetes.api.model.apps.StatefulSet;
import io.fabric8.kubernetes.api.model.batch.v1.CronJob;
import io.fabric8.kubernetes.api.model.batch.v1.Job;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.server.mock.EnableKubernetesMockClient;
import io.fabric8.kubernetes.client.utils.KubernetesSerialization;
import java.io.IOException;
import java.nio.file.FileVisitOption;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** The chart as Helm renders it, against what Kubernetes knows of its objects. */
@EnableKubernetesMockClient(crud = true)
class HelmChartTest {

  private static final Path CHART = Path.of("helm/bluesky-post-explorer");

  private static final String[] EVERYTHING = {
    "separate=true",
    "query.replicas=2",
    "ingress.enabled=true",
    "ingress.host=explorer.example",
    "ingress.tls.clusterIssuer=letsencrypt",
    "api.keysSecret=keys",
    "api.keyRequired=true",
    "api.sql=true",
    "monitoring.podMonitor=true",
    "monitoring.prometheusRule=true",
    "monitoring.dashboards=true",
    "backup.enabled=true",
    "backup.to=store:explorer",
    "backup.configSecret=mine",
    "image.pullSecrets[0].name=registry"
  };

  private static final String[] LITTLE = {
    "networkPolicy.enabled=false",
    "podDisruptionBudget.enabled=false",
    "monitoring.annotations=false",
    "archive.existingClaim=mine",
    "serviceAccount.name=mine",
    "redis.externalUrlSecret=redis"
  };

  private static final ObjectMapper YAML = new YAMLMapper();

  @TempDir private static Path chart;

  private KubernetesClient client;

  static Stream<List<String>> matrix() {
    List<String> more = new ArrayList<>(List.of(EVERYTHING));
    more.add("separate=false");
    return Stream.of(
        List.of(),
        List.of(EVERYTHING),
        more,
        List.of(LITTLE),
        List.of("redis.externalUrl=rediss://:secret@redis.example:6380", "redis.externalPort=6380"),
        List.of(
            "image.digest=sha256:" + "0123456789abcdef".repeat(4),
            "archive.storageClass=fast",
            "redis.storageClass=fast",
            "nodeSelector.disk=large",
            "tolerations[0].operator=Exists",
            "podAnnotations.of=mine",
            "podLabels.of=mine",
            "networkPolicy.ingressFrom[0].podSelector.matchLabels.app=traefik"));
  }

  /** The library leaves out what is made by a hook: so a copy of the chart has none. */
  @BeforeAll
  static void copyWithoutHooks() throws IOException {
    try (Stream<Path> files = Files.walk(CHART, FileVisitOption.FOLLOW_LINKS)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        Path copy = chart.resolve(CHART.relativize(file).toString());
        Files.createDirectories(copy.getParent());
        Files.writeString(
            copy,
            Files.readString(file).replaceAll("(?m)^ +helm\\.sh/hook(-delete-policy)?: .*\n", ""));
      }
    }
  }

  private static String rendered(List<String> values) {
    TemplateCommand template =
        new Helm(chart).template().withName("explorer").withNamespace("bluesky");
    for (String value : values) {
      String[] pair = value.split("=", 2);
      template.set(pair[0], pair[1]);
    }
    return template.call();
  }

  private static List<JsonNode> documents(List<String> values) throws IOException {
    List<JsonNode> documents = new ArrayList<>();
    try (var parsed = YAML.readerFor(JsonNode.class).readValues(rendered(values))) {
      while (parsed.hasNext()) {
        JsonNode document = (JsonNode) parsed.next();
        if (document.isObject()) {
          documents.add(document);
        }
      }
    }
    return documents;
  }

  private static List<HasMetadata> objects(List<String> values) throws IOException {
    return documents(values).stream().map(HelmChartTest::object).toList();
  }

  /** Reads an object as its kind; a field that this kind does not have is a mistake. */
  private static HasMetadata object(JsonNode document) {
    ObjectMapper strict = new ObjectMapper(new YAMLFactory());
    new KubernetesSerialization(strict, true);
    strict.configure(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES, true);
    strict.setAnnotationIntrospector(
        new JacksonAnnotationIntrospector() {
          @Override
          public Boolean hasAnySetter(Annotated member) {
            return false;
          }
        });
    Class<? extends HasMetadata> kind =
        new KubernetesSerialization()
            .convertValue(document, io.fabric8.kubernetes.api.model.KubernetesResource.class)
            .getClass()
            .asSubclass(HasMetadata.class);
    assertThat(kind.getSimpleName()).isEqualTo(document.path("kind").textValue());
    try {
      return strict.treeToValue(document, kind);
    } catch (IOException e) {
      throw new AssertionError(document.path("kind").textValue() + ": " + e.getMessage(), e);
    }
  }

  private static Map<String, PodSpec> pods(List<HasMetadata> objects) {
    Map<String, PodSpec> pods = new HashMap<>();
    for (HasMetadata object : objects) {
      PodSpec pod =
          switch (object) {
            case Deployment deployment -> deployment.getSpec().getTemplate().getSpec();
            case StatefulSet set -> set.getSpec().getTemplate().getSpec();
            case Pod single -> single.getSpec();
            case CronJob job -> job.getSpec().getJobTemplate().getSpec().getTemplate().getSpec();
            default -> null;
          };
      if (pod != null) {
        pods.put(object.getMetadata().getName(), pod);
      }
    }
    return pods;
  }

  @Test
  void isCleanToTheLint() {
    LintResult lint = new Helm(CHART).lint().strict().call();
    assertThat(lint.isFailed()).as(() -> String.join("\n", lint.getMessages())).isFalse();
  }

  @ParameterizedTest
  @MethodSource("matrix")
  void everyObjectIsWhatKubernetesKnows(List<String> values) throws Exception {
    List<HasMetadata> objects = objects(values);
    assertThat(objects).isNotEmpty();
    Set<String> names = new HashSet<>();
    for (HasMetadata object : objects) {
      assertThat(object.getMetadata().getNamespace()).isEqualTo("bluesky");
      assertThat(names.add(object.getKind() + " " + object.getMetadata().getName()))
          .as("%s %s is there once", object.getKind(), object.getMetadata().getName())
          .isTrue();
      assertThat(client.resource(object).create().getMetadata().getUid()).isNotEmpty();
    }
    assertThat(client.apps().deployments().inNamespace("bluesky").list().getItems()).isNotEmpty();
  }

  @ParameterizedTest
  @MethodSource("matrix")
  void podsAreRestricted(List<String> values) throws Exception {
    Map<String, PodSpec> pods = pods(objects(values));
    assertThat(pods).isNotEmpty();
    pods.forEach(
        (name, pod) -> {
          assertThat(pod.getSecurityContext().getRunAsNonRoot()).as(name).isTrue();
          assertThat(pod.getSecurityContext().getRunAsUser()).as(name).isPositive();
          assertThat(pod.getSecurityContext().getSeccompProfile().getType())
              .as(name)
              .isEqualTo("RuntimeDefault");
          assertThat(pod.getAutomountServiceAccountToken()).as(name).isFalse();
          assertThat(pod.getHostNetwork()).as(name).isNull();
          assertThat(pod.getVolumes())
              .as(name)
              .allSatisfy(volume -> assertThat(volume.getHostPath()).isNull());
          List<Container> containers = new ArrayList<>(pod.getContainers());
          containers.addAll(pod.getInitContainers());
          for (Container container : containers) {
            var security = container.getSecurityContext();
            assertThat(security.getAllowPrivilegeEscalation()).as(name).isFalse();
            assertThat(security.getReadOnlyRootFilesystem()).as(name).isTrue();
            assertThat(security.getCapabilities().getDrop()).as(name).containsExactly("ALL");
            assertThat(container.getResources().getLimits()).as(name).containsKey("memory");
            assertThat(container.getImage()).as(name).doesNotEndWith(":latest").contains(":");
          }
        });
  }

  @ParameterizedTest
  @MethodSource("matrix")
  void whatIsNamedIsThere(List<String> values) throws Exception {
    List<JsonNode> documents = documents(values);
    Set<String> there = new HashSet<>();
    documents.forEach(
        document ->
            there.add(
                document.path("kind").textValue()
                    + " "
                    + document.at("/metadata/name").textValue()));
    Set<String> named = new HashSet<>();
    for (JsonNode document : documents) {
      for (JsonNode reference : document.findValues("configMap")) {
        named.add("ConfigMap " + reference.path("name").textValue());
      }
      for (JsonNode reference : document.findValues("claimName")) {
        named.add("PersistentVolumeClaim " + reference.textValue());
      }
      for (JsonNode reference : document.findValues("serviceAccountName")) {
        named.add("ServiceAccount " + reference.textValue());
      }
      for (JsonNode reference : document.findValues("secretKeyRef")) {
        named.add("Secret " + reference.path("name").textValue());
      }
      for (JsonNode reference : document.findValues("backend")) {
        named.add("Service " + reference.at("/service/name").textValue());
      }
    }
    // What the values say is there already.
    named.removeIf(name -> name.endsWith(" mine") || name.equals("Secret redis"));
    assertThat(named).isNotEmpty();
    assertThat(there).containsAll(named);
  }

  @Test
  void servesThePodsThatAnswer() throws Exception {
    for (List<String> values : List.of(List.<String>of(), List.of("separate=true"))) {
      List<JsonNode> documents = documents(values);
      JsonNode service =
          documents.stream()
              .filter(
                  each ->
                      each.path("kind").textValue().equals("Service")
                          && each.at("/spec/selector").has("explorer/answers"))
              .findFirst()
              .orElseThrow();
      List<String> served =
          documents.stream()
              .filter(each -> each.path("kind").textValue().equals("Deployment"))
              .filter(each -> selects(service.at("/spec/selector"), each.at("/spec/template")))
              .map(each -> each.at("/spec/template/spec/containers/0/env").toString())
              .toList();
      assertThat(served).hasSize(1);
      assertThat(served.get(0)).containsPattern("\"EXPLORER_ROLES\",\"value\":\"[a-z,]*query\"");
    }
  }

  private static boolean selects(JsonNode selector, JsonNode template) {
    return selector.properties().stream()
        .allMatch(
            label ->
                Objects.equals(
                    label.getValue(), template.at("/metadata/labels").get(label.getKey())));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          archive.sise=1Gi | sise
          archive.size=much | archive
          ingress.enabled=true | host
          api.keyRequired=true | keysSecret
          service.type=Anything | service
          query.replicas=0 | replicas
          backup.enabled=true | configSecret
          backup.schedule=nightly | schedule
          redis.maxMemory=plenty | maxMemory
          image.digest=md5:1 | digest
          """)
  void aWrongValueIsNamed(String value, String named) {
    assertThatThrownBy(() -> rendered(List.of(value)))
        .hasMessageContaining("schema")
        .hasMessageContaining(named);
  }

  @Test
  void rulesAndDashboardsAreThoseOfTheMonitoring() throws Exception {
    List<JsonNode> documents = documents(List.of(EVERYTHING));
    JsonNode rules =
        documents.stream()
            .filter(each -> each.path("kind").textValue().equals("PrometheusRule"))
            .findFirst()
            .orElseThrow();
    assertThat(rules.path("spec"))
        .isEqualTo(YAML.readTree(Path.of("monitoring/rules.yaml").toFile()));
    Map<String, String> dashboards = new HashMap<>();
    documents.stream()
        .filter(each -> each.at("/metadata/labels").has("grafana_dashboard"))
        .flatMap(each -> each.path("data").properties().stream())
        .forEach(file -> dashboards.put(file.getKey(), file.getValue().textValue()));
    try (Stream<Path> files = Files.list(Path.of("monitoring/dashboards"))) {
      for (Path file : files.toList()) {
        assertThat(dashboards.remove(file.getFileName().toString()))
            .isEqualToIgnoringWhitespace(Files.readString(file));
      }
    }
    assertThat(dashboards).isEmpty();
  }

  @Test
  void theRestoreBringsBackWhatTheBackupSent() throws Exception {
    Job restore = (Job) object(YAML.readTree(Path.of("k3s-hetzner/restore.yaml").toFile()));
    PodSpec pod = restore.getSpec().getTemplate().getSpec();
    CronJob backup =
        objects(List.of(EVERYTHING)).stream()
            .filter(CronJob.class::isInstance)
            .map(CronJob.class::cast)
            .findFirst()
            .orElseThrow();
    var sent = backup.getSpec().getJobTemplate().getSpec().getTemplate();
    assertThat(restore.getSpec().getTemplate().getMetadata().getLabels().entrySet())
        .as("the network policy of the backup is for it, too")
        .isSubsetOf(sent.getMetadata().getLabels().entrySet());
    assertThat(pod.getSecurityContext()).isEqualTo(sent.getSpec().getSecurityContext());
    assertThat(pod.getContainers().get(0).getSecurityContext())
        .isEqualTo(sent.getSpec().getContainers().get(0).getSecurityContext());
    assertThat(pod.getContainers().get(0).getImage())
        .isEqualTo(sent.getSpec().getContainers().get(0).getImage());
    assertThat(pod.getVolumes().get(0)).isEqualTo(sent.getSpec().getVolumes().get(0));
  }

  @Test
  void routesOfTheOperatorAreMounted() throws Exception {
    List<JsonNode> documents =
        documents(List.of("routes.mine\\.camel\\.yaml=- route:\n    id: mine\n"));
    assertThat(documents)
        .anySatisfy(
            each -> assertThat(each.at("/data/mine.camel.yaml").textValue()).contains("id: mine"));
  }
}
