import { chmod, mkdir, rm } from 'node:fs/promises';
import { join, relative } from 'node:path';

/** The folder of a system without Docker, with everything it keeps: `.run` at the root of the repository. */
export class RunFolder {
  readonly path: string;
  readonly logs: string;
  readonly rabbitmq: string;
  readonly prometheus: string;
  readonly store: string;
  /** Temporary files of the services; removed with the system. Not for sockets: the path may be too long. */
  readonly temp: string;
  /** Holds the supervisor's process id. It is valid only while the socket accepts connections. */
  readonly pidFile: string;

  constructor(path: string) {
    this.path = path;
    this.logs = join(path, 'logs');
    this.rabbitmq = join(path, 'rabbitmq');
    this.prometheus = join(path, 'prometheus');
    this.store = join(path, 'store');
    this.temp = join(path, 'tmp');
    this.pidFile = join(path, 'supervisor.pid');
  }

  /** The supervisor's control socket. The path of a socket is limited to about 100 bytes, so the shorter one is used. */
  get socket(): string {
    const absolute = join(this.path, 'control.sock');
    const fromHere = relative(process.cwd(), absolute);
    return fromHere.length < absolute.length ? fromHere : absolute;
  }

  log(service: string): string {
    return join(this.logs, `${service}.log`);
  }

  /** Creates the folders with mode 0700, and sets it on existing ones. */
  async create(): Promise<void> {
    for (const folder of [this.path, this.logs, this.store, this.temp]) {
      await mkdir(folder, { recursive: true });
      await chmod(folder, 0o700);
    }
  }

  /** Removes what only a running system has. Retries, because a process that is just exiting may still create files. */
  async removeTemporary(): Promise<void> {
    await rm(this.temp, { recursive: true, force: true, maxRetries: 5, retryDelay: 20 });
    await rm(this.pidFile, { force: true });
  }
}
