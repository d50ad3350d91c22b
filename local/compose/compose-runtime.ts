import { styleText } from 'node:util';
import { readEnvironment } from '../pipeline/dotenv.ts';
import { root } from '../pipeline/paths.ts';
import type { Command, RunningSystem, RunningWorker, Runtime } from '../runtime/runtime.ts';
import { NOT_RUNNING } from '../supervisor/control.ts';
import { logText, mergeByTime } from '../process/log-files.ts';
import { duration } from '../terminal/duration.ts';
import { table } from '../terminal/table.ts';
import { UserError } from '../user-error.ts';
import type { ComposeProject } from './compose-project.ts';
import { workersOf, workerToStart, workerToStop, type Container } from './container.ts';
import { doctor } from './doctor.ts';
import { systemOf } from './running-containers.ts';
import { portVariables, startContainers, untilReady } from './start-containers.ts';

/** The commands of the Makefile for a system that runs with Compose. */
export class ComposeRuntime implements Runtime {
  readonly kind = 'compose';
  readonly #project: ComposeProject;

  constructor(project: ComposeProject) {
    this.#project = project;
  }

  async ensureUp() {
    const started = !(await this.#project.isRunning());
    await startContainers(this.#project);
    return { system: await this.running(), started };
  }

  async running(): Promise<RunningSystem> {
    return systemOf(await this.#containers());
  }

  async down(): Promise<void> {
    const running = await this.#project.isRunning();
    if (running) console.log('Stopping. The workers finish their current jobs …');
    await this.#compose(['down', '--remove-orphans']);
    console.log(
      running
        ? 'Stopped. Images and queues are kept. To remove them: make clean'
        : 'The system is not running.',
    );
  }

  async ps(): Promise<void> {
    printContainers((await this.#containers()).filter(({ isDone }) => !isDone));
  }

  async logs(service: string, text: string): Promise<void> {
    const known = new Set((await this.#containers()).map((container) => container.service));
    if (service !== '' && !known.has(service)) {
      throw new UserError(`Unknown service ${service}. Services: ${[...known].join(', ')}`);
    }
    const services = service === '' ? [] : [service];
    if (text === '') {
      await this.#project.follow(['logs', '-f', '--tail=100', ...services]);
      return;
    }
    const { text: all } = await this.#project.compose(['logs', '--no-color', '--timestamps', ...services]);
    const found = all.split('\n').filter((line) => line.includes(text));
    if (found.length === 0) throw new UserError(`No line of the logs contains ${text}.`);
    for (const line of mergeByTime(found.map((one) => [{ text: one }]))) console.log(logText(line.text));
  }

  async scale(workers: number, slots?: number | 'default'): Promise<void> {
    const containers = await this.#containers();
    // Without --no-recreate, Compose recreates the containers whose environment has changed.
    const recreate = slots === undefined ? ['--no-recreate'] : [];
    const env = slots === 'default' ? {} : slotsEnvironment(slots ?? slotsOf(containers));
    await this.#compose(
      ['up', '-d', '--no-deps', ...recreate, '--scale', `worker=${workers}`, 'worker'],
      this.#project.with(env),
    );
    await untilReady(this.#project);
    console.log(`Running ${workers} worker${workers === 1 ? '' : 's'}.`);
  }

  async stopWorker(): Promise<void> {
    const worker = workerToStop(await this.#containers());
    if (worker === undefined) throw new UserError('No worker is running. To start one: make start-worker');
    // How long it may take is in docker-compose.yml; the engine knows it from the container.
    await this.#project.docker(['stop', worker.id]);
    console.log(`Stopped ${worker.name}. To start it again: make start-worker`);
  }

  async startWorker(): Promise<void> {
    const containers = await this.#containers();
    const stopped = workerToStart(containers);
    if (stopped === undefined) return this.scale(workersOf(containers).length + 1);
    await this.#project.docker(['start', stopped.id]);
    await untilReady(this.#project);
    console.log(`Started ${stopped.name}.`);
  }

  async workers(): Promise<RunningWorker[]> {
    return workersOf(await this.#containers())
      .filter(({ state }) => state === 'ready')
      .map(({ id, name }) => ({
        name,
        // The host name of a container is the first 12 digits of its id; see WORKER_NAME.
        isNamed: (inTimeline) => inTimeline.startsWith(`worker-${id.slice(0, 12)}-`),
        kill: { line: `docker kill ${name}`, run: () => this.#docker(['kill', id]) },
        // Docker does not restart a container that was killed by a user.
        isRestarted: false,
      }));
  }

  get stopWorkers(): Command {
    const line = `${this.#project.commandLine} stop worker`;
    return { line, run: () => this.#compose(['stop', 'worker']) };
  }

  /** Not `start worker`: Compose 2.x refuses it if `docker system prune` has removed minio-setup. */
  startWorkers(count: number): Command {
    const line = `${this.#project.commandLine} up -d --no-deps --no-recreate --scale worker=${count} worker`;
    return { line, run: () => this.scale(count) };
  }

  async doctor(): Promise<void> {
    return doctor(this.#project, portVariables(await readEnvironment(root)));
  }

  async clean(): Promise<void> {
    await this.#compose(['down', '--volumes', '--remove-orphans']);
    console.log('Removed the containers, images, queues and metrics. Your .env is kept.');
  }

  /** @throws UserError if none is running */
  async #containers() {
    const containers = await this.#project.containers();
    if (containers.every(({ state }) => state === 'stopped')) throw new UserError(NOT_RUNNING);
    return containers;
  }

  async #docker(args: readonly string[]): Promise<void> {
    await this.#project.docker(args);
  }

  async #compose(args: readonly string[], project = this.#project): Promise<void> {
    const { exitCode, text } = await project.compose(args);
    if (exitCode !== 0) throw new UserError(`${project.commandLine} ${args[0] ?? ''} failed:\n${text}`);
  }
}

const SLOTS = 'MAX_CONCURRENT_JOBS';

const slotsEnvironment = (slots: string | number | undefined) =>
  slots === undefined ? {} : { [SLOTS]: String(slots) };

/** The current number of slots of the workers, for new ones. */
function slotsOf(containers: readonly Container[]): string | undefined {
  const variables = workersOf(containers).flatMap(({ environment }) => environment);
  return variables.find((variable) => variable.startsWith(`${SLOTS}=`))?.slice(SLOTS.length + 1);
}

const columns = [
  { title: 'SERVICE' },
  { title: 'STATE' },
  { title: 'PORTS' },
  { title: 'UPTIME', align: 'right' },
  { title: 'RESTARTS', align: 'right' },
  { title: 'CONTAINER' },
] as const;

/** `make ps`: the containers and their states. */
function printContainers(containers: readonly Container[]): void {
  const [title, ...lines] = table(columns, containers.map(cells));
  console.log(title);
  for (const [i, line] of lines.entries()) {
    console.log(containers[i]?.state === 'ready' ? line : styleText('yellow', line));
  }
}

function cells({ name, service, state, exitCode, ports, startedAt, restarts, pid }: Container): string[] {
  return [
    service,
    state === 'failed' || state === 'restarting' ? `${state} (exit code ${exitCode})` : state,
    [...new Set(ports.values())].join(', ') || '-',
    pid === 0 ? '-' : duration((Date.now() - startedAt.getTime()) / 1_000),
    String(restarts),
    name,
  ];
}
