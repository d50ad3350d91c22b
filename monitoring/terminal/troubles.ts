import { queueNames } from '@image-pipeline/shared/broker/topology.ts';
import type { Health, Snapshot } from '@image-pipeline/shared/contracts/snapshot.ts';

export type Trouble = 'error' | 'ALARM' | 'no workers' | 'stale';

/** The problems, the most serious first. */
export function troublesOf(snapshot: Snapshot, { status }: Health): Trouble[] {
  const found: Trouble[] = [];
  if (status === 'error') found.push('error');
  if (snapshot.alarms.length > 0) found.push('ALARM');
  if (isWaitingForWorkers(snapshot)) found.push('no workers');
  if (status === 'stale') found.push('stale');
  return found;
}

/** The problems for logs: ` alarm=memory no_workers`; empty if there are none. */
export function troublesText(snapshot: Snapshot, health: Health): string {
  const resources = new Set(snapshot.alarms.map((alarm) => alarm.split(' ')[0]));
  const texts = {
    error: 'error',
    ALARM: `alarm=${[...resources].join()}`,
    'no workers': 'no_workers',
    stale: 'stale',
  };
  return troublesOf(snapshot, health)
    .map((trouble) => ` ${texts[trouble]}`)
    .join('');
}

/** From events or from RabbitMQ, because one of them may be unavailable. */
function isWaitingForWorkers({ workers, jobs, queues }: Snapshot): boolean {
  const ready = queues.find(({ name }) => name === queueNames.process)?.ready ?? 0;
  return workers.every(({ live }) => !live) && (jobs.queued > 0 || ready > 0);
}
