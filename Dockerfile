# The image of both tiers: `node server/web.js` unless another command is given. Build it in the project's folder. The tests
# build no image: `npm run test:book` runs these instructions without a container engine (docs/operations.md, Containers).
FROM node:24-bookworm-slim AS build
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
COPY server/rest/http/no-qs ./server/rest/http/no-qs
COPY test/generator/package.json ./test/generator/
COPY test/servers/package.json ./test/servers/
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY . .
RUN npm run -s build
WORKDIR /build/dist/mooring
RUN npm ci --omit=dev --omit=optional --ignore-scripts --no-audit --no-fund

# PgBouncer as Debian packages it, which is the release that the tests run.
FROM debian:bookworm-slim AS pgbouncer
RUN apt-get update && apt-get install -y --no-install-recommends pgbouncer && rm -rf /var/lib/apt/lists/*
USER 65534:65534
EXPOSE 6432
CMD ["pgbouncer", "/etc/pgbouncer/pgbouncer.ini"]

FROM node:24-bookworm-slim AS mooring
ENV NODE_ENV=production
WORKDIR /mooring
COPY --from=build --chown=root:root /build/dist/mooring ./
# The number of `nobody`: no file here is this user's, and the root of the container may be read-only.
USER 65534:65534
EXPOSE 3000
# 9464 is the web tier's; a worker's command sets MOORING_HEALTH_PORT to the same.
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:9464/readyz').then(r => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# A process that opens credentials leaves no core and no debugger.
CMD ["node", "--disable-sigusr1", "--expose-gc", "server/web.js"]
