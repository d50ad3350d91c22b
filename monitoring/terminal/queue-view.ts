import { queueNames } from '@image-pipeline/shared/broker/topology.ts';
import type { QueueMetrics, Snapshot } from '@image-pipeline/shared/contracts/snapshot.ts';
import { eventMetrics, type Poll } from './history.ts';
import {
  countText,
  firstThatFits,
  fitEnd,
  labelledLines,
  rateText,
  secondsText,
  shortCountText,
  sparkline,
} from './text.ts';
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

interface Column {
  readonly title: string;
  readonly width: number;
  readonly cell: (queue: QueueMetrics) => string;
}

/** Queues that are shown even if empty. */
const always: readonly string[] = [queueNames.process, queueNames.dead, queueNames.webhooks];
const columns: readonly Column[] = [
  { title: 'READY', width: 7, cell: (queue) => shortCountText(queue.ready) },
  { title: 'UNACKED', width: 9, cell: (queue) => shortCountText(queue.unacked) },
  { title: 'IN/s', width: 7, cell: (queue) => rateText(queue.publish_rate) },
  { title: 'OUT/s', width: 7, cell: (queue) => rateText(queue.deliver_rate) },
  { title: 'ACK/s', width: 7, cell: (queue) => rateText(queue.ack_rate) },
  { title: 'CONSUMERS', width: 11, cell: (queue) => countText(queue.consumers) },
  { title: 'OLDEST', width: 8, cell: (queue) => secondsText(queue.head_age_seconds) },
];
/** Columns to drop on narrow terminals, in this order. */
const expendable = ['ACK/s', 'UNACKED', 'OUT/s', 'IN/s'];
/** For all columns but the age, which comes from events; RabbitMQ samples every 5 s. */
const titles = ['QUEUE (RabbitMQ’s, ≤ 5 s old)', 'QUEUE (RabbitMQ, ≤ 5 s)', 'QUEUE (RabbitMQ)', 'QUEUE'];
/** Minimum width of the name column. */
const SHORTEST = 'QUEUE'.length;
const PREFIX = /^image\./;

/** The queues in use, the job queue first. */
function queueTable({ queues }: Snapshot, width: number, paint: Paint): string[] {
  const ours = queues.filter(({ name }) => name !== queueNames.eventLog);
  const longest = Math.max(0, ...ours.map(({ name }) => name.length));
  const longestShort = Math.max(SHORTEST, ...ours.map(({ name }) => name.replace(PREFIX, '').length));
  const fitting = columnsFor(width - longestShort);
  const nameWidth = Math.max(SHORTEST, width - widthOf(fitting));
  const nameOf = (name: string) => (longest <= nameWidth ? name : name.replace(PREFIX, ''));
  const row = (name: string, cell: (column: Column) => string) =>
    fitEnd(name, nameWidth) + fitting.map((column) => cell(column).padStart(column.width)).join('');
  return [
    paint(
      'dim',
      row(firstThatFits(titles, nameWidth), ({ title }) => title),
    ),
    ...ours
      .filter((queue) => always.includes(queue.name) || isInUse(queue))
      .toSorted(
        (one, other) => Number(other.name === queueNames.process) - Number(one.name === queueNames.process),
      )
      .map((queue) => {
        const line = row(nameOf(queue.name), ({ cell }) => cell(queue));
        return queue.name.endsWith('.dead') && (queue.ready ?? 0) > 0 ? paint('yellow', line) : line;
      }),
  ];
}

const widthOf = (some: readonly Column[]) => some.reduce((sum, { width }) => sum + width, 0);

function columnsFor(width: number): readonly Column[] {
  let left = columns;
  for (const title of expendable) {
    if (widthOf(left) <= width) break;
    left = left.filter((column) => column.title !== title);
  }
  return left;
}

const isInUse = ({ ready, unacked, publish_rate, ack_rate }: QueueMetrics) =>
  (ready ?? 0) + (unacked ?? 0) + (publish_rate ?? 0) + ack_rate > 0;
