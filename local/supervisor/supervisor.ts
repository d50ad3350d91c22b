import PQueue from 'p-queue';
import { messageOf } from '@image-pipeline/shared/errors.ts';
import { freePort, portsFrom } from '../process/free-port.ts';
import type { ProcessIdentity } from '../process/identity.ts';
import { UserError } from '../user-error.ts';
import { ManagedBroker } from './managed-broker.ts';
import { ManagedService } from './managed-service.ts';
import type { SystemReport } from './report.ts';
import { rotateLogs } from './rotate-log.ts';
import type { RunFolder } from './run-folder.ts';
import { removeState, writeState } from './state-file.ts';
import type { ServicePlan, SystemPlan } from './system-plan.ts';
import { WorkerCrew } from './worker-crew.ts';

const ROTATE_EVERY_MS = 10_000;

export interface SupervisorOptions {
  readonly plan: SystemPlan;
  readonly run: RunFolder;
  /** Where the services run: their scripts are named from here. */
  readonly cwd: string;
  /** The process that this runs in. */
  readonly self: ProcessIdentity;
  readonly log: (line: string) => void;
}

/** Runs a plan's broker, services and workers, and keeps them running. */
export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #broker: ManagedBroker;
  /** One command after the other, so that two `scale` at once don't count the same workers. */
  readonly #commands = new PQueue({ concurrency: 1 });
  readonly #stateWrites = new PQueue({ concurrency: 1 });
  readonly #takenPorts = new Set<number>();
  #services: readonly ManagedService[] = [];
  #workers: WorkerCrew | undefined;
  /** What workers get besides the environment that the plan gives them. */
  #workerSettings: NodeJS.ProcessEnv = {};
  #phase: SystemReport['phase'] = 'starting';
  #rotation: NodeJS.Timeout | undefined;
  #starting: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    const { plan, run, log } = options;
    this.#broker = new ManagedBroker({ startBroker: plan.startBroker, logFile: run.log('rabbitmq'), log });
  }

  /** Resolves when every process is started; `report` tells when they are ready. */
  start(): Promise<void> {
    return (this.#starting ??= this.#start());
  }

  /**
   * Services first, so that they can hand back what they can't finish; the broker last.
   * @throws AggregateError of what could not be stopped: its record stays for `cleanUp`
   */
  stop(): Promise<void> {
    return (this.#stopping ??= this.#stop());
  }

  async report(): Promise<SystemReport> {
    const services = await Promise.all(this.#all().map((service) => service.report()));
    const ports = this.#broker.broker?.ports;
    const { store } = this.#options.plan;
    return {
      phase: this.#phase,
      services: [this.#broker.report(), ...services],
      ...(ports === undefined ? {} : { broker: { amqpPort: ports.amqp, managementPort: ports.management } }),
      ...(store === undefined ? {} : { store }),
    };
  }

  /** Runs a command on the workers, after those that came before it. */
  withWorkers<Result>(command: (workers: WorkerCrew) => Promise<Result>): Promise<Result> {
    return this.#commands.add(async () => {
      if (this.#workers !== undefined && this.#phase === 'running') return command(this.#workers);
      throw new UserError(`The system is ${this.#phase}. Try again in a moment.`);
    });
  }

  /**
   * Has every worker process this many images at once: those that run finish their jobs and start again.
   * @param slots undefined: as many as the plan says
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
    const { plan, run, cwd, log } = this.#options;
    await this.#saveState();
    this.#rotation = setInterval(() => this.#rotateLogs(), ROTATE_EVERY_MS);
    const broker = await this.#broker.start();
    const ports = new Map<string, number>();
    for (const { name, firstPort } of plan.services) ports.set(name, await this.#takePort(firstPort));
    const addresses = { broker, ports };
    const environment = plan.environment(addresses);

    const nothing = (): NodeJS.ProcessEnv => ({});
    const manage = (service: ServicePlan, name: string, port: number, extra = nothing) =>
      new ManagedService({
        ...service,
        name,
        port,
        args: [...service.args, ...(service.portArgs?.(port) ?? [])],
        env: () => ({ ...environment, ...service.environment({ name, port }), ...extra() }),
        cwd,
        logFile: run.log(name),
        log,
        onChange: () => void this.#saveState(),
      });
    this.#services = plan.services.map((service) =>
      manage(service, service.name, ports.get(service.name) ?? 0),
    );
    this.#workers = new WorkerCrew(async (name) =>
      manage(plan.worker, name, await this.#takePort(plan.worker.firstPort), () => this.#workerSettings),
    );
    for (const service of plan.services) await service.prepare?.(addresses);
    await Promise.all(this.#services.map((service) => service.start()));
    await this.#workers.scale(plan.workers);
    this.#phase = 'running';
  }

  async #stop(): Promise<void> {
    const { run, log } = this.#options;
    log('stopping');
    // A broker that is just booting can't be stopped in order: it is given the time to finish.
    await this.#starting?.catch(() => undefined);
    this.#phase = 'stopping';
    await this.#commands.onIdle();
    const services = await Promise.allSettled(this.#all().map((service) => service.stop()));
    const broker = await Promise.allSettled([this.#broker.stop()]);
    clearInterval(this.#rotation);
    await this.#stateWrites.onIdle();
    const failures = [...services, ...broker].flatMap((end): unknown[] =>
      end.status === 'rejected' ? [end.reason] : [],
    );
    if (failures.length > 0) throw new AggregateError(failures, 'some services could not be stopped');
    await run.removeTemp();
    await removeState(run.state);
    log('stopped');
  }

  #all(): ManagedService[] {
    return [...this.#services, ...(this.#workers?.all ?? [])];
  }

  /** A process binds its port only some time after it was given to it, so ours are kept apart here. */
  async #takePort(first: number): Promise<number> {
    const port = await freePort(portsFrom(first), this.#takenPorts);
    this.#takenPorts.add(port);
    return port;
  }

  async #saveState(): Promise<void> {
    const { plan, run, self, log } = this.#options;
    await this.#stateWrites
      .add(async () => {
        const services = this.#all().flatMap(({ name, port, process }) =>
          process === undefined ? [] : [{ name, port, process }],
        );
        await writeState(run.state, { supervisor: self, services });
        const workers = this.#workers?.all.filter(({ stopped }) => !stopped) ?? [];
        await plan.onWorkers?.(workers.map(({ port }) => port));
      })
      .catch((error: unknown) => log(`cannot write down what runs: ${messageOf(error)}`));
  }

  #rotateLogs(): void {
    const { run, log } = this.#options;
    rotateLogs(run.logs).catch((error: unknown) => log(`cannot rotate the logs: ${messageOf(error)}`));
  }
}
