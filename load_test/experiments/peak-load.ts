import { readFile } from 'node:fs/promises';
import { UserError } from '../../local/user-error.ts';
import { percentilesOf, recoveries, throughput, timesToResult } from '../calculate.ts';
import { loadTestResultSchema } from '../result.ts';
import { concludePeakLoad } from './conclusions.ts';
import { type Guide, right } from './guide.ts';

const SETTINGS = { BURST: '50', INTERVAL: '5', ROUNDS: '3' } as const;

interface PeakLoadTools {
  /** URL of the monitoring service; undefined if it is not running. */
  readonly monitoringUrl: string | undefined;
  /** Prints the view of `make performance` once. */
  performance(): Promise<void>;
  /** @returns the path of the result file */
  burstTest(settings: Readonly<Record<string, string>>): Promise<string>;
  analyze(): Promise<void>;
}

/**
 * Experiment 2: sends bursts of images, and shows the performance before and after them.
 * @throws UserError if a job was lost, or the load test cannot be run
 */
export async function peakLoad(guide: Guide, tools: PeakLoadTools): Promise<void> {
  const { BURST, INTERVAL, ROUNDS } = SETTINGS;
  guide.title(
    'Experiment 2: peak load',
    `${BURST} images arrive at once, every ${INTERVAL} seconds, ${ROUNDS} times. ` +
      'You will see how the queue absorbs the peak, and how long the images wait.',
  );

  guide.step('Before the peak');
  await showPerformance(guide, tools);

  guide.step('The peak');
  await guide.predict(`${BURST} images arrive at the same time. What happens to the uploads?`, [
    'most are rejected, because the workers are busy',
    'each takes as long as processing its image',
    'they are accepted immediately, and the images wait in the queue',
  ]);
  const file = await guide.run(`make load-burst BURST=${BURST} INTERVAL=${INTERVAL} ROUNDS=${ROUNDS}`, () =>
    tools.burstTest(SETTINGS),
  );
  guide.stop.throwIfAborted();

  guide.step('After the peak');
  await showPerformance(guide, tools);
  const result = loadTestResultSchema.parse(JSON.parse(await readFile(file, 'utf8')));
  const seconds = (value: number | null | undefined) =>
    value === null || value === undefined ? '-' : `${value.toFixed(1)} s`;
  guide.evidence(
    'The queue during each burst:',
    [right('BURST'), right('IMAGES'), right('WAITING BEFORE'), right('PEAK'), right('RECOVERED AFTER')],
    recoveries(result).map(({ number, size, before, peak, seconds: after }) => [
      String(number),
      String(size),
      String(before),
      String(peak),
      seconds(after),
    ]),
  );
  const times = percentilesOf(timesToResult(result.jobs));
  const uploads = result.uploads.seconds;
  guide.evidence(
    `Times (${throughput(result.jobs).toFixed(1)} images per second):`,
    [{ title: '' }, right('p50'), right('p95'), right('p99')],
    [
      ['upload', seconds(uploads?.p50), seconds(uploads?.p95), seconds(uploads?.p99)],
      ['upload to result', seconds(times?.p50), seconds(times?.p95), seconds(times?.p99)],
    ],
  );

  guide.step('The analysis');
  await guide.run('npx node load_test/analyze_results.ts', () => tools.analyze());
  guide.conclude(concludePeakLoad(result));
}

async function showPerformance(guide: Guide, tools: PeakLoadTools): Promise<void> {
  const { monitoringUrl } = tools;
  if (monitoringUrl === undefined) {
    throw new UserError('The monitoring service is not running. See: make ps, make logs SERVICE=monitoring');
  }
  const line = `npx node monitoring/performance_monitor.ts --once --url ${monitoringUrl}`;
  await guide.run(line, () => tools.performance());
}
