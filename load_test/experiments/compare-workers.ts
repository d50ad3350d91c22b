import { randomInt } from 'node:crypto';
import type { Runtime } from '../../local/runtime/runtime.ts';
import { MAX_WORKERS } from '../../local/supervisor/workers.ts';
import { duration } from '../../local/terminal/duration.ts';
import { UserError } from '../../local/user-error.ts';
import { type Draw, drawFrom } from '../draw.ts';
import { poll } from '../poll.ts';
import type { Guide } from './guide.ts';
import type { Monitoring } from './monitoring.ts';

/** Images before each measured run: enough that every worker has decoded some. */
const WARM_UP_IMAGES = 20;
/** A photo: enough work for the workers to be the limit, not the API that receives the uploads. */
const IMAGES = 'test_images/sample.jpg';
/** Then the number of workers is the number of jobs processed at once. */
const SLOTS = 1;
const MAX_SEED = 0x7fff_ffff;

/** The list of consumers is up to 5 s old in RabbitMQ, and up to another 5 s in monitoring. */
const COUNTED_MS = 30_000;

interface CompareWorkersTools {
  readonly monitoring: Pick<Monitoring, 'url' | 'snapshot'>;
  readonly scale: Runtime['scale'];
  bulkUpload(settings: Readonly<Record<string, string>>): Promise<string>;
  analyze(): Promise<void>;
}

/**
 * Measures the throughput of several numbers of workers, each with one slot. The caller restores the workers.
 * @throws UserError if a run fails
 */
export async function compareWorkers(
  guide: Guide,
  settings: WorkerSettings,
  tools: CompareWorkersTools,
): Promise<void> {
  const { count, repeats, workers } = settings;
  const seed = settings.seed ?? randomInt(MAX_SEED);
  const runs = planRuns(settings, drawFrom(seed));
  guide.title(
    'Experiment: throughput by number of workers',
    `${count} images are processed by ${workers.join(', ')} worker${workers.at(-1) === 1 ? '' : 's'}, ${repeats === 1 ? 'once' : `${repeats} times`} each. ` +
      'During the experiment, each worker processes one image at a time (SLOTS=1). The order is random, so that other changes on this machine do not look like an effect of the workers. ' +
      'A warm-up run precedes each measured run; the analysis ignores it.',
  );
  guide.say(`Order (to repeat it, set SEED=${seed}): ${runs.map((run) => run.workers).join(' ')}`);
  await guide.predict('how much faster are 2 workers than 1 on this machine, and 5 than 2?', [
    'proportionally: 2 times and 2.5 times',
    'about 2 times, then hardly faster',
    'no difference',
  ]);

  const since = performance.now();
  for (const [index, run] of runs.entries()) {
    guide.step(`Repeat ${run.repeat} of ${repeats}: ${run.workers} worker${run.workers === 1 ? '' : 's'}`);
    await guide.run(`make scale N=${run.workers} SLOTS=${SLOTS}`, () => tools.scale(run.workers, SLOTS));
    await untilShownByMonitoring(guide, run.workers, tools.monitoring);
    const common = { IMAGES, EXPERIMENT: 'workers', REPEAT: String(run.repeat) };
    const warmUp = { COUNT: String(Math.min(count, WARM_UP_IMAGES)), ...common, WARM_UP: '1' };
    for (const run of [warmUp, { COUNT: String(count), ...common }]) {
      await guide.run(k6Line(run), () => tools.bulkUpload(run));
      guide.stop.throwIfAborted();
    }
    const passed = (performance.now() - since) / 1_000;
    const left = (passed / (index + 1)) * (runs.length - index - 1);
    guide.say(
      `Run ${index + 1} of ${runs.length} is done${left === 0 ? '' : `; about ${duration(left)} left`}.`,
    );
  }

  guide.step('The analysis');
  await guide.run('npx node load_test/analyze_results.ts', () => tools.analyze());
}

function k6Line(settings: Readonly<Record<string, string>>): string {
  const variables = Object.entries(settings).map(([name, value]) => `-e ${name}=${value}`);
  return `k6 run load_test/bulk_upload.ts \\\n${variables.join(' ')}`;
}

/** A load test takes the list of workers from monitoring, so wait until monitoring shows the new ones. */
async function untilShownByMonitoring(
  guide: Guide,
  workers: number,
  monitoring: CompareWorkersTools['monitoring'],
): Promise<void> {
  if (monitoring.url === undefined) return;
  const counted = await poll(
    async () => {
      const live = (await monitoring.snapshot())?.workers.filter((worker) => worker.live) ?? [];
      return live.length === workers && live.every(({ slots }) => slots === SLOTS) ? true : undefined;
    },
    { deadlineMs: COUNTED_MS, stop: guide.stop },
  );
  if (counted === undefined) {
    throw new UserError(
      `The monitoring service does not show ${workers} workers with one slot each after ${COUNTED_MS / 1_000} s. See: make ps, make logs SERVICE=monitoring`,
    );
  }
}

/** The arguments of `make experiment-workers`; an empty string means the default. */
interface GivenSettings {
  readonly count: string;
  readonly repeats: string;
  readonly workers: string;
  readonly seed: string;
}

interface WorkerSettings {
  /** Images of each run. */
  readonly count: number;
  readonly repeats: number;
  /** Numbers of workers, each once, ascending. */
  readonly workers: readonly number[];
  /** Undefined: a random seed. */
  readonly seed: number | undefined;
}

const EXAMPLE = 'make experiment-workers COUNT=100 REPEATS=3 WORKERS_LIST=1,2,3,5 SEED=42';

/** @throws UserError that names the setting, what is allowed, and an example */
export function readWorkerSettings({ count, repeats, workers, seed }: GivenSettings): WorkerSettings {
  const list = (workers || '1,2,3,5').split(',').map((text) => text.trim());
  const numbers = list.map(Number);
  if (!list.every((text) => isBetween(text, 1, MAX_WORKERS))) {
    throw new UserError(
      `WORKERS_LIST is "${workers}", but must be comma-separated numbers from 1 to ${MAX_WORKERS}, for example: ${EXAMPLE}`,
    );
  }
  return {
    count: wholeNumber('COUNT', count || '100', { from: 1, to: 100_000 }),
    repeats: wholeNumber('REPEATS', repeats || '3', { from: 1, to: 100 }),
    workers: [...new Set(numbers)].sort((one, other) => one - other),
    seed: seed === '' ? undefined : wholeNumber('SEED', seed, { from: 0, to: MAX_SEED }),
  };
}

/** One measured run of the experiment. */
interface PlannedRun {
  readonly workers: number;
  /** From 1. */
  readonly repeat: number;
}

/**
 * Every number of workers once per repeat, in random order: changes of the machine during the experiment, such as its
 * temperature or other programs, affect all of them alike.
 */
export function planRuns({ workers, repeats }: WorkerSettings, draw: Draw): PlannedRun[] {
  return Array.from({ length: repeats }, (_, index) => index + 1).flatMap((repeat) =>
    shuffled(workers, draw).map((number) => ({ workers: number, repeat })),
  );
}

/** Fisher–Yates shuffle. */
function shuffled<Item>(items: readonly Item[], draw: Draw): Item[] {
  const rest = [...items];
  const order: Item[] = [];
  while (rest.length > 0) order.push(...rest.splice(draw(0, rest.length - 1), 1));
  return order;
}

function wholeNumber(name: string, given: string, { from, to }: { from: number; to: number }): number {
  if (isBetween(given, from, to)) return Number(given);
  throw new UserError(
    `${name} is "${given}", but must be a whole number from ${from} to ${to}, for example: ${EXAMPLE}`,
  );
}

const isBetween = (text: string, from: number, to: number): boolean =>
  /^\d{1,10}$/.test(text) && Number(text) >= from && Number(text) <= to;
