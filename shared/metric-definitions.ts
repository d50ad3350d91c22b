import { closeCodes, handshakeRefusals, type ServerMessage } from './contracts/websocket.ts';
import { errorCodes } from './errors.ts';
import type { MetricDefinitions } from './metric-definitions/definition.ts';
import { monitoringMetrics } from './metric-definitions/monitoring.ts';
import { rabbitmqMetrics } from './metric-definitions/rabbitmq.ts';
import { apiMetrics, notificationMetrics, workerMetrics } from './metric-definitions/services.ts';

/** All metrics, in one table. Label values are bounded: no job ids, no paths chosen by clients. */
export const metricDefinitions = {
  ...apiMetrics,
  ...rabbitmqMetrics,
  ...monitoringMetrics,
  ...workerMetrics,
  ...notificationMetrics,
  image_upstream_active_requests: {
    type: 'gauge',
    help: 'Calls in progress to a slow upstream, by request queue: thumbnails (object store) or management (RabbitMQ).',
    labels: ['queue'],
    services: ['api', 'monitoring'],
  },
  image_upstream_waiting_requests: {
    type: 'gauge',
    help: 'Calls that wait in a request queue: thumbnails (object store) or management (RabbitMQ).',
    labels: ['queue'],
    services: ['api', 'monitoring'],
  },
  image_store_contradictions_total: {
    type: 'counter',
    help: 'Messages that contradict the store, which decides: forged, old or of another version.',
    labels: ['kind'],
    services: ['api', 'monitoring'],
  },
} as const satisfies MetricDefinitions;

export type MetricName = keyof typeof metricDefinitions;

const messageTypes = [
  'state',
  'event',
  'reset',
  'unsubscribed',
  'error',
] as const satisfies readonly ServerMessage['type'][];

/**
 * `malformed`: an event of a job that breaks its schema; `run`: an event of a run that was never accepted; `outcome`: the end
 * of a run that has another outcome, or none; `dead_letter`: a dead letter without a failed run.
 */
const contradictions = ['malformed', 'run', 'outcome', 'dead_letter'];

/**
 * All label values of each counter. These series are exposed from the start with 0 (those kept across restarts: once
 * they are known), because Prometheus sees no increase in a series that starts at 1: the first failure would be in no rate.
 */
export const labelValues: Readonly<Partial<Record<MetricName, Readonly<Record<string, readonly string[]>>>>> =
  {
    image_uploads_refused_total: { code: Object.keys(errorCodes) },
    image_jobs_failed_total: { code: Object.keys(errorCodes) },
    image_jobs_finished_total: { result: ['completed', 'failed', 'retried', 'duplicate', 'unreadable'] },
    image_store_damaged_images_total: { kind: ['result', 'original', 'thumbnail'] },
    image_store_contradictions_total: { kind: contradictions },
    image_monitoring_refreshes_total: { result: ['ok', 'failed'] },
    image_websocket_messages_total: { type: messageTypes },
    image_websocket_refused_total: { reason: Object.keys(handshakeRefusals) },
    image_websocket_disconnects_total: { reason: [...Object.keys(closeCodes), 'bad_frame', 'dead_peer'] },
    image_webhook_deliveries_total: {
      state: ['delivered', 'retrying', 'dead', 'duplicate', 'deferred', 'unreadable'],
    },
  };
