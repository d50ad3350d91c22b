import { UserError } from '../user-error.ts';
import type { ManagedProcess } from './managed-process.ts';

export const MAX_WORKERS = 32;

/** The workers, numbered from 1. A worker that was removed by `scale` keeps its name and port in case it returns. */
export class Workers {
  readonly #create: (name: string) => Promise<ManagedProcess>;
  readonly #created: ManagedProcess[] = [];
  /** Stopped by `scale`, so they are not listed any more. */
  readonly #removed = new Set<ManagedProcess>();

  constructor(create: (name: string) => Promise<ManagedProcess>) {
    this.#create = create;
  }

  /** The running workers, and those that `stopNewest` has stopped. */
  get all(): readonly ManagedProcess[] {
    return this.#created.filter((worker) => !this.#removed.has(worker));
  }

  get running(): readonly ManagedProcess[] {
    return this.#created.filter(({ stopped }) => !stopped);
  }

  /** Starts the missing workers, or stops the newest ones after their current jobs. */
  async scale(count: number): Promise<{ started: string[]; stopped: string[] }> {
    if (!Number.isInteger(count) || count < 0 || count > MAX_WORKERS) {
      throw new UserError(`The number of workers must be from 0 to ${MAX_WORKERS}.`);
    }
    const started: string[] = [];
    while (this.running.length < count) started.push(await this.startOne());
    const surplus = this.running.slice(count);
    await Promise.all(surplus.map((worker) => worker.stop()));
    for (const worker of this.#created) if (worker.stopped) this.#removed.add(worker);
    return { started, stopped: surplus.map(({ name }) => name) };
  }

  /** Stops the newest worker after its current jobs. @returns its name */
  async stopNewest(): Promise<string> {
    const newest = this.running.at(-1);
    if (newest === undefined) throw new UserError('No worker is running. To start one: make start-worker');
    await newest.stop();
    return newest.name;
  }

  /** Starts a stopped worker, or a new one if none is stopped. @returns its name */
  async startOne(): Promise<string> {
    if (this.running.length >= MAX_WORKERS)
      throw new UserError(`Cannot start another worker: the maximum of ${MAX_WORKERS} is reached.`);
    const worker = this.#created.find(({ stopped }) => stopped) ?? (await this.#createNext());
    this.#removed.delete(worker);
    await worker.start();
    return worker.name;
  }

  /** Restarts each running worker after its current jobs. */
  async restartAll(): Promise<void> {
    await Promise.all(
      this.running.map(async (worker) => {
        await worker.stop();
        await worker.start();
      }),
    );
  }

  async #createNext(): Promise<ManagedProcess> {
    const worker = await this.#create(`worker-${this.#created.length + 1}`);
    this.#created.push(worker);
    return worker;
  }
}
