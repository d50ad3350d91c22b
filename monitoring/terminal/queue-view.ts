import { exchangeNames, queueNames } from '@image-pipeline/shared/broker/topology.ts';
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
  chart,
} from './text.ts';
import type { Paint, View } from './view.ts';

/** Queues with their depth and rates, workers, dead letters. */
export const queueView: View = {
  name: 'queue_monitor',
  description: 'Watch the queues: depth, rates, workers, dead letters.',
  title: 'Queues',
  body: ({ snapshot, history }, width, paint, chartRows) => ({
    above: [
      ...queueTable(snapshot, width, paint),
      '',
      ...depthLines(snapshot, history.slice(-width), { width, rows: chartRows }, paint),
    ],
    below: jobLines(snapshot, width, paint),
  }),
  line(snapshot) {
    const queue = queueOf(snapshot, queueNames.process);
    const { busy, slots } = snapshot.utilisation;
    return [
      `ready=${queue?.ready ?? '-'} retrying=${snapshot.jobs.retrying}`,
      `in=${rateText(queue?.publish_rate ?? null)}/s out=${rateText(queue?.ack_rate ?? null)}/s`,
      `oldest=${secondsText(queue?.head_age_seconds).replace(' ', '')} busy=${busy}/${slots}`,
      `consumers=${queue?.consumers ?? '-'} dlq=${queueOf(snapshot, queueNames.dead)?.ready ?? '-'}`,
      `unaccounted=${snapshot.ledger?.unaccounted ?? '-'}`,
    ].join(' ');
  },
};

const queueOf = ({ queues }: Snapshot, queue: string) => queues.find(({ name }) => name === queue);

/** The job queue over time: the same number as in the table and in the line of jobs. */
function depthLines(
  { peaks }: Snapshot,
  history: readonly Poll[],
  { width, rows }: { width: number; rows: number },
  paint: Paint,
): string[] {
  const depths = eventMetrics(history, ({ jobs }) => jobs.queued);
  const known = depths.filter((depth) => depth !== undefined);
  const here = known.length === 0 ? 'unknown' : `peak ${countText(Math.max(...known))} in this chart`;
  const ever = peaks === null ? '' : `, ${countText(peaks.waiting.value)} overall`;
  return [
    ...labelledLines('Depth', `${here}${ever}`, width, paint),
    ...chart(depths, width, rows).map((line) => paint('cyan', line)),
  ];
}

function jobLines({ jobs, ledger }: Snapshot, width: number, paint: Paint): string[] {
  const open = `${countText(jobs.queued)} waiting, ${countText(jobs.processing)} in progress, ${countText(jobs.retrying)} waiting for a retry`;
  const lines = labelledLines('Jobs', open, width, paint);
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
  { title: 'IN/s', width: 7, cell: (queue) => rateText(queue.publish_rate) },
  { title: 'OUT/s', width: 7, cell: (queue) => rateText(queue.deliver_rate) },
  { title: 'ACK/s', width: 7, cell: (queue) => rateText(queue.ack_rate) },
  { title: 'CONSUMERS', width: 11, cell: (queue) => countText(queue.consumers) },
  { title: 'OLDEST', width: 8, cell: (queue) => secondsText(queue.head_age_seconds) },
];
/** Columns to drop on narrow terminals, in this order. */
const expendable = ['ACK/s', 'OUT/s', 'IN/s'];
/** Wider terminals do not get a wider table: its values stay beside the names. */
const WIDEST_TABLE = 100;
/** RabbitMQ measures rates every 5 s. */
const RATE_PERIOD_SECONDS = 5;
/** Minimum width of the name column. */
const SHORTEST = 'QUEUE'.length;
const PREFIX = /^image\./;
/** Exclusive queues of commands to workers and of their reports. */
const COMMANDS = `${exchangeNames.workers}.`;

/** The queues in use, the job queue first. */
function queueTable({ queues, sources }: Snapshot, available: number, paint: Paint): string[] {
  const width = Math.min(available, WIDEST_TABLE);
  const rateAge = Math.ceil((sources.management.age_seconds ?? 0) + RATE_PERIOD_SECONDS);
  const titles = [`QUEUE (rates: last ${rateAge} s)`, 'QUEUE'];
  const ours = queues.filter(({ name }) => name !== queueNames.eventLog && !name.startsWith(COMMANDS));
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
