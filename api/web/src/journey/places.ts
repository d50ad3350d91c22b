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

const BOX = { width: 152, height: 88 };
const GAP = { x: 66, y: 22 };

type Topology = Pick<PageSettings, 'queues' | 'exchanges' | 'retry_delays'>;

/**
 * Draws the part of the topology that jobs travel, from the table that the services declare: exchanges on the left of
 * the queues that are bound to them, workers and results on the right.
 * @param workers names of the workers, in their order
 */
export function drawTopology({ queues, exchanges }: Topology, workers: readonly string[]): Drawing {
  const jobQueues = queues.filter(
    ({ name }) => name.startsWith('image.jobs.') && !name.endsWith('.recorder'),
  );
  const sources = new Set(jobQueues.flatMap(({ bindings }) => bindings.map(({ exchange }) => exchange)));
  const rows = orderQueues(jobQueues);
  const column = (index: number) => index * (BOX.width + GAP.x);
  const row = (index: number) => index * (BOX.height + GAP.y);
  const box = (place: Omit<Place, 'width' | 'height'>): Place => ({ ...place, ...BOX });

  const queuePlaces = rows.map((queue, index) =>
    box({
      id: queue.name,
      kind: 'queue',
      x: column(2),
      y: row(index),
      name: queue.name,
      description: queue.description,
    }),
  );
  const exchangePlaces = exchanges
    .filter(({ name }) => sources.has(name))
    .map(({ name, description }) => {
      const bound = queuePlaces.filter(({ id }) => isBound(rows, id, name)).map(({ y }) => y);
      const y = bound.reduce((sum, one) => sum + one, 0) / bound.length;
      return box({ id: name, kind: 'exchange', x: column(1), y, name, description });
    });
  const workerPlaces = workers.map((name, index) =>
    box({ id: `worker:${name}`, kind: 'worker', x: column(3), y: row(index), name, description: '' }),
  );
  const client = box({ id: 'clients', kind: 'client', x: 0, y: 0, name: '', description: '' });
  const results = box({ id: 'results', kind: 'result', x: column(4), y: 0, name: '', description: '' });
  const places = [client, ...exchangePlaces, ...queuePlaces, ...workerPlaces, results];
  return {
    width: column(4) + BOX.width,
    height: Math.max(...places.map(({ y }) => y)) + BOX.height,
    places,
    edges: [...bindingsOf(rows), ...deathsOf(rows), ...travelsOf(queuePlaces, workers)],
  };
}

type Queue = PageSettings['queues'][number];

/** The work queue first, the retry queues by delay, the dead-letter queue last. */
function orderQueues(queues: readonly Queue[]): readonly Queue[] {
  const rank = ({ name, arguments: given }: Queue) =>
    name === WORK_QUEUE ? -1 : Number(given['x-message-ttl'] ?? Number.MAX_SAFE_INTEGER);
  return queues.toSorted((one, other) => rank(one) - rank(other));
}

const WORK_QUEUE = 'image.jobs.process';
const DEAD_QUEUE = 'image.jobs.dead';

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
    const ttl = given['x-message-ttl'];
    const isDelay = typeof ttl === 'number';
    return [
      {
        from: name,
        to: exchange,
        kind: isDelay ? 'delay' : 'dead-letter',
        label: isDelay ? delayIn(name) : '',
      },
    ];
  });
}

const delayIn = (queue: string) => queue.split('.').at(-1) ?? '';

function travelsOf(queues: readonly Place[], workers: readonly string[]): Edge[] {
  const work = queues.find(({ id }) => id === WORK_QUEUE);
  const other = (from: string, to: string): Edge => ({ from, to, kind: 'other', label: '' });
  return [
    other('clients', 'image.jobs'),
    ...(work === undefined ? [] : workers.map((name) => other(WORK_QUEUE, `worker:${name}`))),
    ...workers.map((name) => other(`worker:${name}`, 'results')),
  ];
}

/** The id of the place where a job is. */
export function placeOf(job: Job, { retry_delays }: Topology): string {
  switch (job.state) {
    case 'queued':
      return WORK_QUEUE;
    case 'processing':
      return job.worker === undefined ? WORK_QUEUE : `worker:${job.worker}`;
    case 'retrying':
      return `image.jobs.retry.${retryDelayOf(job, retry_delays)}`;
    case 'completed':
      return 'results';
    case 'failed':
      return DEAD_QUEUE;
  }
}

/** The delay that comes closest to the announced return. */
function retryDelayOf({ retryAt, updatedAt }: Job, delays: Topology['retry_delays']): string {
  const wait = retryAt === undefined ? 0 : Date.parse(retryAt) - Date.parse(updatedAt);
  const [closest] = delays.toSorted(
    (one, other) => Math.abs(one.delay_ms - wait) - Math.abs(other.delay_ms - wait),
  );
  return closest?.label ?? '';
}
