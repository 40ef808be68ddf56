# Gokura in a container: Node 24, git, the sources and the packages they need at run time; no compiler and no database.
# The embedded PostgreSQL is left out: DATABASE_URL (or DATABASE_URL_FILE) must name a PostgreSQL 15 or newer.
#
#   docker build --tag gokura --build-arg VERSION="$(git describe --always)" .
#   docker run --rm gokura version

ARG NODE_IMAGE=node:24-bookworm-slim
ARG DEBIAN_IMAGE=debian:bookworm-slim

# ---- generated code: needs prisma and the GraphQL code generator, which are development dependencies -----------------
FROM ${NODE_IMAGE} AS generated
ARG NPM_CONFIG_REGISTRY
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=optional --ignore-scripts --no-audit --no-fund
COPY prisma.config.ts schema.graphql ./
COPY prisma prisma
COPY scripts scripts
COPY src src
RUN node scripts/prepare.js

# ---- the packages of production; none of them needs an install script ------------------------------------------------
FROM ${NODE_IMAGE} AS packages
ARG NPM_CONFIG_REGISTRY
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# The optional packages are an embedded PostgreSQL and a Node of their own. Of the Prisma client's engines one is used; maps,
# types, and what packages bring for a runtime that is not Node are read by nobody.
RUN npm ci --omit=dev --omit=optional --ignore-scripts --no-audit --no-fund \
 && find node_modules/@prisma/client/runtime -type f \
      \( -name '*cockroachdb*' -o -name '*mysql*' -o -name '*sqlite*' -o -name '*sqlserver*' \) -delete \
 && find node_modules -type f \
      \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' -o -path '*/bare-*/prebuilds/*' \) -delete

# ---- Node, without its symbols for debuggers, npm and headers --------------------------------------------------------
FROM ${NODE_IMAGE} AS node
RUN apt-get update && apt-get install --yes --no-install-recommends binutils \
 && strip --strip-unneeded -o /node "$(command -v node)" && /node --version

# ---- what runs ---------------------------------------------------------------------------------------------------------
FROM ${DEBIAN_IMAGE}
ARG VERSION=dev
LABEL org.opencontainers.image.title="Gokura" \
      org.opencontainers.image.description="A self-hosted Go module registry: push a tag, go get it" \
      org.opencontainers.image.version="${VERSION}"

# git serves and reads the repositories, ssh reaches those of mirrors; tini is process 1 and reaps what git leaves behind.
# Those of git's commands that are written in Perl are not used: of Perl there is only what Debian itself needs.
RUN printf 'path-exclude %s\n' '/usr/share/perl/*' '/usr/lib/*-linux-gnu/perl/*' '/usr/lib/*-linux-gnu/libperl.so*' \
      > /etc/dpkg/dpkg.cfg.d/no-perl \
 && apt-get update \
 && apt-get install --yes --no-install-recommends ca-certificates git openssh-client tini \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt \
 && groupadd --gid 1000 node && useradd --uid 1000 --gid node --create-home node
COPY --from=node /node /usr/local/bin/node

WORKDIR /app
COPY --from=packages /app/node_modules node_modules
COPY package.json schema.graphql ./
COPY bin bin
COPY prisma/migrations prisma/migrations
COPY scripts/fill-compile-cache.js scripts/
COPY --from=generated /app/src src
RUN ln -s /app/bin/gokura.js /usr/local/bin/gokura \
 && install --directory --owner=node --group=node /data /app/node_modules/.cache /app/node_modules/.cache/gokura

# The two of malloc keep it from raising them by itself: what large zips took is given back. With large pages each git is started
# in less time (docs/operations.md, "How much it needs").
ENV NODE_ENV=production \
    MALLOC_MMAP_THRESHOLD_=131072 \
    MALLOC_TRIM_THRESHOLD_=131072 \
    GLIBC_TUNABLES=glibc.malloc.hugetlb=1 \
    GOKURA_LISTEN=0.0.0.0:8080 \
    GOKURA_DATA_DIR=/data

# Node keeps a compile cache for each user: it is filled by the one who will use it.
USER 1000:1000
RUN gokura version && node scripts/fill-compile-cache.js

VOLUME /data
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
  CMD ["node", "-e", "const tls = process.env.GOKURA_TLS === 'self-signed' || process.env.GOKURA_TLS_CERT_FILE; require(tls ? 'node:https' : 'node:http').get({ host: '127.0.0.1', port: process.env.GOKURA_LISTEN.split(':').at(-1), path: '/-/health', rejectUnauthorized: false, timeout: 4000 }, (answer) => process.exit(answer.statusCode === 200 ? 0 : 1)).on('error', () => process.exit(1)).on('timeout', () => process.exit(1))"]

ENTRYPOINT ["/usr/bin/tini", "--", "gokura"]
CMD ["serve"]
