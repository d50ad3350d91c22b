import { queueNames } from '@image-pipeline/shared/broker/topology.ts';
import type { QueueMetrics, Snapshot } from '@image-pipeline/shared/contracts/snapshot.ts';
import { countText, rateText, secondsText, shortCountText } from './format.ts';
import { firstThatFits, fitEnd } from './layout.ts';
import type { Paint } from './view.ts';

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
export function queueTable({ queues }: Snapshot, width: number, paint: Paint): string[] {
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
