import { apiMetrics } from './metric-definitions/api.ts';
import type { MetricDefinitions } from './metric-definitions/definition.ts';
import { monitoringMetrics } from './metric-definitions/monitoring.ts';
import { notificationMetrics } from './metric-definitions/notification.ts';
import { rabbitmqMetrics } from './metric-definitions/rabbitmq.ts';
import { workerMetrics } from './metric-definitions/worker.ts';

/** All metrics, in one table. Label values are bounded: no job ids, no paths chosen by clients. */
export const metricDefinitions = {
  ...apiMetrics,
  ...rabbitmqMetrics,
  ...monitoringMetrics,
  ...workerMetrics,
  ...notificationMetrics,
} as const satisfies MetricDefinitions;

export type MetricName = keyof typeof metricDefinitions;
