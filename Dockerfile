# One image a service: docker build --build-arg SERVICE=api .   (api, worker, notification, monitoring)
# The production packages are a stage of their own, so that a change of code does not install them again.

FROM node:24-bookworm-slim AS packages
ARG SERVICE
# 1 adds the OpenTelemetry SDK; see docs/tracing.md.
ARG TRACING=
WORKDIR /app
COPY package.json package-lock.json ./
COPY api/package.json api/
COPY worker/package.json worker/
COPY notification/package.json notification/
COPY monitoring/package.json monitoring/
COPY shared/package.json shared/
COPY local/package.json local/
COPY load_test/package.json load_test/
COPY test_images/package.json test_images/
RUN npm ci $(test -n "${TRACING}" || echo --omit=dev) --workspace=shared --workspace=${SERVICE} --no-audit --no-fund --loglevel=error \
 && npm cache clean --force

FROM node:24-bookworm-slim
ARG SERVICE
ENV NODE_ENV=development
WORKDIR /app
COPY --from=packages /app/node_modules node_modules
# Owned by the user who runs it: whoever cloned with a strict umask has files that only their owner may read.
COPY --chown=node:node package.json docker/healthy.sh ./
COPY --chown=node:node shared shared
COPY --chown=node:node ${SERVICE} ${SERVICE}
USER node
WORKDIR /app/${SERVICE}
# As small a young generation as on one's own machine: an idle service stays below 100 MB.
CMD ["node", "--max-semi-space-size=8", "--heap-growing-percent=40", "main.ts"]
