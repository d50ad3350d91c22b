import { queueNames } from '@image-pipeline/shared/broker/topology.ts';
import type { QueueFigures, Snapshot } from '@image-pipeline/shared/contracts/snapshot.ts';
import { countText, fit, rateText, secondsText, shortCountText } from './figures-text.ts';
import { heading } from './heading.ts';
import { sparkline } from './sparkline.ts';
import type { Paint, View } from './view.ts';
import { workerLines } from './worker-lines.ts';

/** Shown also while they are empty. */
const always: readonly string[] = [queueNames.process, queueNames.dead, queueNames.webhooks];
/** Widths of the columns beside the name. */
const FIGURES = [7, 9, 7, 7, 7, 11, 8] as const;
const FIGURES_WIDTH = FIGURES.reduce<number>((sum, width) => sum + width, 0);

/** Queues with their depth and rates, workers, dead letters. */
export const queueView: View = {
  name: 'queue_monitor',
  description: 'Watch the queues: depth, rates, workers, dead letters.',
  lines(seen, width, paint) {
    const { snapshot } = seen;
    return [
      ...heading('Queues', seen, width, paint),
      ...queueTable(snapshot, width, paint),
      '',
      ...depthLines(seen.history, width, paint),
      '',
      ...workerLines(snapshot, width, paint),
      '',
      ...jobLines(snapshot, width, paint),
    ];
  },
  line(snapshot) {
    const queue = jobQueue(snapshot);
    const { busy, slots } = snapshot.utilisation;
    return [
      `ready=${queue?.ready ?? '-'} unacked=${queue?.unacked ?? '-'} retrying=${snapshot.jobs.retrying}`,
      `in=${rateText(queue?.publish_rate ?? 0)}/s out=${rateText(queue?.ack_rate ?? 0)}/s`,
      `oldest=${secondsText(queue?.head_age_seconds).replace(' ', '')} busy=${busy}/${slots}`,
      `consumers=${queue?.consumers ?? '-'} dlq=${snapshot.dead_letters.jobs ?? '-'}`,
      `unaccounted=${snapshot.ledger?.unaccounted ?? '-'}`,
    ].join(' ');
  },
};

const jobQueue = ({ queues }: Snapshot) => queues.find(({ name }) => name === queueNames.process);

function queueTable({ queues }: Snapshot, width: number, paint: Paint): string[] {
  const nameWidth = Math.max(10, width - FIGURES_WIDTH);
  const row = (name: string, cells: readonly string[]) =>
    fit(name, nameWidth) + cells.map((cell, i) => cell.padStart(FIGURES[i] ?? 0)).join('');
  const shown = queues
    .filter((queue) => queue.name !== queueNames.eventLog && (always.includes(queue.name) || isInUse(queue)))
    .toSorted(
      (one, other) => Number(other.name === queueNames.process) - Number(one.name === queueNames.process),
    );
  return [
    paint('dim', row('QUEUE', ['READY', 'UNACKED', 'IN/s', 'OUT/s', 'ACK/s', 'CONSUMERS', 'OLDEST'])),
    ...shown.map((queue) => {
      const line = row(queue.name, [
        shortCountText(queue.ready),
        shortCountText(queue.unacked),
        rateText(queue.publish_rate),
        rateText(queue.deliver_rate),
        rateText(queue.ack_rate),
        countText(queue.consumers),
        secondsText(queue.head_age_seconds),
      ]);
      return queue.name.endsWith('.dead') && (queue.ready ?? 0) > 0 ? paint('yellow', line) : line;
    }),
  ];
}

const isInUse = ({ ready, unacked, publish_rate, ack_rate }: QueueFigures) =>
  (ready ?? 0) + (unacked ?? 0) + (publish_rate ?? 0) + ack_rate > 0;

function depthLines(history: readonly Snapshot[], width: number, paint: Paint): string[] {
  const depths = history.flatMap((snapshot) => jobQueue(snapshot)?.ready ?? []).slice(-width);
  const peak = history.at(-1)?.peaks?.waiting.value;
  const ever = peak === undefined ? '' : `, ${countText(peak)} at the worst ever`;
  return [
    `${paint('bold', 'Depth')}     up to ${countText(Math.max(0, ...depths))} waited here${ever}`,
    paint('cyan', sparkline(depths, width)),
  ];
}

function jobLines({ jobs, ledger, dead_letters }: Snapshot, width: number, paint: Paint): string[] {
  const open = `${countText(jobs.queued)} waiting, ${countText(jobs.processing)} in work, ${countText(jobs.retrying)} to be retried`;
  const dead = `${countText(dead_letters.jobs)} jobs, ${countText(dead_letters.webhooks)} webhooks`;
  const lines = [
    `${paint('bold', 'Jobs')}      ${open}`,
    `${paint('bold', 'Dead')}      ${(dead_letters.jobs ?? 0) > 0 ? paint('yellow', dead) : dead}`,
  ];
  if (ledger === null) return lines;
  const { accepted, completed, failed, open: left, unaccounted } = ledger;
  const sum = `${countText(accepted)} accepted = ${countText(completed)} completed + ${countText(failed)} failed + ${countText(left)} open`;
  const rest = unaccounted === 0 ? '' : ` + ${unaccounted} unaccounted`;
  return [
    ...lines,
    `${paint('bold', 'Ledger')}    ${fit(sum, width - 10 - rest.length).trimEnd()}${paint('red', rest)}`,
  ];
}
