import { readiness } from '@image-pipeline/shared/http/service-server.ts';
import type { Metrics } from '@image-pipeline/shared/metrics.ts';
import type { RequestHandler } from 'express';
import { z } from 'zod';
import type { Operations } from '../openapi/operation.ts';
import type { ReadQueueMetrics } from '../pipeline-status/queue-metrics.ts';

/** `GET /livez`: the process responds. */
export const livenessRoute: RequestHandler = (_request, response) => {
  response.json({ status: 'ok' });
};

/** `GET /readyz`: broker, store and event log are available. */
export function readinessRoute(whyNotReady: () => Promise<string | undefined>): RequestHandler {
  return async (_request, response) => {
    const { status, body } = readiness(await whyNotReady());
    response.status(status).json(body);
  };
}

/** `GET /metrics`: metrics of queues that the broker does not return are left out, never repeated. */
export function metricsRoute(metrics: Metrics, readQueueMetrics: ReadQueueMetrics): RequestHandler {
  return async (_request, response) => {
    const queues = await readQueueMetrics();
    metrics.clear('rabbitmq_queue_messages_ready');
    metrics.clear('rabbitmq_queue_consumers');
    for (const [queue, { ready, consumers }] of queues ?? []) {
      metrics.set('rabbitmq_queue_messages_ready', ready, { queue });
      metrics.set('rabbitmq_queue_consumers', consumers, { queue });
    }
    response.setHeader('Content-Type', metrics.contentType);
    response.end(await metrics.render());
  };
}

const okSchema = z.object({ status: z.literal('ok') });
const readySchema = z.object({ status: z.literal('ready') });
const notReadySchema = z.object({ status: z.literal('not_ready'), reason: z.string() });

/** The OpenAPI entries of health and metrics. */
export const healthOperations = {
  'GET /livez': {
    id: 'isAlive',
    tag: 'Service',
    summary: 'Check that the process responds',
    description: 'Needs neither broker nor store: a process that does not respond should be restarted.',
    responses: { 200: { description: 'It responds.', types: { 'application/json': okSchema } } },
    problems: [],
  },
  'GET /readyz': {
    id: 'isReady',
    tag: 'Service',
    summary: 'Check that broker, store and event log are available',
    description: 'Uploads fail while it is not ready. The process should not be restarted for that.',
    responses: {
      200: { description: 'They are available.', types: { 'application/json': readySchema } },
      503: {
        description: 'At least one is unavailable; the reason says which.',
        types: { 'application/json': notReadySchema },
      },
    },
    problems: [],
  },
  'GET /metrics': {
    id: 'readMetrics',
    tag: 'Service',
    summary: 'Metrics for Prometheus',
    description: 'Metrics of this replica, and the length of every queue as RabbitMQ reports it now.',
    responses: { 200: { description: 'Prometheus text format.', types: { 'text/plain': undefined } } },
    problems: [],
  },
} as const satisfies Operations;
