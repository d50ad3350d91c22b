import type { Broker } from '@image-pipeline/shared/broker/broker.ts';
import { PipelineError } from '@image-pipeline/shared/errors.ts';
import { hostsOf, refuseForeignHost } from '@image-pipeline/shared/http/allowed-hosts.ts';
import { refuseEncodedBody, setSecurityHeaders } from '@image-pipeline/shared/http/http-server.ts';
import type { Logger } from '@image-pipeline/shared/log.ts';
import type { Metrics } from '@image-pipeline/shared/metrics.ts';
import type { RequestQueue } from '@image-pipeline/shared/request-queue.ts';
import compression from 'compression';
import express, { type Express, type RequestHandler } from 'express';
import type { Availability } from './availability.ts';
import type { ApiConfig, ApiLimits } from './config.ts';
import type { DeadLetterQueue } from './dead-letters/dead-letter-queue.ts';
import {
  deadLetterListRoute,
  deadLetterStatsRoute,
  removalRoute,
} from './dead-letters/dead-letter-routes.ts';
import { replayRoute, replaysRoute, replayStatusRoute } from './dead-letters/replay-routes.ts';
import { commandRoute } from './development/worker-routes.ts';
import { docsAssetRoute, docsRoute } from './docs/docs-routes.ts';
import { limitRate, refuseWhileUnavailable, requireToken } from './http/guards.ts';
import { livenessRoute, metricsRoute, readinessRoute } from './http/health.ts';
import { observe, recordJobId, traceRequest } from './http/observe.ts';
import { refuseUnknownParameters } from './http/request.ts';
import { jsonBody } from './http/request-body.ts';
import { errorHandler, notFoundHandler } from './http/send-problem.ts';
import { imageRoute, type ImageRouteDeps } from './jobs/image-route.ts';
import { jobsRoute, type JobsRouteDeps } from './jobs/list-jobs.ts';
import { readStatus } from './jobs/read-status.ts';
import { republishRoute } from './jobs/republish-route.ts';
import { statusRoute, type StatusRouteDeps } from './jobs/status-route.ts';
import { createOpenapiDocument, existsIn, operations, type Route } from './openapi/document.ts';
import type { Operation } from './openapi/operation.ts';
import {
  cacheStateRoute,
  type PipelineStatusDeps,
  queueStatusRoute,
  serverStatusRoute,
} from './pipeline-status/pipeline-status-routes.ts';
import type { ReadQueueMetrics } from './pipeline-status/queue-metrics.ts';
import { pageAssets, pageRoute, pageSettings, pageSettingsRoute } from './page/page-routes.ts';
import { queueStatsRoute, thumbnailRoute } from './thumbnails/thumbnail-routes.ts';
import type { Thumbnails } from './thumbnails/thumbnails.ts';
import { uploadRoute, type UploadRouteDeps } from './upload/upload-route.ts';

/** Of a JSON request body; a thousand ids are about 40 kB. */
const MAX_JSON_BYTES = 128 * 1024;

/** What the routes need, by room. `service.ts` builds it. */
interface AppDeps {
  readonly config: ApiConfig;
  readonly limits: Pick<ApiLimits, 'republishTimeoutMs'>;
  readonly upload: UploadRouteDeps;
  readonly jobs: StatusRouteDeps & ImageRouteDeps & JobsRouteDeps;
  readonly thumbnails: Thumbnails;
  /** The queue of thumbnail reads in front of the object store. */
  readonly thumbnailQueue: RequestQueue;
  readonly dlq: DeadLetterQueue;
  readonly pipelineStatus: PipelineStatusDeps;
  /** For commands to workers. */
  readonly broker: Pick<Broker, 'publisher'>;
  /** Of every queue, for `/metrics`. */
  readonly queueMetrics: ReadQueueMetrics;
  readonly availability: Availability;
  readonly metrics: Metrics;
  readonly log: Logger;
}

/** The HTTP application, apart from listening. */
export function createApp(deps: AppDeps): Express {
  const { config, metrics, log } = deps;
  const app = express();
  const { ALLOWED_HOSTS, PUBLIC_API_URL, PUBLIC_NOTIFICATION_URL } = config;
  const allowedHosts = [...ALLOWED_HOSTS, ...hostsOf(PUBLIC_API_URL, PUBLIC_NOTIFICATION_URL)];
  app.disable('x-powered-by');
  app.disable('etag');
  app.set('trust proxy', config.TRUSTED_PROXIES);
  // With a newline at the end, so that the prompt of a shell stays on a line of its own.
  app.response.json = function (body) {
    return this.type('json').send(`${JSON.stringify(body)}\n`);
  };
  app.use(traceRequest);
  app.use(observe(log, metrics));
  app.use(setSecurityHeaders);
  app.use((request, _response, next) => {
    refuseForeignHost(request, allowedHosts);
    refuseEncodedBody(request);
    next();
  });
  mountRoutes(app, createRoutes(deps), config.NODE_ENV === 'production');
  app.get('/docs/:asset', docsAssetRoute);
  app.use('/assets', compression(), pageAssets);
  app.use(notFoundHandler);
  app.use(errorHandler(log));
  return app;
}

/** The handlers of each operation in the OpenAPI document: its guards, then the route itself. */
function createRoutes(deps: AppDeps): Record<Route, readonly RequestHandler[]> {
  const { config, upload, jobs, thumbnails, dlq, pipelineStatus, availability, log } = deps;
  const { republishTimeoutMs: timeoutMs } = deps.limits;
  const { deadLetters, replays, replayRecords, sweeper } = dlq;
  const { store, links } = jobs;
  const document = createOpenapiDocument({
    apiUrl: config.PUBLIC_API_URL,
    isProduction: config.NODE_ENV === 'production',
    maxFiles: config.MAX_FILES,
  });
  const { whyUnavailable, whyNotReady } = availability;
  const token = requireToken(config.API_TOKEN);
  const tokenInProduction = config.NODE_ENV === 'production' ? [token] : [];
  const readState = async (jobId: string) => (await readStatus(jobId, jobs)).state;
  return {
    'POST /upload': [
      ...(config.RATE_LIMIT_PER_MINUTE === 0 ? [] : [limitRate(config.RATE_LIMIT_PER_MINUTE)]),
      refuseWhileUnavailable(whyUnavailable),
      uploadRoute(upload),
    ],
    'GET /status/{job_id}': [statusRoute(jobs)],
    'GET /jobs': [...tokenInProduction, jobsRoute(jobs)],
    'POST /jobs/republish': [
      token,
      jsonBody(MAX_JSON_BYTES),
      republishRoute({ store, links, log, monitoring: { url: config.MONITORING_URL, timeoutMs } }),
    ],
    'GET /results/{job_id}': [imageRoute('result', jobs)],
    'GET /originals/{job_id}': [imageRoute('original', jobs)],
    'GET /thumbnail/{job_id}': [thumbnailRoute(thumbnails)],
    'GET /dlq/stats': [...tokenInProduction, deadLetterStatsRoute(deadLetters)],
    'GET /dlq/messages': [...tokenInProduction, deadLetterListRoute(deadLetters, links)],
    'DELETE /dlq/messages': [
      token,
      removalRoute({
        deadLetters,
        store: upload.uploads.store,
        readState,
        sweep: (removed) => sweeper.request(removed),
      }),
    ],
    'POST /dlq/replay': [
      token,
      jsonBody(MAX_JSON_BYTES),
      replayRoute({ deadLetters, readState, replays, whyUnavailable, links }),
    ],
    'GET /dlq/replays': [...tokenInProduction, replaysRoute(replayRecords, links)],
    'GET /dlq/replays/{replay_id}': [...tokenInProduction, replayStatusRoute(replayRecords, links)],
    'GET /api/v1/queue/stats': [queueStatsRoute(deps.thumbnailQueue, thumbnails)],
    'GET /server/status': [serverStatusRoute(pipelineStatus)],
    'GET /api/server/status': [serverStatusRoute(pipelineStatus)],
    'GET /server/status/debug': [cacheStateRoute(pipelineStatus)],
    'GET /queue/status': [token, queueStatusRoute(pipelineStatus)],
    'GET /livez': [livenessRoute],
    'GET /readyz': [readinessRoute(whyNotReady)],
    'GET /metrics': [metricsRoute(deps.metrics, deps.queueMetrics)],
    'GET /openapi.json': [(_request, response) => void response.json(document)],
    'GET /docs': [docsRoute],
    'GET /': [pageRoute(config.PUBLIC_NOTIFICATION_URL)],
    'GET /page.json': [pageSettingsRoute(pageSettings(config))],
    'POST /development/commands': [token, jsonBody(MAX_JSON_BYTES), commandRoute(deps.broker)],
  };
}

/** Opened by people and probes, whose addresses may have any query. */
const unchecked: readonly string[] = ['GET /', 'GET /docs', 'GET /livez', 'GET /readyz'];

/** Mounts handlers by `METHOD /path/{parameter}`. A known path with another method is 405. */
function mountRoutes(
  app: Express,
  routes: Record<Route, readonly RequestHandler[]>,
  isProduction: boolean,
): void {
  const methodsOf = new Map<string, string[]>();
  const queries = new Map(Object.entries<Operation>(operations).map(([name, { query }]) => [name, query]));
  for (const [name, ownHandlers] of Object.entries(routes)) {
    if (!existsIn(name, isProduction)) continue;
    const [method = '', documented = ''] = name.split(' ');
    const refuse = unchecked.includes(name) ? [] : [refuseUnknownParameters(queries.get(name))];
    const handlers = [recordJobId, ...refuse, ...ownHandlers];
    const path = documented.replaceAll(/\{(\w+)\}/g, ':$1');
    methodsOf.set(path, [...(methodsOf.get(path) ?? []), ...(method === 'GET' ? ['GET', 'HEAD'] : [method])]);
    if (method === 'GET') app.get(path, ...handlers);
    else if (method === 'POST') app.post(path, ...handlers);
    else if (method === 'DELETE') app.delete(path, ...handlers);
    else throw new Error(`unknown method in ${name}`);
  }
  for (const [path, methods] of methodsOf) app.all(path, otherMethods(methods));
}

function otherMethods(allowed: readonly string[]): RequestHandler {
  return (request, response) => {
    response.setHeader('Allow', [...allowed, 'OPTIONS'].join(', '));
    if (request.method === 'OPTIONS') {
      response.status(204).end();
      return;
    }
    throw new PipelineError(
      'method_not_allowed',
      `Method not allowed. Allowed methods: ${allowed.join(', ')}.`,
      {
        details: { allowed },
      },
    );
  };
}
