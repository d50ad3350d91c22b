import type { Logger } from '@image-pipeline/shared/log.ts';
import type { Metrics } from '@image-pipeline/shared/metrics.ts';
import express, { type Express, type RequestHandler } from 'express';
import helmet from 'helmet';
import type { Route } from './openapi/operations.ts';
import { docsAssetRoute } from './docs/docs-routes.ts';
import { mountRoutes } from './http/mount-routes.ts';
import { observe } from './http/observe.ts';
import { answerErrors, nothingHere } from './http/error-handlers.ts';
import { traceRequest } from './http/trace-request.ts';

export interface AppOptions {
  /** What answers each call: the last of several is the call itself, those before it are its guards. */
  readonly routes: Readonly<Record<Route, readonly RequestHandler[]>>;
  /** Reverse proxies before this server. */
  readonly trustedProxies: number;
  readonly metrics: Metrics;
  readonly log: Logger;
}

/** The HTTP application, apart from listening. */
export function createApp({ routes, trustedProxies, metrics, log }: AppOptions): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.set('trust proxy', trustedProxies);
  app.use(traceRequest);
  app.use(observe(log, metrics));
  app.use(securityHeaders());
  mountRoutes(app, routes);
  app.get('/docs/:asset', docsAssetRoute);
  app.use(nothingHere);
  app.use(answerErrors(log));
  return app;
}

/** Answers are data and load nothing; routes that show more set a policy of their own. */
function securityHeaders(): RequestHandler {
  return helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
    },
    // Whoever ends TLS before us decides about it.
    strictTransportSecurity: false,
  });
}
