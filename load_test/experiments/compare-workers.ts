import { randomInt } from 'node:crypto';
import { drawFrom } from '../../load_test/draw.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { duration } from '../terminal/duration.ts';
import type { Guide } from './guide.ts';
import type { Monitoring } from './monitoring.ts';
import { until } from './until.ts';
import { UserError } from '../user-error.ts';
import { planRuns, type WorkerSettings } from './worker-settings.ts';

/** Images before each measured run: enough that every worker has decoded some. */
const WARM_UP_IMAGES = 20;
/** A photo: enough work for the workers to be the limit, not the API that receives the uploads. */
const IMAGES = 'test_images/sample.jpg';
/** So that "workers" means jobs at once. */
const SLOTS = 1;
const MAX_SEED = 0x7fff_ffff;

/** RabbitMQ's list of consumers is some 5 s old, and monitoring's as well. */
const COUNTED_MS = 30_000;

export interface CompareWorkersTools {
  readonly monitoring: Pick<Monitoring, 'url' | 'snapshot'>;
  readonly scale: Runtime['scale'];
  bulkUpload(settings: Readonly<Record<string, string>>): Promise<string>;
  analyze(): Promise<void>;
}

/**
 * Measures the throughput of several numbers of workers, each with one slot. The caller puts the workers back.
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
    await untilCounted(guide, run.workers, tools.monitoring);
    const settled = { IMAGES, EXPERIMENT: 'workers', REPEAT: String(run.repeat) };
    const warmUp = { COUNT: String(Math.min(count, WARM_UP_IMAGES)), ...settled, WARM_UP: '1' };
    for (const given of [warmUp, { COUNT: String(count), ...settled }]) {
      await guide.run(k6Line(given), () => tools.bulkUpload(given));
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

/** A run writes down which workers there are, as monitoring knows them: until then it would name those of before. */
async function untilCounted(
  guide: Guide,
  workers: number,
  monitoring: CompareWorkersTools['monitoring'],
): Promise<void> {
  if (monitoring.url === undefined) return;
  const counted = await until(
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
