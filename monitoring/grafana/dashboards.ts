import { buildDashboard } from './build-dashboard.ts';
import type { Dashboard } from './dashboard.ts';
import { pipeline } from './pipeline.ts';
import { rabbitmq } from './rabbitmq.ts';
import { workersAndQueues } from './workers-and-queues.ts';

export const dashboards: readonly Dashboard[] = [pipeline, workersAndQueues, rabbitmq];

/** The content of the file for Grafana. */
export function dashboardFile(dashboard: Dashboard): string {
  return `${JSON.stringify(buildDashboard(dashboard), null, 2)}\n`;
}
