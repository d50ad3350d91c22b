import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { buildTopology } from '@image-pipeline/shared/broker/topology.ts';
import express, { type RequestHandler } from 'express';
import { z } from 'zod';
import type { ApiConfig } from '../config.ts';
import type { Operations } from '../openapi/operation.ts';

/** Vite's output: see `../web`. Everything in `assets` has its digest in its name. */
const folder = join(import.meta.dirname, '../web/dist');

const port = z.int().min(1).max(65_535).nullable();

export const pageSettingsSchema = z
  .object({
    notification_url: z.string().meta({ description: 'Base URL of WebSockets; empty: none is configured.' }),
    is_production: z
      .boolean()
      .meta({ description: 'Lists and live events require the API token then, and nothing can be broken.' }),
    tools: z
      .object({ rabbitmq: port, grafana: port, minio_console: port })
      .meta({ description: 'Ports of other web pages on the same host; null: it does not run.' }),
    retry_delays: z.array(z.object({ label: z.string(), delay_ms: z.int() })),
    exchanges: z.array(z.object({ name: z.string(), type: z.string(), description: z.string() })),
    queues: z.array(
      z.object({
        name: z.string(),
        description: z.string(),
        arguments: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
        bindings: z.array(z.object({ exchange: z.string(), routingKey: z.string() })),
      }),
    ),
  })
  .meta({ id: 'PageSettings', description: 'What the web page needs to know: addresses and the topology.' });

export type PageSettings = z.output<typeof pageSettingsSchema>;

/** `GET /`: the web page, or the documentation if the page was not built. */
export function pageRoute(notificationUrl: string): RequestHandler {
  const policy = [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' blob:",
    `connect-src 'self' ${notificationUrl}`.trimEnd(),
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
  return (_request, response) => {
    if (!existsSync(join(folder, 'index.html'))) {
      response.redirect('/docs');
      return;
    }
    response.setHeader('Content-Security-Policy', policy);
    response.setHeader('Cache-Control', 'no-cache');
    response.sendFile('index.html', { root: folder });
  };
}

/** `/assets`: the scripts, styles and icon of the page. */
export const pageAssets = express.static(join(folder, 'assets'), {
  index: false,
  redirect: false,
  maxAge: '1y',
  immutable: true,
});

/** `GET /page.json` */
export function pageSettingsRoute(settings: PageSettings): RequestHandler {
  return (_request, response) => void response.json(settings);
}

type PageConfig = Pick<
  ApiConfig,
  | 'NODE_ENV'
  | 'PUBLIC_NOTIFICATION_URL'
  | 'RETRY_DELAYS'
  | 'WEBHOOK_RETRY_DELAYS'
  | 'RABBITMQ_MANAGEMENT_PORT'
  | 'GRAFANA_PORT'
  | 'MINIO_CONSOLE_PORT'
>;

export function pageSettings(config: PageConfig): PageSettings {
  const { exchanges, queues } = buildTopology({
    jobs: config.RETRY_DELAYS,
    webhooks: config.WEBHOOK_RETRY_DELAYS,
  });
  return {
    notification_url: config.PUBLIC_NOTIFICATION_URL,
    is_production: config.NODE_ENV === 'production',
    tools: {
      rabbitmq: config.RABBITMQ_MANAGEMENT_PORT || null,
      grafana: config.GRAFANA_PORT || null,
      minio_console: config.MINIO_CONSOLE_PORT || null,
    },
    retry_delays: config.RETRY_DELAYS.map(({ label, delayMs }) => ({ label, delay_ms: delayMs })),
    exchanges: [...exchanges],
    queues: queues.map(({ name, description, arguments: given, bindings }) => ({
      name,
      description,
      arguments: given,
      bindings: [...bindings],
    })),
  };
}

/** The OpenAPI entries of the page. */
export const pageOperations = {
  'GET /': {
    id: 'showPage',
    tag: 'Service',
    summary: 'Get the web page',
    description:
      'Shows images on their way through the pipeline; redirects to `/docs` if the page was not built.',
    responses: {
      200: { description: 'A web page that shows the pipeline.', types: { 'text/html': undefined } },
    },
    problems: [],
  },
  'GET /page.json': {
    id: 'readPageSettings',
    tag: 'Service',
    summary: 'Get the topology and the addresses that the web page uses',
    description: 'Constant while the API runs.',
    responses: {
      200: { description: 'Topology and addresses.', types: { 'application/json': pageSettingsSchema } },
    },
    problems: [],
  },
} as const satisfies Operations;
