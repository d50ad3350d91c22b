import { apiMetrics } from './metric-definitions/api.ts';
import type { MetricDefinitions } from './metric-definitions/definition.ts';
import { monitoringMetrics } from './metric-definitions/monitoring.ts';
import { notificationMetrics } from './metric-definitions/notification.ts';
import { rabbitmqMetrics } from './metric-definitions/rabbitmq.ts';
import { workerMetrics } from './metric-definitions/worker.ts';

/** Every metric of ours, in one table. Labels are bounded: no job ids, no paths that a caller can make up. */
export const metricDefinitions = {
  ...apiMetrics,
  ...rabbitmqMetrics,
  ...monitoringMetrics,
  ...workerMetrics,
  ...notificationMetrics,
} as const satisfies MetricDefinitions;

export type MetricName = keyof typeof metricDefinitions;
