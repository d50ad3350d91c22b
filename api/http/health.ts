import { messageOf, type PipelineError } from '@image-pipeline/shared/errors.ts';
import { readiness } from '@image-pipeline/shared/http/service-server.ts';
import type { Metrics } from '@image-pipeline/shared/metrics.ts';
import type { ObjectStore } from '@image-pipeline/shared/store/object-store.ts';
import { withinDeadline } from '@image-pipeline/shared/within-deadline.ts';
import type { RequestHandler } from 'express';
import { z } from 'zod';
import type { Operations } from '../openapi/operation.ts';
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

/** Nothing lies there: the question is only whether the store answers. */
const PROBE_KEY = 'state/readiness';
const PROBE_TIMEOUT_MS = 2_000;

export interface ReadinessDeps {
  /** Why no job can be accepted right now, or undefined. */
  readonly refuseBecause: () => PipelineError | undefined;
  readonly isCaughtUp: () => boolean;
  readonly store: Pick<ObjectStore, 'stat'>;
}

/** Why the service cannot do all of its work right now, or undefined when it can. */
export async function notReadyBecause({
  refuseBecause,
  isCaughtUp,
  store,
}: ReadinessDeps): Promise<string | undefined> {
  const refusal = refuseBecause();
  if (refusal !== undefined) return refusal.message;
  if (!isCaughtUp()) return 'the event log is still being read';
  try {
    await withinDeadline(PROBE_TIMEOUT_MS, () => store.stat(PROBE_KEY));
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

const okAnswer = z.object({ status: z.literal('ok') });
const readyAnswer = z.object({ status: z.literal('ready') });
const notReadyAnswer = z.object({ status: z.literal('not_ready'), reason: z.string() });

/** The OpenAPI entries of health and metrics. */
export const healthOperations = {
  'GET /livez': {
    id: 'isAlive',
    tag: 'Service',
    summary: 'Whether the process answers',
    answers: { 200: { description: 'It does.', types: { 'application/json': okAnswer } } },
    problems: [],
  },
  'GET /readyz': {
    id: 'isReady',
    tag: 'Service',
    summary: 'Whether broker, store and event log are there',
    answers: {
      200: { description: 'They are.', types: { 'application/json': readyAnswer } },
      503: {
        description: 'Not all of them; the reason says which.',
        types: { 'application/json': notReadyAnswer },
      },
    },
    problems: [],
  },
  'GET /metrics': {
    id: 'readMetrics',
    tag: 'Service',
    summary: 'Figures for Prometheus',
    answers: { 200: { description: 'Prometheus text format.', types: { 'text/plain': undefined } } },
    problems: [],
  },
} as const satisfies Operations;
