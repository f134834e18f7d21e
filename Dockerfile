# One image for both programs: the edge is its entrypoint, the operator its command `edgecluster operator`.
#
# `make image` builds it with docker or buildah. Only the last stage depends on an architecture, and nothing is run in
# it: `docker buildx build --platform linux/amd64,linux/arm64` needs no emulation.

# With Node.js 24 and what that needs, for each architecture.
ARG BASE=gcr.io/distroless/nodejs24-debian13:nonroot
# With Node.js, npm and a shell.
ARG BUILD_BASE=docker.io/library/node:24-slim

FROM --platform=$BUILDPLATFORM ${BUILD_BASE} AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# npm's settings on the building machine (registry, proxy, authorities) are lent for this step only.
# Not `npm ci`: it refuses wherever a registry lacks an optional package, such as a linter's for another system.
RUN --mount=type=secret,id=npmrc,target=/root/.npmrc --mount=type=secret,id=npm-ca,target=/run/secrets/npm-ca \
    npm install --omit=dev --no-save --no-audit --no-fund --ignore-scripts --loglevel=error
# It names the registry of the building machine.
RUN rm -f node_modules/.package-lock.json
# Declarations, source maps and libraries for another JavaScript runtime: two fifths of it, which Node.js never reads.
RUN find node_modules -type f \( -name '*.d.*ts' -o -name '*.map' -o -name '*.bare' \) -exec rm {} +

FROM --platform=$BUILDPLATFORM ${BUILD_BASE} AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN --mount=type=secret,id=npmrc,target=/root/.npmrc --mount=type=secret,id=npm-ca,target=/run/secrets/npm-ca \
    npm install --no-save --no-audit --no-fund --ignore-scripts --loglevel=error
COPY tsconfig.json ./
COPY crds crds
COPY edge edge
COPY operator operator
RUN npm run -s build
# Where BASE has Node.js: it may have neither a shell nor /usr/bin/env to look for it.
# The flag halves the memory of an operator with many EdgeClusters; it is one of those that `npm start` has.
ARG NODE=/nodejs/bin/node
RUN sed -i "1s|^#!.*|#!$NODE --max-semi-space-size=4|" dist/edge/main.js dist/operator/edgecluster.js \
    && mkdir bin && ln -s ../dist/edge/main.js bin/edge && ln -s ../dist/operator/edgecluster.js bin/edgecluster

# What is said of the platform is the default anyway; older buildahs go on with that of the stage before.
FROM --platform=$TARGETPLATFORM ${BASE}
ARG VERSION=0.0.0
ARG REVISION=
LABEL org.opencontainers.image.title="edgecluster" \
      org.opencontainers.image.description="An RTMP edge with failover, and the operator that runs it on Kubernetes" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
ENV NODE_ENV=production PATH=/app/bin:/nodejs/bin:/usr/local/bin:/usr/bin:/bin
WORKDIR /app
COPY LICENSE ./
COPY --from=dependencies /app/node_modules node_modules
COPY --from=build /app/bin bin
COPY --from=build /app/dist dist
USER 65532:65532
EXPOSE 1935 1985 8080 9972
STOPSIGNAL SIGTERM
# The flags are those of `npm start`.
ENTRYPOINT ["node", "--max-semi-space-size=4", "--initial-old-space-size=64", "/app/dist/edge/main.js"]
