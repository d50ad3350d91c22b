# One image per service: docker build --build-arg SERVICE=api .   (api, worker, notification, monitoring)
# The production packages have their own stage, so that a change of code does not reinstall them.

FROM node:24-bookworm-slim AS packages
ARG SERVICE
# 1 adds the OpenTelemetry SDK; see docs/tracing.md.
ARG TRACING=
WORKDIR /app
COPY package.json package-lock.json ./
COPY api/package.json api/
COPY api/web/package.json api/web/
COPY worker/package.json worker/
COPY notification/package.json notification/
COPY monitoring/package.json monitoring/
COPY shared/package.json shared/
COPY local/package.json local/
COPY load_test/package.json load_test/
COPY test_images/package.json test_images/
RUN npm ci $(test -n "${TRACING}" || echo --omit=dev) --workspace=shared --workspace=${SERVICE} --no-audit --no-fund --loglevel=error \
 && npm cache clean --force

# The web page, which only the API serves.
FROM node:24-bookworm-slim AS page
ARG SERVICE
WORKDIR /app
COPY package.json package-lock.json tsconfig.json ./
COPY api/web/package.json api/web/
RUN mkdir built && test "${SERVICE}" != api || npm ci --workspace=api/web --no-audit --no-fund --loglevel=error
COPY api/web api/web
COPY shared/contracts shared/contracts
RUN test "${SERVICE}" != api || { npm run build --silent --workspace=api/web && mkdir built/web && mv api/web/dist built/web/; }

FROM node:24-bookworm-slim
ARG SERVICE
ENV NODE_ENV=development
WORKDIR /app
COPY --from=packages /app/node_modules node_modules
# Owned by the user of the service: with a strict umask, cloned files are readable by their owner only.
COPY --chown=node:node package.json docker/healthy.sh ./
COPY --chown=node:node shared shared
COPY --chown=node:node ${SERVICE} ${SERVICE}
COPY --from=page --chown=node:node /app/built ${SERVICE}/
USER node
WORKDIR /app/${SERVICE}
# A small young generation, as without Docker: an idle service stays below 100 MB.
CMD ["node", "--max-semi-space-size=8", "--heap-growing-percent=100", "main.ts"]
