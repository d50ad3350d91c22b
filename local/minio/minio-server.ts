import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '@image-pipeline/shared/errors.ts';
import { freePort } from '../process/free-port.ts';
import { readTail } from '../process/log-files.ts';
import { probe } from '../supervisor/probe.ts';
import { spawnService, type ServiceProcess } from '../supervisor/service-process.ts';

const READY_TIMEOUT_MS = 60_000;
const READY_POLL_MS = 100;

/** The address of a MinIO server, and its credentials. */
export interface MinioEndpoint {
  /** e.g. `http://127.0.0.1:21034` */
  readonly endpoint: string;
  readonly accessKey: string;
  readonly secretKey: string;
}

/**
 * A MinIO server with a free port on loopback, random credentials, and a data folder that is removed when the server
 * stops. It is a child of this process and is killed when this process exits.
 */
export class MinioServer {
  readonly #program: string;
  #starting: Promise<MinioEndpoint> | undefined;
  #folder: string | undefined;
  #process: ServiceProcess | undefined;

  /** @param program path of `minio` */
  constructor(program: string) {
    this.#program = program;
  }

  /** Resolves when the server is ready. @throws Error with the end of its log, if it exits or is not ready in time */
  start(): Promise<MinioEndpoint> {
    return (this.#starting ??= this.#start());
  }

  /** Stops the server and removes its data. */
  async stop(): Promise<void> {
    // An error of the start was reported to its caller.
    await this.#starting?.catch(() => undefined);
    await this.#process?.stop();
    if (this.#folder !== undefined) await rm(this.#folder, { recursive: true, force: true });
  }

  async #start(): Promise<MinioEndpoint> {
    const folder = await mkdtemp(join(tmpdir(), 'minio-'));
    this.#folder = folder;
    await mkdir(join(folder, 'data'));
    const logFile = join(folder, 'minio.log');
    const port = await freePort([], []);
    const address = `127.0.0.1:${port}`;
    const credentials = {
      accessKey: randomBytes(10).toString('hex'),
      secretKey: randomBytes(20).toString('hex'),
    };
    try {
      this.#process = await spawnService({
        program: this.#program,
        args: ['server', '--address', address, '--certs-dir', join(folder, 'certs'), join(folder, 'data')],
        // Without the environment of this process: MinIO reads variables such as MINIO_ACCESS_KEY, too.
        env: {
          HOME: folder,
          MINIO_ROOT_USER: credentials.accessKey,
          MINIO_ROOT_PASSWORD: credentials.secretKey,
          MINIO_BROWSER: 'off',
          MINIO_UPDATE: 'off',
        },
        cwd: folder,
        logFile,
        port,
      });
      await untilReady(this.#process);
    } catch (error) {
      throw new Error(`MinIO did not start: ${messageOf(error)}\n${await readTail(logFile)}`, {
        cause: error,
      });
    }
    return { endpoint: `http://${address}`, ...credentials };
  }
}

/** See "Healthcheck API" of https://min.io/docs. */
async function untilReady(server: ServiceProcess): Promise<void> {
  const killOnExit = () => {
    server.signal('SIGKILL');
  };
  process.once('exit', killOnExit);
  const exit = new AbortController();
  void server.exited.then(() => {
    exit.abort();
    process.off('exit', killOnExit);
  });
  const deadline = performance.now() + READY_TIMEOUT_MS;
  while (performance.now() < deadline) {
    if (exit.signal.aborted) throw new Error('the process exited');
    if ((await probe(server.port, '/minio/health/ready')).ready) return;
    await sleep(READY_POLL_MS);
  }
  throw new Error(`not ready within ${READY_TIMEOUT_MS / 1_000} s`);
}
