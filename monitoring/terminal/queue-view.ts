import { queueNames } from '@image-pipeline/shared/broker/topology.ts';
import type { Snapshot } from '@image-pipeline/shared/contracts/snapshot.ts';
import { countText, rateText, secondsText, sparkline } from './format.ts';
import { eventMetrics, type Poll } from './history.ts';
import { labelledLines } from './layout.ts';
import { queueTable } from './queue-table.ts';
import type { Paint, View } from './view.ts';

/** Queues with their depth and rates, workers, dead letters. */
export const queueView: View = {
  name: 'queue_monitor',
  description: 'Watch the queues: depth, rates, workers, dead letters.',
  title: 'Queues',
  body: ({ snapshot, history }, width, paint) => ({
    above: [
      ...queueTable(snapshot, width, paint),
      '',
      ...depthLines(snapshot, history.slice(-width), width, paint),
    ],
    below: jobLines(snapshot, width, paint),
  }),
  line(snapshot) {
    const queue = snapshot.queues.find(({ name }) => name === queueNames.process);
    const { busy, slots } = snapshot.utilisation;
    return [
      `ready=${queue?.ready ?? '-'} unacked=${queue?.unacked ?? '-'} retrying=${snapshot.jobs.retrying}`,
      `in=${rateText(queue?.publish_rate ?? null)}/s out=${rateText(queue?.ack_rate ?? null)}/s`,
      `oldest=${secondsText(queue?.head_age_seconds).replace(' ', '')} busy=${busy}/${slots}`,
      `consumers=${queue?.consumers ?? '-'} dlq=${snapshot.dead_letters.jobs ?? '-'}`,
      `unaccounted=${snapshot.ledger?.unaccounted ?? '-'}`,
    ].join(' ');
  },
};

/** From events, like the peak and the jobs below, and not from RabbitMQ, which lags. */
function depthLines({ peaks }: Snapshot, history: readonly Poll[], width: number, paint: Paint): string[] {
  const depths = eventMetrics(history, ({ jobs }) => jobs.queued);
  const known = depths.filter((depth) => depth !== undefined);
  const here = known.length === 0 ? 'unknown' : `peak ${countText(Math.max(...known))} in this chart`;
  const ever = peaks === null ? '' : `, ${countText(peaks.waiting.value)} overall`;
  return [
    ...labelledLines('Depth', `${here}${ever}, from events`, width, paint),
    paint('cyan', sparkline(depths, width)),
  ];
}

function jobLines({ jobs, ledger, dead_letters }: Snapshot, width: number, paint: Paint): string[] {
  const open = `${countText(jobs.queued)} waiting, ${countText(jobs.processing)} in progress, ${countText(jobs.retrying)} waiting for a retry`;
  const dead = `${countText(dead_letters.jobs)} jobs, ${countText(dead_letters.webhooks)} webhooks`;
  const lines = [
    ...labelledLines('Jobs', open, width, paint),
    ...labelledLines('Dead', dead, width, paint, (line) =>
      (dead_letters.jobs ?? 0) > 0 ? paint('yellow', line) : line,
    ),
  ];
  if (ledger === null) return lines;
  const { accepted, completed, failed, open: left, unaccounted } = ledger;
  const sum = `${countText(accepted)} accepted = ${countText(completed)} completed + ${countText(failed)} failed + ${countText(left)} open`;
  const missing = unaccounted === 0 ? '' : `${unaccounted} unaccounted`;
  const inRed = (line: string) => (missing === '' ? line : line.replace(missing, paint('red', missing)));
  return [
    ...lines,
    ...labelledLines('Ledger', missing === '' ? sum : `${sum} + ${missing}`, width, paint, inRed),
  ];
}
