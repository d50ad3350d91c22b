import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '@image-pipeline/shared/errors.ts';
import { execa } from 'execa';
import { showMonitor } from '../../local/commands/monitor.ts';
import { ApiClient } from '../../local/pipeline/api-client.ts';
import { readEnvironment } from '../../local/pipeline/dotenv.ts';
import { root } from '../../local/pipeline/paths.ts';
import { currentRuntime } from '../../local/runtime/current-runtime.ts';
import type { RunningSystem } from '../../local/runtime/runtime.ts';
import { UserError } from '../../local/user-error.ts';
import { findK6 } from '../k6-program.ts';
import { runLoadTest } from '../run-load-test.ts';
import { compareWorkers, readWorkerSettings } from './compare-workers.ts';
import { deadLetterQueue } from './dead-letter-queue.ts';
import { faultTolerance } from './fault-tolerance.ts';
import { guided } from './guide.ts';
import { Monitoring } from './monitoring.ts';
import { peakLoad } from './peak-load.ts';

const NEEDED_WORKERS = 2;
const REPORT = 'load_test/results/report.html';

/** `make experiment-1`: fault tolerance. Afterwards, the number of workers is the same as before. */
export async function experiment1(): Promise<void> {
  const runtime = await currentRuntime();
  const { system } = await runtime.ensureUp();
  const before = system.readyWorkers;
  await guided(async (guide) => {
    try {
      if (before < NEEDED_WORKERS) {
        guide.say(`This experiment needs ${NEEDED_WORKERS} workers; ready: ${before}.`);
        await guide.run(`make scale N=${NEEDED_WORKERS}`, () => runtime.scale(NEEDED_WORKERS));
      }
      await faultTolerance(guide, {
        api: new ApiClient(system.apiUrl),
        monitoring: new Monitoring(system.monitoringUrl),
        workers: runtime,
      });
    } finally {
      await restore(async () => {
        if ((await runtime.workers()).length === before) return;
        guide.say('Restoring the number of workers:');
        guide.show(`make scale N=${before}`);
        await runtime.scale(before);
      });
    }
  });
}

/** `make experiment-2`: peak load. */
export async function experiment2(): Promise<void> {
  await findK6(); // fails early, with instructions, if k6 is missing
  const { monitoringUrl } = await readySystem();
  await guided((guide) =>
    peakLoad(guide, {
      monitoringUrl,
      performance: async () => {
        await showMonitor('performance_monitor', monitoringUrl ?? '', ['--once']);
      },
      burstTest: (settings) => runLoadTest('burst_test', settings),
      analyze,
    }),
  );
}

/** `make experiment-3`: the dead-letter queue. */
export async function experiment3(): Promise<void> {
  const system = await readySystem();
  const { API_TOKEN: token = '' } = await readEnvironment(root);
  const monitoring = new Monitoring(system.monitoringUrl);
  await guided((guide) => deadLetterQueue(guide, { api: new ApiClient(system.apiUrl), monitoring, token }));
}

/**
 * `make experiment-workers COUNT=100 REPEATS=3 WORKERS_LIST=1,2,3,5 SEED=42`. Afterwards, the workers are the same as
 * before, and a system that was started for the experiment is stopped again.
 */
export async function experimentWorkers(
  count: string,
  repeats: string,
  workers: string,
  seed: string,
): Promise<void> {
  const settings = readWorkerSettings({ count, repeats, workers, seed });
  await findK6(); // fails early, with instructions, if k6 is missing
  const runtime = await currentRuntime();
  const { system, started } = await runtime.ensureUp();
  const before = system.readyWorkers;
  await guided(async (guide) => {
    try {
      await compareWorkers(guide, settings, {
        monitoring: new Monitoring(system.monitoringUrl),
        scale: (number, slots) => runtime.scale(number, slots),
        bulkUpload: (given) => runLoadTest('bulk_upload', given),
        analyze,
      });
    } finally {
      await restore(async () => {
        if (started) {
          guide.say('The system was not running before the experiment, so it is stopped:');
          guide.show('make down');
          await runtime.down();
        } else {
          guide.say('Restoring the workers:');
          guide.show(`make scale N=${before} SLOTS=default`);
          await runtime.scale(before, 'default');
        }
      });
    }
    if (existsSync(join(root, REPORT))) guide.say(`Open the report in a browser: ${REPORT}`);
  });
}

/** Runs in `finally`: a failure is reported without hiding the error that ended the experiment. */
async function restore(action: () => Promise<void>): Promise<void> {
  try {
    await action();
  } catch (error) {
    console.error(`The workers could not be restored: ${messageOf(error)}`);
    process.exitCode = 1;
  }
}

/** The system, which is started if necessary. @throws UserError if no worker is ready */
async function readySystem(): Promise<RunningSystem> {
  const runtime = await currentRuntime();
  const { system } = await runtime.ensureUp();
  if (system.readyWorkers > 0) return system;
  throw new UserError(
    'No worker is running, so no image would be processed. To start one: make start-worker',
  );
}

/** @throws UserError if the analysis fails; it prints the reason itself */
async function analyze(): Promise<void> {
  const script = join(root, 'load_test/analyze_results.ts');
  const { exitCode } = await execa(process.execPath, [script], {
    cwd: root,
    stdio: 'inherit',
    reject: false,
  });
  if (exitCode === 0) return;
  throw new UserError(
    `The analysis failed with exit code ${exitCode ?? 1}. The results are in load_test/results. To analyze them again: npx node load_test/analyze_results.ts`,
  );
}
