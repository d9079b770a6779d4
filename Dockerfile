# The image of Bluesky Post Explorer: docker build -t bluesky-post-explorer .
# For both kinds of processors: docker buildx build --platform linux/amd64,linux/arm64 …
# Pin the base images by digest where builds have to be the same again: --build-arg RUN_IMAGE=eclipse-temurin@sha256:…
ARG BUILD_IMAGE=maven:3.9-eclipse-temurin-25
ARG RUN_IMAGE=eclipse-temurin:25-jre

FROM --platform=$BUILDPLATFORM ${BUILD_IMAGE} AS build
# What the jar has of native libraries is for the processor that the image is for.
ARG TARGETARCH
WORKDIR /src
COPY pom.xml .
COPY src/main src/main
RUN mvn --batch-mode --no-transfer-progress package -DskipTests "-Dplatform=${TARGETARCH:-this}" \
 && java -Djarmode=tools -jar target/bluesky-post-explorer.jar extract --destination /app
COPY src/main/image /app/

FROM ${RUN_IMAGE}
COPY --from=build /app /app
# A run on a made-up network, of which the JVM keeps what it loaded and how, for faster starts.
RUN bash /app/train /app/explorer.aot && mkdir -m 0770 /data && chown 10001:10001 /data
ENV EXPLORER_DATA_DIR=/data \
    JDK_JAVA_OPTIONS=-Xmx768m \
    HOME=/tmp
WORKDIR /app
USER 10001:10001
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s CMD ["bash", "/app/ask", "http://localhost:8080/observe/health/liveness"]
ENTRYPOINT ["java", "@/app/jvm-options", "-XX:AOTCache=/app/explorer.aot", "-jar", "/app/bluesky-post-explorer.jar"]
ARG VERSION=0.1.0-SNAPSHOT
ARG REVISION=
LABEL org.opencontainers.image.title="Bluesky Post Explorer" \
      org.opencontainers.image.description="An open archive and search of the Bluesky network that one person can run." \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
