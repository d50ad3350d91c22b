import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '../process/free-port.ts';
import { readTail } from '../process/log-files.ts';

const HEALTH_TIMEOUT_MS = 60_000;
const HEALTH_POLL_MS = 100;
const STOP_TIMEOUT_MS = 10_000;

/** Where a MinIO server answers, and who may use it. */
export interface MinioEndpoint {
  /** e.g. `http://127.0.0.1:21034` */
  readonly endpoint: string;
  readonly accessKey: string;
  readonly secretKey: string;
}

/**
 * A MinIO server of its own: a free port on loopback, random credentials, a private data folder that goes when the
 * server stops. It is a child of this process and does not outlive an orderly exit.
 */
export class MinioServer {
  readonly #binary: string;
  #starting: Promise<MinioEndpoint> | undefined;
  #folder: string | undefined;
  #child: ChildProcess | undefined;

  /** @param binary path of the `minio` program */
  constructor(binary: string) {
    this.#binary = binary;
  }

  /** Resolves once the server is ready to take requests; rejects with the end of its log if it dies or is late. */
  start(): Promise<MinioEndpoint> {
    return (this.#starting ??= this.#start());
  }

  /** Stops the server and removes its data. */
  async stop(): Promise<void> {
    // Whether the start failed is the starter's to know; what it left behind goes all the same.
    await this.#starting?.catch(() => undefined);
    await end(this.#child);
    if (this.#folder !== undefined) await rm(this.#folder, { recursive: true, force: true });
  }

  async #start(): Promise<MinioEndpoint> {
    this.#folder = await mkdtemp(join(tmpdir(), 'minio-'));
    const data = join(this.#folder, 'data');
    await mkdir(data);
    const address = `127.0.0.1:${await freePort([], [])}`;
    const access = { accessKey: randomBytes(10).toString('hex'), secretKey: randomBytes(20).toString('hex') };
    const logFile = join(this.#folder, 'minio.log');
    const log = await open(logFile, 'a');
    const child = spawn(
      this.#binary,
      ['server', '--address', address, '--certs-dir', join(this.#folder, 'certs'), data],
      {
        stdio: ['ignore', log.fd, log.fd],
        // Nothing of our own environment: MinIO reads variables such as MINIO_ACCESS_KEY for purposes of its own.
        env: {
          HOME: this.#folder,
          MINIO_ROOT_USER: access.accessKey,
          MINIO_ROOT_PASSWORD: access.secretKey,
          MINIO_BROWSER: 'off',
          MINIO_UPDATE: 'off',
        },
      },
    );
    this.#child = child;
    const endWithUs = (): void => void child.kill('SIGKILL');
    process.once('exit', endWithUs);
    child.once('exit', () => process.off('exit', endWithUs));
    try {
      await once(child, 'spawn');
      await untilReady(`http://${address}`, child);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new Error(`MinIO did not start: ${reason}\n${await readTail(logFile)}`, { cause: error });
    } finally {
      await log.close();
    }
    return { endpoint: `http://${address}`, ...access };
  }
}

/** Asks until the server says that it is ready (https://min.io/docs, "Healthcheck API"). */
async function untilReady(endpoint: string, child: ChildProcess): Promise<void> {
  const deadline = performance.now() + HEALTH_TIMEOUT_MS;
  while (performance.now() < deadline) {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error('the process exited');
    const answer = await fetch(`${endpoint}/minio/health/ready`, {
      signal: AbortSignal.timeout(2_000),
    }).catch(() => undefined);
    await answer?.body?.cancel();
    if (answer?.ok === true) return;
    await delay(HEALTH_POLL_MS);
  }
  throw new Error(`not ready within ${HEALTH_TIMEOUT_MS / 1_000} s`);
}

async function end(child: ChildProcess | undefined): Promise<void> {
  if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  const insist = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
  await exited;
  clearTimeout(insist);
}
