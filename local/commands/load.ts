import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { execa } from 'execa';
import { findK6 } from '../k6/find-k6.ts';
import { root } from '../pipeline/paths.ts';
import { currentRuntime } from '../runtime/current-runtime.ts';
import type { RunningSystem } from '../runtime/runtime.ts';
import { UserError } from '../user-error.ts';
import { scale } from './scale.ts';

export type LoadTest = 'bulk_upload' | 'burst_test' | 'capacity_test';

/** What the scripts take; see the top of each. */
const SETTINGS = [
  'COUNT',
  'VUS',
  'WORKERS',
  'BURST',
  'INTERVAL',
  'ROUNDS',
  'RATE',
  'FACTOR',
  'STEPS',
  'STEP_SECONDS',
  'LIMIT',
  'MAX_VUS',
  'IMAGES',
  'OPERATIONS',
  'JOB_TIMEOUT',
] as const;

const IMAGE_FILE = /\.(png|jpe?g|gif|webp)$/i;
/** k6's exit code for a test that stopped itself. */
const ABORTED = 108;
const LOST_JOBS = 99;

/** `make load-bulk`, `make load-burst`, `make load-capacity`: settings are those of the environment. */
export async function load(script: LoadTest): Promise<void> {
  await runLoadTest(
    script,
    Object.fromEntries(SETTINGS.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : []))),
  );
}

/**
 * Runs one of the load tests by k6 against the running system, after scaling it to the setting WORKERS.
 * @param settings k6's `-e` variables
 * @returns the path of the result file
 * @throws UserError if the test did not run or lost a job
 */
export async function runLoadTest(
  script: LoadTest,
  settings: Readonly<Record<string, string>>,
): Promise<string> {
  const k6 = await findK6();
  const images = await imagePaths(settings['IMAGES'] ?? '');
  const system = await (await currentRuntime()).running();
  if (settings['WORKERS'] !== undefined) await scale(settings['WORKERS'], '');

  const runId = `${script}-${new Date().toISOString().replace(/[-:]|\.\d+/g, '')}-${randomUUID().slice(0, 4)}`;
  const variables = {
    ...settings,
    ...(images.length === 0 ? {} : { IMAGES: images.join('\n') }),
    ...addresses(system, k6.address),
    RUN_ID: runId,
    K6_VERSION: k6.version,
  };
  const [program, ...first] = k6.command([...new Set(images.map((path) => dirname(path)))]);
  const { exitCode } = await execa(
    program,
    [
      ...first,
      'run',
      '--no-usage-report',
      '--log-format=raw',
      // Its banner and progress bar are for terminals.
      ...(process.stdout.isTTY ? [] : ['--quiet']),
      ...Object.entries(variables).flatMap(([name, value]) => ['-e', `${name}=${value}`]),
      `load_test/${script}.ts`,
    ],
    { cwd: root, stdio: 'inherit', reject: false },
  );
  const file = join(root, 'load_test/results', `${runId}.json`);
  if (!existsSync(file)) throw new UserError('The load test did not run. See the output of k6 above.');
  if (exitCode === LOST_JOBS) throw new UserError(`Accepted jobs were lost. See ${relative(root, file)}`);
  if (exitCode !== 0 && exitCode !== ABORTED) {
    throw new UserError(`k6 failed with exit code ${exitCode ?? 'none'}. See its output above.`);
  }
  return file;
}

function addresses({ apiUrl, monitoringUrl }: RunningSystem, reach: (url: string) => string) {
  return {
    API_URL: reach(apiUrl),
    ...(monitoringUrl === undefined ? {} : { MONITORING_URL: reach(monitoringUrl) }),
  };
}

/** The images that IMAGES names: those of a folder, or one file. k6 itself cannot list a folder. */
async function imagePaths(given: string): Promise<string[]> {
  if (given === '') return [];
  const path = resolve(root, given);
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) throw new UserError(`IMAGES=${given}: no such file or folder.`);
  if (found.isFile()) return [path];
  const names = (await readdir(path)).filter((name) => IMAGE_FILE.test(name)).sort();
  if (names.length === 0)
    throw new UserError(`IMAGES=${given}: the folder contains no .png, .jpg, .gif or .webp file.`);
  return names.map((name) => join(path, name));
}
