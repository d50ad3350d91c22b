import { readiness } from '@image-pipeline/shared/http/service-server.ts';
import type { Metrics } from '@image-pipeline/shared/metrics.ts';
import type { RequestHandler } from 'express';
import type { ReadQueueFigures } from '../pipeline-status/queue-metrics.ts';

/** `GET /livez`: the process answers. */
export const livenessRoute: RequestHandler = (_request, response) => {
  response.json({ status: 'ok' });
};

/** `GET /readyz`: all that the work needs is there. */
export function readinessRoute(notReadyBecause: () => Promise<string | undefined>): RequestHandler {
  return async (_request, response) => {
    const { status, body } = readiness(await notReadyBecause());
    response.status(status).json(body);
  };
}

/** `GET /metrics`: figures of queues that the broker does not give are left out, never repeated. */
export function metricsRoute(metrics: Metrics, readQueueFigures: ReadQueueFigures): RequestHandler {
  return async (_request, response) => {
    const figures = await readQueueFigures();
    metrics.clear('rabbitmq_queue_messages_ready');
    metrics.clear('rabbitmq_queue_consumers');
    for (const [queue, { ready, consumers }] of figures ?? []) {
      metrics.set('rabbitmq_queue_messages_ready', ready, { queue });
      metrics.set('rabbitmq_queue_consumers', consumers, { queue });
    }
    response.setHeader('Content-Type', metrics.contentType);
    response.end(await metrics.render());
  };
}
