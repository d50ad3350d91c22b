import { mkdir, rm } from 'node:fs/promises';
import { join, relative } from 'node:path';

/** Where everything of a local system lies: `.run` at the root of the repository. */
export class RunFolder {
  readonly path: string;
  readonly logs: string;
  readonly rabbitmq: string;
  readonly prometheus: string;
  readonly store: string;
  /** Of the services: what a killed one leaves there goes with the system. Not for sockets: its path may be long. */
  readonly temp: string;
  readonly state: string;
  readonly lock: string;
  readonly #socket: string;

  constructor(path: string) {
    this.path = path;
    this.logs = join(path, 'logs');
    this.rabbitmq = join(path, 'rabbitmq');
    this.prometheus = join(path, 'prometheus');
    this.store = join(path, 'store');
    this.temp = join(path, 'tmp');
    this.state = join(path, 'state.json');
    this.lock = join(path, 'lock');
    this.#socket = join(path, 'control.sock');
  }

  /** A socket's path has room for about a hundred bytes, so the shorter way to it is taken. */
  get socket(): string {
    const fromHere = relative(process.cwd(), this.#socket);
    return fromHere.length < this.#socket.length ? fromHere : this.#socket;
  }

  log(service: string): string {
    return join(this.logs, `${service}.log`);
  }

  async create(): Promise<void> {
    await mkdir(this.logs, { recursive: true });
    await mkdir(this.store, { recursive: true });
    await mkdir(this.temp, { recursive: true });
  }

  /** Also while a process that outlived its parent still makes files in it. */
  async removeTemp(): Promise<void> {
    await rm(this.temp, { recursive: true, force: true, maxRetries: 5, retryDelay: 20 });
  }
}
