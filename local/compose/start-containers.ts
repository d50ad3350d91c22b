import { setTimeout as delay } from 'node:timers/promises';
import { styleText } from 'node:util';
import { prepareDotenv, readEnvironment } from '../pipeline/dotenv.ts';
import { readLocalConfig } from '../pipeline/local-config.ts';
import { root } from '../pipeline/paths.ts';
import { checkDisk, refuseToStart } from '../runtime/checks.ts';
import { firstErrorIn, startProgress } from '../runtime/start-progress.ts';
import { duration } from '../terminal/duration.ts';
import { UserError } from '../user-error.ts';
import { readComposeConfig } from './compose-config.ts';
import type { ComposeProject } from './compose-project.ts';
import { workersOf, type Container } from './container.ts';
import { configurationProblemIn, explainFailure } from './explain-failure.ts';

const DEADLINE_MS = 180_000;
const POLL_MS = 500;
const LOG_LINES = '40';
const OUT_OF_MEMORY =
  'it needs more memory than its mem_limit in docker-compose.yml. Raise the limit (for workers: WORKER_MEMORY in .env). To see how much memory Docker has: make doctor';

/**
 * Starts what has changed or is not running, and keeps the number of workers; resolves when everything is ready.
 * @throws UserError with the first failure. If the system was not running, what was started is stopped again.
 */
export async function startContainers(project: ComposeProject): Promise<void> {
  await prepareDotenv(root);
  const before = await project.containers();
  if (before.length === 0) refuseToStart(await checkDisk(root, 'docker system prune -a'));
  const ports = portVariables(await readEnvironment(root));
  console.log('Building the images. The first time takes a few minutes …');
  await run(project, ['build'], ports);
  console.log('Starting the containers …');
  const workers = workersOf(before).filter(({ state }) => state !== 'stopped').length;
  const scale = workers === 0 ? [] : ['--scale', `worker=${workers}`];
  try {
    await run(project, ['up', '-d', ...scale], ports);
    await untilReady(project, before);
  } catch (error) {
    if (before.length === 0) {
      await project.compose(['down', '--remove-orphans']);
      console.error('\nThe system did not start. The services that had started were stopped.\n');
    }
    throw error;
  }
}

/**
 * Waits until every container that was started is ready; prints each one.
 * @param before the containers before the start
 * @throws UserError if one exits meanwhile, or is not ready in time
 */
export async function untilReady(project: ComposeProject, before?: readonly Container[]): Promise<void> {
  const since = performance.now();
  const restarts = new Map(
    (before ?? (await project.containers())).map(({ id, restarts: count }) => [id, count]),
  );
  const announced = new Set<string>();
  for (;;) {
    const containers = await project.containers();
    for (const { id, name, state } of containers) {
      if (before === undefined || state !== 'ready' || announced.has(id)) continue;
      announced.add(id);
      const ready = `${styleText('green', 'ready')} after ${duration((performance.now() - since) / 1_000).padStart(6)}`;
      console.log(`  ${name.padEnd(32)}${ready}`);
    }
    const progress = startProgress(containers, ({ id }) => restarts.get(id) ?? 0);
    if (progress.is === 'ready') return;
    if (progress.is === 'failed') throw await failureOf(project, progress.service);
    if (performance.now() - since > DEADLINE_MS) {
      const names = progress.for.map(({ name }) => name).join(', ');
      throw new UserError(`Not ready after ${DEADLINE_MS / 1_000} s: ${names}. See: make ps, make logs`);
    }
    await delay(POLL_MS);
  }
}

/** @throws UserError with the reason in one line */
async function run(
  project: ComposeProject,
  args: readonly string[],
  ports: ReadonlyMap<number, string>,
): Promise<void> {
  const { exitCode, text } = await project.compose(args);
  if (exitCode === 0) return;
  // Compose reports only that a container is unhealthy or has exited (2.x, 1.29); its log says why.
  const containers = await project.containers();
  const ended =
    containers.find(({ state }) => state === 'failed') ?? containers.find(({ restarts }) => restarts > 0);
  const isContainer = /unhealthy|didn't complete successfully|exited with code/.test(text);
  if (ended !== undefined && isContainer) throw await failureOf(project, ended);
  throw new UserError(`${project.commandLine} ${args[0] ?? ''}: ${explainFailure(text, ports)}`);
}

async function failureOf(project: ComposeProject, container: Container): Promise<UserError> {
  const { id, name, exitCode, outOfMemory } = container;
  const log = await project.docker(['logs', '--tail', LOG_LINES, id]);
  const reason = outOfMemory
    ? OUT_OF_MEMORY
    : (configurationProblemIn(log) ?? firstErrorIn(log) ?? 'see its log');
  return new UserError(
    [
      `${name} exited before it was ready: ${reason}`,
      `Last lines of its log (docker logs ${name}):`,
      '',
      log,
    ].join('\n'),
    { exitCode: exitCode === 78 ? 78 : 1 },
  );
}

export function portVariables(env: NodeJS.ProcessEnv): Map<number, string> {
  const { API_PORT, NOTIFICATION_PORT, MONITORING_PORT, PROMETHEUS_PORT } = readLocalConfig(env);
  const { RABBITMQ_MANAGEMENT_PORT, MINIO_PORT, MINIO_CONSOLE_PORT, GRAFANA_PORT } = readComposeConfig(env);
  const ports = {
    API_PORT,
    NOTIFICATION_PORT,
    MONITORING_PORT,
    RABBITMQ_MANAGEMENT_PORT,
    MINIO_PORT,
    MINIO_CONSOLE_PORT,
    PROMETHEUS_PORT,
    GRAFANA_PORT,
  };
  return new Map(Object.entries(ports).map(([name, port]) => [port, name]));
}
