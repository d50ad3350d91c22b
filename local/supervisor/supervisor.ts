import PQueue from 'p-queue';
import { messageOf } from '@image-pipeline/shared/errors.ts';
import { freePort, portsFrom } from '../process/free-port.ts';
import { rotateLogs } from '../process/log-files.ts';
import { UserError } from '../user-error.ts';
import type { SystemReport } from './control.ts';
import { ManagedProcess } from './managed-process.ts';
import { probe } from './probe.ts';
import type { RunFolder } from './run-folder.ts';
import { spawnService } from './service-process.ts';
import type { Addresses, Broker, ServicePlan, SystemPlan } from './system-plan.ts';
import { Workers } from './workers.ts';

const ROTATE_EVERY_MS = 1_000;

export interface SupervisorOptions {
  readonly plan: SystemPlan;
  readonly run: RunFolder;
  /** Where the services run: the paths of their scripts are relative to it. */
  readonly cwd: string;
  readonly log: (line: string) => void;
}

/** Runs the broker, services and workers of a plan, and restarts those that exit. */
export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #broker: ManagedProcess<Broker>;
  readonly #workers: Workers;
  /** One command at a time, so that two `scale` at once do not count the same workers. */
  readonly #commands = new PQueue({ concurrency: 1 });
  readonly #announcements = new PQueue({ concurrency: 1 });
  readonly #takenPorts = new Set<number>();
  #services: readonly ManagedProcess[] = [];
  #environment: (service: string) => NodeJS.ProcessEnv = () => ({});
  /** What workers get in addition to the environment of the plan. */
  #workerSettings: NodeJS.ProcessEnv = {};
  #addressLines: readonly string[] = [];
  #phase: SystemReport['phase'] = 'starting';
  #rotation: NodeJS.Timeout | undefined;
  #starting: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    const { plan, run, log } = options;
    this.#broker = new ManagedProcess({
      name: 'rabbitmq',
      logFile: run.log('rabbitmq'),
      launch: () => plan.startBroker(this.#broker.port !== undefined),
      probe: async () => (await this.#broker.running?.probe()) ?? { ready: true },
      log,
    });
    this.#workers = new Workers(async (name) => {
      const port = await this.#takePort(plan.worker.firstPort);
      return this.#manage(plan.worker, name, port, () => this.#workerSettings);
    });
  }

  /** Resolves when every process is started; `report` says when they are ready. */
  start(): Promise<void> {
    if (this.#stopping !== undefined) return Promise.reject(new UserError('The system is stopping.'));
    return (this.#starting ??= this.#start());
  }

  /**
   * Stops the services first, so that they can return unfinished jobs, and the broker last.
   * @throws AggregateError of what could not be stopped
   */
  stop(): Promise<void> {
    return (this.#stopping ??= this.#stop());
  }

  async report(): Promise<SystemReport> {
    return {
      phase: this.#phase,
      services: await Promise.all([this.#broker, ...this.#all()].map((service) => service.report())),
      addressLines: [...this.#addressLines],
    };
  }

  /** Runs a command on the workers, after the commands before it. */
  withWorkers<Result>(command: (workers: Workers) => Promise<Result>): Promise<Result> {
    return this.#commands.add(async () => {
      if (this.#phase === 'running') return command(this.#workers);
      throw new UserError(`The system is ${this.#phase}. Try again in a moment.`);
    });
  }

  /**
   * Sets how many images each worker processes at a time. Running workers finish their jobs and restart.
   * @param slots undefined: the number of the plan
   */
  setSlots(slots: number | undefined): Promise<void> {
    return this.withWorkers(async (workers) => {
      const settings = slots === undefined ? {} : { MAX_CONCURRENT_JOBS: String(slots) };
      if (settings.MAX_CONCURRENT_JOBS === this.#workerSettings.MAX_CONCURRENT_JOBS) return;
      this.#workerSettings = settings;
      await workers.restartAll();
    });
  }

  async #start(): Promise<void> {
    const { plan, run, log } = this.#options;
    this.#rotation = setInterval(() => {
      rotateLogs(run.logs).catch((error: unknown) => log(`cannot rotate the logs: ${messageOf(error)}`));
    }, ROTATE_EVERY_MS);
    await this.#broker.start();
    const broker = this.#broker.running;
    if (broker === undefined) throw new UserError('RabbitMQ exited as soon as it was ready. See its log.');
    const ports = new Map<string, number>();
    for (const { name, firstPort } of plan.services) ports.set(name, await this.#takePort(firstPort));
    const found: Addresses = { broker, ports };
    this.#environment = (service) => plan.environment(found, service);
    this.#addressLines = plan.addressLines(found);
    this.#services = plan.services.map((service) =>
      this.#manage(service, service.name, ports.get(service.name) ?? 0),
    );
    for (const service of plan.services) await service.prepare?.(found);
    await Promise.all(this.#services.map((service) => service.start()));
    await this.#workers.scale(plan.workers);
    this.#phase = 'running';
  }

  async #stop(): Promise<void> {
    const { run, log } = this.#options;
    log('stopping');
    // A broker that is starting cannot be stopped in an orderly way, so it finishes its start first.
    await this.#starting?.catch(() => undefined);
    this.#phase = 'stopping';
    await this.#commands.onIdle();
    const services = await Promise.allSettled(this.#all().map((service) => service.stop()));
    const broker = await Promise.allSettled([this.#broker.stop()]);
    clearInterval(this.#rotation);
    await this.#announcements.onIdle();
    const failures = [...services, ...broker].flatMap((end): unknown[] =>
      end.status === 'rejected' ? [end.reason] : [],
    );
    if (failures.length > 0) throw new AggregateError(failures, 'some services could not be stopped');
    await run.removeTemporary();
    log('stopped');
  }

  #all(): ManagedProcess[] {
    return [...this.#services, ...this.#workers.all];
  }

  #manage(plan: ServicePlan, name: string, port: number, extra = (): NodeJS.ProcessEnv => ({})) {
    const { run, cwd, log } = this.#options;
    const { program, args, portArgs, readyPath, environment } = plan;
    const logFile = run.log(name);
    return new ManagedProcess({
      name,
      logFile,
      launch: () =>
        spawnService({
          ...(program === undefined ? {} : { program }),
          args: [...args, ...(portArgs?.(port) ?? [])],
          env: { ...this.#environment(plan.name), ...environment({ name, port }), ...extra() },
          cwd,
          logFile,
          port,
        }),
      probe: () => probe(port, readyPath),
      log,
      onChange: () => this.#announceWorkers(),
    });
  }

  /** A process listens on its port only some time after its start, so ports that are taken are remembered. */
  async #takePort(first: number): Promise<number> {
    const port = await freePort(portsFrom(first), this.#takenPorts);
    this.#takenPorts.add(port);
    return port;
  }

  #announceWorkers(): void {
    const { plan, log } = this.#options;
    this.#announcements
      .add(async () => {
        const ports = this.#workers.running.flatMap(({ port }) => (port === undefined ? [] : [port]));
        await plan.onWorkers?.(ports);
      })
      .catch((error: unknown) => log(`cannot announce the workers: ${messageOf(error)}`));
  }
}
