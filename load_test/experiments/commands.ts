import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '@image-pipeline/shared/errors.ts';
import { execa } from 'execa';
import { compareWorkers } from '../experiments/compare-workers.ts';
import { deadLetterQueue } from '../experiments/dead-letter-queue.ts';
import { faultTolerance } from '../experiments/fault-tolerance.ts';
import { guided } from '../experiments/guide.ts';
import { Monitoring } from '../experiments/monitoring.ts';
import { peakLoad } from '../experiments/peak-load.ts';
import { readWorkerSettings } from '../experiments/worker-settings.ts';
import { findK6 } from '../k6/find-k6.ts';
import { ApiClient } from '../pipeline/api-client.ts';
import { readEnvironment } from '../pipeline/dotenv.ts';
import { root } from '../pipeline/paths.ts';
import { currentRuntime } from '../runtime/current-runtime.ts';
import type { RunningSystem, Runtime } from '../runtime/runtime.ts';
import { UserError } from '../user-error.ts';
import { runLoadTest } from './load.ts';
import { showMonitor } from './monitor.ts';

const NEEDED_WORKERS = 2;
const REPORT = 'load_test/results/report.html';

/** `make experiment-1`: fault tolerance. Afterwards there are as many workers as before. */
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
  await findK6(); // or say how to get it, before anything else
  const { system } = await readySystem();
  const { monitoringUrl } = system;
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
  const { system } = await readySystem();
  const { API_TOKEN: token = '' } = await readEnvironment(root);
  const monitoring = new Monitoring(system.monitoringUrl);
  await guided((guide) => deadLetterQueue(guide, { api: new ApiClient(system.apiUrl), monitoring, token }));
}

/**
 * `make experiment-workers COUNT=100 REPEATS=3 WORKERS_LIST=1,2,3,5 SEED=42`. Afterwards the workers are as before, and a
 * system that was started for it is stopped again.
 */
export async function experimentWorkers(
  count: string,
  repeats: string,
  workers: string,
  seed: string,
): Promise<void> {
  const settings = readWorkerSettings({ count, repeats, workers, seed });
  await findK6(); // or say how to get it, before anything else
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

/** Runs in `finally`: its own failure is reported without hiding why the experiment ended. */
async function restore(action: () => Promise<void>): Promise<void> {
  try {
    await action();
  } catch (error) {
    console.error(`The workers could not be restored: ${messageOf(error)}`);
    process.exitCode = 1;
  }
}

/** The system, started if need be. @throws UserError if no worker is ready */
async function readySystem(): Promise<{ runtime: Runtime; system: RunningSystem }> {
  const runtime = await currentRuntime();
  const { system } = await runtime.ensureUp();
  if (system.readyWorkers > 0) return { runtime, system };
  throw new UserError(
    'No worker is running, so no image would be processed. To start one: make start-worker',
  );
}

/** @throws UserError if it fails, having said why */
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
