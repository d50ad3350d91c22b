import { createHash, randomUUID } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { root } from '../local/pipeline/paths.ts';
import { currentRuntime } from '../local/runtime/current-runtime.ts';
import { MAX_WORKERS } from '../local/supervisor/workers.ts';
import { UserError } from '../local/user-error.ts';
import { countJobs } from './calculate.ts';
import { findK6, runK6 } from './k6-program.ts';
import { INTERRUPTED } from './run-program.ts';
import { loadTestResultSchema, type Script } from './result.ts';

/** Settings of the scripts; see the comment at the top of each. */
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

/** `make load-bulk`, `make load-burst`, `make load-capacity`, with the settings of the environment. */
export async function loadTest(script: Script): Promise<void> {
  const given = SETTINGS.flatMap((name): [string, string][] => {
    const value = process.env[name];
    return value === undefined || value === '' ? [] : [[name, value]];
  });
  // For this command, WORKERS is the number for the test; for others, the number at the start of the system.
  delete process.env['WORKERS'];
  await runLoadTest(script, Object.fromEntries(given));
}

/**
 * Runs one of the k6 scripts against the running system, after scaling it to the setting WORKERS.
 * @param settings k6's `-e` variables
 * @returns the path of the result file
 * @throws UserError if the test did not run or lost a job
 */
export async function runLoadTest(
  script: Script,
  settings: Readonly<Record<string, string>>,
): Promise<string> {
  const k6 = await findK6();
  const workers = workersIn(settings['WORKERS']);
  const images = await imagePaths(settings['IMAGES'] ?? '');
  const command = k6.command([...new Set(images.map((path) => dirname(path)))]);
  const variables = { ...settings, ...(images.length === 0 ? {} : { IMAGES: images.join('\n') }) };
  // Checks the settings without sending anything, so that an invalid one is reported before anything is changed.
  const inspected = await runK6(command, 'inspect', script, variables);
  if (inspected.exitCode !== 0)
    throw new UserError(inspected.reason ?? 'k6 cannot read the script; see above.');

  const runtime = await currentRuntime();
  const { apiUrl, monitoringUrl } = await runtime.running();
  if (workers !== undefined) await runtime.scale(workers);
  const runId = `${script}-${new Date().toISOString().replace(/[-:]|\.\d+/g, '')}-${randomUUID().slice(0, 4)}`;
  const end = await runK6(command, 'run', script, {
    ...variables,
    API_URL: k6.address(apiUrl),
    ...(monitoringUrl === undefined ? {} : { MONITORING_URL: k6.address(monitoringUrl) }),
    RUN_ID: runId,
    K6_VERSION: k6.version,
    HOST_ID: createHash('sha256').update(hostname()).digest('hex').slice(0, 12),
    RUNTIME_KIND: runtime.kind,
  });
  const file = join(root, 'load_test/results', `${runId}.json`);
  const result = await readFile(file, 'utf8').catch(() => undefined);
  if (result === undefined) throw new UserError(end.reason ?? `k6 ended with exit code ${end.exitCode}.`);
  if (end.reason !== undefined) console.log(`The test stopped itself: ${end.reason}.`);
  checkResult(loadTestResultSchema.parse(JSON.parse(result)), relative(root, file));
  return file;
}

/** @throws UserError if the result is incomplete, or accepted jobs were lost */
function checkResult(
  { jobs, lost, unread, stopped }: ReturnType<typeof loadTestResultSchema.parse>,
  file: string,
): void {
  const { open } = countJobs(jobs);
  if (lost > 0 || open > 0)
    throw new UserError(`${Math.max(lost, open)} accepted jobs did not end; see ${file}`);
  if (unread > 0) throw new UserError(`${unread} accepted jobs could not be read at the end; see ${file}`);
  if (stopped !== 'interrupted') return;
  throw new UserError(`Interrupted. The results until then are in ${file}`, { exitCode: INTERRUPTED });
}

function workersIn(given: string | undefined): number | undefined {
  if (given === undefined) return undefined;
  if (/^\d{1,3}$/.test(given) && Number(given) >= 1 && Number(given) <= MAX_WORKERS) return Number(given);
  throw new UserError(`WORKERS=${given} is invalid: use a whole number from 1 to ${MAX_WORKERS}`);
}

/** The images of IMAGES, which is a folder or one file. k6 itself cannot list a folder. */
async function imagePaths(given: string): Promise<string[]> {
  if (given === '') return [];
  const path = resolve(root, given);
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) throw new UserError(`IMAGES=${given}: no such folder or file.`);
  if (found.isFile()) return [path];
  const names = (await readdir(path)).filter((name) => IMAGE_FILE.test(name)).sort();
  if (names.length === 0)
    throw new UserError(`IMAGES=${given}: the folder has no .png, .jpg, .gif or .webp file.`);
  return names.map((name) => join(path, name));
}
