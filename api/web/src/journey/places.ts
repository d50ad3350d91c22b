import { closestDelay, isSlowJob } from '../../../../shared/contracts/job-order.ts';
import type { PageSettings } from '../../../page/page-routes.ts';
import type { Job } from '../live/jobs.ts';

/** A box of the drawing. Coordinates are in pixels of the drawing, of its upper left corner. */
export interface Place {
  readonly id: string;
  readonly kind: 'client' | 'exchange' | 'queue' | 'worker' | 'result';
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  /** What RabbitMQ calls it; the page translates the names of the others. */
  readonly name: string;
  readonly description: string;
  /** Of a worker: how many jobs it processes at a time, and whether it consumes jobs. */
  readonly slots?: number;
  readonly isIdle?: boolean;
}

export interface Edge {
  readonly from: string;
  readonly to: string;
  readonly kind: 'binding' | 'dead-letter' | 'delay' | 'other';
  /** A routing key or a delay. */
  readonly label: string;
}

export interface Drawing {
  readonly width: number;
  readonly height: number;
  readonly places: readonly Place[];
  readonly edges: readonly Edge[];
}

/** A worker as the drawing shows it. */
export interface DrawnWorker {
  readonly name: string;
  readonly slots: number;
  readonly isLive: boolean;
}

/** A picture and what is around it. */
export const CELL = { width: 44, height: 58, picture: 38, left: 9, top: 28 };
const GAP = { x: 62, y: 16 };
const WIDTH = { exchange: 122, queue: 238, worker: 276, result: 150 } as const;
/** Before a queue, there is room for a routing key. */
const KEY_WIDTH = 34;
const EXCHANGE_HEIGHT = 44;
const WORK_QUEUE_ROWS = 2;
const RESULT_ROWS = 4;

type Topology = Pick<PageSettings, 'queues' | 'exchanges' | 'retry_delays'>;

/** How many pictures fit beside each other into a box. */
export function cellsPerRow({ width }: Pick<Place, 'width'>): number {
  return Math.floor((width - CELL.left) / CELL.width);
}

/** How many pictures fit into a box. */
export function cellsIn(place: Place): number {
  return cellsPerRow(place) * Math.floor((place.height - CELL.top) / CELL.height);
}

/** The cell of a job in the box of its worker: a slow image, which has no slot, is after the slots. */
export function cellOfSlot({ slots = 0 }: Place, slot: number | undefined): number {
  return slot === undefined ? slots : slot - 1;
}

const heightOf = (rows: number) => CELL.top + rows * CELL.height;

/**
 * Draws the part of the topology that jobs travel, from the table that the services declare: exchanges on the left of
 * the queues that are bound to them, workers and results on the right.
 * @param workers in their order
 */
export function drawTopology({ queues, exchanges }: Topology, workers: readonly DrawnWorker[]): Drawing {
  const jobQueues = orderQueues(
    queues.filter(({ name }) => name.startsWith('image.jobs.') && !name.endsWith('.recorder')),
  );
  const columns = columnsOf(['exchange', 'queue', 'worker', 'result']);
  const queuePlaces = stacked(
    jobQueues.map(({ name, description }) => ({
      id: name,
      kind: 'queue',
      x: columns.queue,
      width: WIDTH.queue,
      height: heightOf(name === WORK_QUEUE ? WORK_QUEUE_ROWS : 1),
      name,
      description,
    })),
  );
  const middle = ({ y, height }: Place) => y + height / 2;
  const exchangePlaces = exchanges.flatMap(({ name, description }): Place[] => {
    const bound = queuePlaces.filter(({ id }) => isBound(jobQueues, id, name)).map(middle);
    if (bound.length === 0) return [];
    const y = bound.reduce((sum, one) => sum + one, 0) / bound.length - EXCHANGE_HEIGHT / 2;
    const size = { width: WIDTH.exchange, height: EXCHANGE_HEIGHT };
    return [{ id: name, kind: 'exchange', x: columns.exchange, y, ...size, name, description }];
  });
  const workerPlaces = stacked(
    workers.map(({ name, slots, isLive }) => ({
      id: workerPlace(name),
      kind: 'worker',
      x: columns.worker,
      width: WIDTH.worker,
      // One more, for a slow image.
      height: heightOf(Math.ceil((slots + 1) / cellsPerRow({ width: WIDTH.worker }))),
      name,
      description: name,
      slots,
      isIdle: !isLive,
    })),
  );
  const empty = { name: '', description: '' };
  const client: Place = {
    id: 'clients',
    kind: 'client',
    x: columns.exchange,
    y: 0,
    width: WIDTH.exchange,
    height: CELL.top,
    ...empty,
  };
  const results: Place = {
    id: 'results',
    kind: 'result',
    x: columns.result,
    y: 0,
    width: WIDTH.result,
    height: heightOf(RESULT_ROWS),
    ...empty,
  };
  const places = [client, ...exchangePlaces, ...queuePlaces, ...workerPlaces, results];
  return {
    width: columns.result + WIDTH.result,
    height: Math.max(...places.map(({ y, height }) => y + height)),
    places,
    edges: [...bindingsOf(jobQueues), ...deathsOf(jobQueues), ...travelsOf(queuePlaces, workerPlaces)],
  };
}

function columnsOf<Kind extends keyof typeof WIDTH>(kinds: readonly Kind[]): Record<Kind, number> {
  let x = 0;
  const columns = {} as Record<Kind, number>;
  for (const kind of kinds) {
    columns[kind] = x;
    x += WIDTH[kind] + GAP.x + (kind === 'exchange' ? KEY_WIDTH : 0);
  }
  return columns;
}

/** Boxes below each other. */
function stacked(boxes: readonly Omit<Place, 'y'>[]): Place[] {
  let next = 0;
  return boxes.map((box) => {
    const y = next;
    next += box.height + GAP.y;
    return { ...box, y };
  });
}

type Queue = PageSettings['queues'][number];

/** The work queues first, the retry queues by delay, the dead-letter queue last. */
function orderQueues(queues: readonly Queue[]): readonly Queue[] {
  const rank = ({ name, arguments: given }: Queue) => {
    const index = workQueues.indexOf(name);
    return index === -1
      ? Number(given['x-message-ttl'] ?? Number.MAX_SAFE_INTEGER)
      : index - workQueues.length;
  };
  return queues.toSorted((one, other) => rank(one) - rank(other));
}

const WORK_QUEUE = 'image.jobs.process';
const SLOW_QUEUE = 'image.jobs.slow';
/** The queues that workers consume. */
const workQueues: readonly string[] = [WORK_QUEUE, SLOW_QUEUE];
const DEAD_QUEUE = 'image.jobs.dead';
const workerPlace = (name: string) => `worker:${name}`;

function isBound(queues: readonly Queue[], id: string, exchange: string): boolean {
  return queues.some(
    ({ name, bindings }) => name === id && bindings.some((binding) => binding.exchange === exchange),
  );
}

function bindingsOf(queues: readonly Queue[]): Edge[] {
  return queues.flatMap(({ name, bindings }) =>
    bindings.map(({ exchange, routingKey }): Edge => ({
      from: exchange,
      to: name,
      kind: 'binding',
      label: routingKey,
    })),
  );
}

/** Where the broker sends a message that expired or was rejected. */
function deathsOf(queues: readonly Queue[]): Edge[] {
  return queues.flatMap(({ name, arguments: given }): Edge[] => {
    const exchange = given['x-dead-letter-exchange'];
    if (typeof exchange !== 'string' || exchange === '') return [];
    const isDelay = typeof given['x-message-ttl'] === 'number';
    const label = isDelay ? (name.split('.').at(-1) ?? '') : '';
    return [{ from: name, to: exchange, kind: isDelay ? 'delay' : 'dead-letter', label }];
  });
}

function travelsOf(queues: readonly Place[], workers: readonly Place[]): Edge[] {
  const work = queues.filter(({ id }) => workQueues.includes(id));
  const other = (from: string, to: string): Edge => ({ from, to, kind: 'other', label: '' });
  return [
    other('clients', 'image.jobs'),
    ...work.flatMap((queue) => workers.map(({ id }) => other(queue.id, id))),
    ...workers.map(({ id }) => other(id, 'results')),
  ];
}

/**
 * The id of the place where a job is. After its delay, a retrying job is in a work queue until a worker takes it.
 * @param now milliseconds since 1970
 */
export function placeOf(job: Job, { retry_delays }: Topology, now: number): string {
  switch (job.state) {
    case 'queued':
      return WORK_QUEUE;
    case 'processing':
      return job.worker === undefined ? WORK_QUEUE : workerPlace(job.worker);
    case 'retrying':
      if (job.retryAt !== undefined && Date.parse(job.retryAt) <= now) {
        return isSlowJob([job, ...job.steps]) ? SLOW_QUEUE : WORK_QUEUE;
      }
      return `image.jobs.retry.${retryDelayOf(job, retry_delays)}`;
    case 'completed':
      return 'results';
    case 'failed':
      return DEAD_QUEUE;
  }
}

function retryDelayOf({ retryAt, updatedAt }: Job, delays: Topology['retry_delays']): string {
  const wait = retryAt === undefined ? 0 : Date.parse(retryAt) - Date.parse(updatedAt);
  return closestDelay(wait, delays, ({ delay_ms }) => delay_ms)?.label ?? '';
}
