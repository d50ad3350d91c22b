import { UserError } from '../user-error.ts';
import type { ManagedService } from './managed-service.ts';

export const MAX_WORKERS = 32;

/** The workers, by their number from 1 on. One that was scaled away keeps its name and port for its return. */
export class WorkerCrew {
  readonly #make: (name: string) => Promise<ManagedService>;
  readonly #made: ManagedService[] = [];
  /** Not shown any more. */
  readonly #dismissed = new Set<ManagedService>();

  constructor(make: (name: string) => Promise<ManagedService>) {
    this.#make = make;
  }

  /** Those at work, and those that `stopNewest` has stopped. */
  get all(): readonly ManagedService[] {
    return this.#made.filter((worker) => !this.#dismissed.has(worker));
  }

  /** Makes it `count` workers: starts the missing ones, or lets the newest ones finish and go. */
  async scale(count: number): Promise<{ started: string[]; stopped: string[] }> {
    if (!Number.isInteger(count) || count < 0 || count > MAX_WORKERS) {
      throw new UserError(`The number of workers must be from 0 to ${MAX_WORKERS}.`);
    }
    const started: string[] = [];
    while (this.#atWork().length < count) started.push(await this.startOne());
    const surplus = this.#atWork().slice(count);
    await Promise.all(surplus.map((worker) => worker.stop()));
    for (const worker of this.#made) if (worker.stopped) this.#dismissed.add(worker);
    return { started, stopped: surplus.map(({ name }) => name) };
  }

  /** Stops the newest one after its current jobs. Returns its name. */
  async stopNewest(): Promise<string> {
    const newest = this.#atWork().at(-1);
    if (newest === undefined) throw new UserError('No worker is running. To start one: make start-worker');
    await newest.stop();
    return newest.name;
  }

  /** Starts a stopped one again; one more if none is stopped. Returns its name. */
  async startOne(): Promise<string> {
    if (this.#atWork().length >= MAX_WORKERS)
      throw new UserError(`Cannot start another worker: the maximum of ${MAX_WORKERS} is reached.`);
    const worker = this.#made.find(({ stopped }) => stopped) ?? (await this.#makeNext());
    this.#dismissed.delete(worker);
    await worker.start();
    return worker.name;
  }

  /** Each of those that run finishes its jobs and starts again. */
  async restartAll(): Promise<void> {
    await Promise.all(
      this.#atWork().map(async (worker) => {
        await worker.stop();
        await worker.start();
      }),
    );
  }

  #atWork(): ManagedService[] {
    return this.#made.filter(({ stopped }) => !stopped);
  }

  async #makeNext(): Promise<ManagedService> {
    const worker = await this.#make(`worker-${this.#made.length + 1}`);
    this.#made.push(worker);
    return worker;
  }
}
