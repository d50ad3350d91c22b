import { once } from 'node:events';
import { mkdir, readdir, rename, rm, statfs, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { FolderStore } from '@image-pipeline/shared/store/folder-store.ts';
import { MinioStore } from '@image-pipeline/shared/store/minio-store.ts';
import { defaultTimeouts, type ObjectStore } from '@image-pipeline/shared/store/object-store.ts';
import { codeOf } from '@image-pipeline/shared/store/store-failure.ts';
import { retryWithBackoff } from '@image-pipeline/shared/waiting.ts';
import { execa } from 'execa';
import { findOrBuildMinio } from '../../local/minio/find-or-build-minio.ts';
import { type MinioEndpoint, MinioServer } from '../../local/minio/minio-server.ts';
import { TcpProxy } from '../../testing/tcp-proxy.ts';

/** A real store with methods to make it fail. */
export interface StoreUnderTest extends AsyncDisposable {
  readonly kind: 'minio' | 'folder';
  /** Settings for the services. */
  readonly environment: NodeJS.ProcessEnv;
  /** The store without the network that can fail. */
  readonly direct: ObjectStore;
  /** Makes the store unavailable until `reconnect`. */
  disconnect(): Promise<void>;
  reconnect(): Promise<void>;
  /** Partially written objects that were not removed. */
  temporaryFiles(): Promise<string[]>;
}

/** @param kind `minio` falls back to the folder, which has no network, if MinIO is not available */
export async function openStoreUnderTest(
  kind: 'minio' | 'folder',
  folder: string,
  say: (line: string) => void,
): Promise<StoreUnderTest> {
  if (kind === 'minio') {
    const binary = await findOrBuildMinio(say);
    if ('path' in binary) return MinioUnderTest.start(binary.path);
    say(`Using a folder as store, because MinIO is not available: ${binary.missing}`);
  }
  return FolderUnderTest.open(join(folder, 'disk'));
}

const BUCKET = 'images';
const REGION = 'us-east-1';

/** A real MinIO behind a network that can fail. */
export class MinioUnderTest implements StoreUnderTest {
  readonly kind = 'minio';
  readonly environment: NodeJS.ProcessEnv;
  readonly direct: MinioStore;
  /** Between the services and MinIO. */
  readonly network: TcpProxy;
  readonly #server: MinioServer;

  private constructor(server: MinioServer, network: TcpProxy, { endpoint, ...access }: MinioEndpoint) {
    this.#server = server;
    this.network = network;
    this.environment = {
      STORE: 'minio',
      MINIO_ENDPOINT: `http://127.0.0.1:${network.port}`,
      MINIO_ACCESS_KEY: access.accessKey,
      MINIO_SECRET_KEY: access.secretKey,
      MINIO_BUCKET: BUCKET,
      MINIO_REGION: REGION,
    };
    this.direct = new MinioStore({
      endpoint,
      ...access,
      bucket: BUCKET,
      region: REGION,
      timeouts: defaultTimeouts,
    });
  }

  /** @param binary path of the `minio` program */
  static async start(binary: string): Promise<MinioUnderTest> {
    const server = new MinioServer(binary);
    try {
      const endpoint = await server.start();
      const { hostname, port } = new URL(endpoint.endpoint);
      const network = await TcpProxy.to({ host: hostname, port: Number(port) });
      const started = new MinioUnderTest(server, network, endpoint);
      // A MinIO that has just started returns 503 for a moment.
      await whenReady(() => started.direct.start());
      return started;
    } catch (error) {
      await server.stop();
      throw error;
    }
  }

  disconnect(): Promise<void> {
    return this.network.refuse();
  }

  reconnect(): Promise<void> {
    return this.network.resume();
  }

  /** Replaces MinIO with a server that returns this status to every request during the action. */
  async whileReturning(status: number, action: () => Promise<void>): Promise<void> {
    await this.network.refuse();
    const server = createServer((request, response) => {
      request.resume();
      response.writeHead(status, { connection: 'close' }).end();
    });
    server.listen(this.network.port, '127.0.0.1');
    await once(server, 'listening');
    try {
      await action();
    } finally {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
      await this.network.resume();
    }
  }

  /** MinIO removes partial uploads itself. */
  temporaryFiles(): Promise<string[]> {
    return Promise.resolve([]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.network.close();
    await this.direct.stop();
    await this.#server.stop();
  }
}

/** Retries for up to a minute. */
async function whenReady(work: () => Promise<void>): Promise<void> {
  const deadline = AbortSignal.timeout(60_000);
  await retryWithBackoff(work, { firstMs: 200, maxMs: 1_000 }, deadline, () => undefined);
}

const DISK_SIZE = '64m';

/**
 * The folder store, behind a symbolic link. While it is disconnected, the link points to itself (ELOOP): no service can reach
 * the folder, and a service that starts cannot create a new one in its place.
 */
export class FolderUnderTest implements StoreUnderTest {
  readonly kind = 'folder';
  readonly environment: NodeJS.ProcessEnv;
  readonly direct: FolderStore;
  /** Whether the folder is on a small disk of its own. */
  readonly canFill: boolean;
  readonly #disk: string;
  readonly #folder: string;
  readonly #link: string;
  /** Files that were being written at a disconnect: no one could remove them. */
  readonly #interrupted = new Set<string>();

  private constructor(disk: string, canFill: boolean) {
    this.#disk = disk;
    this.#folder = join(disk, 'store');
    this.#link = join(disk, 'link');
    this.canFill = canFill;
    this.environment = { STORE: 'folder', STORE_FOLDER: this.#link };
    this.direct = new FolderStore({ folder: this.#folder, operationMs: defaultTimeouts.operationMs });
  }

  /** @param disk a folder to create; a small disk is mounted there if this process has the permission */
  static async open(disk: string): Promise<FolderUnderTest> {
    await mkdir(disk);
    const mount = await execa('mount', ['-t', 'tmpfs', '-o', `size=${DISK_SIZE}`, 'tmpfs', disk], {
      reject: false,
    });
    const opened = new FolderUnderTest(disk, !mount.failed);
    await opened.direct.start();
    await opened.reconnect();
    return opened;
  }

  async disconnect(): Promise<void> {
    await this.#linkTo(this.#link);
    for (const name of await readdir(join(this.#folder, '.tmp'))) this.#interrupted.add(name);
  }

  async reconnect(): Promise<void> {
    await this.#linkTo(this.#folder);
  }

  async #linkTo(target: string): Promise<void> {
    const next = `${this.#link}-next`;
    await symlink(target, next);
    await rename(next, this.#link);
  }

  /** Fills the disk until `makeRoom`. */
  async fill(): Promise<void> {
    const { bavail, bsize } = await statfs(this.#disk);
    // Services write at the same time, so this write may fail for lack of space: then the disk is full, too.
    await writeFile(this.#ballast, Buffer.alloc(bavail * bsize)).catch((error: unknown) => {
      if (codeOf(error) !== 'ENOSPC') throw error;
    });
  }

  async makeRoom(): Promise<void> {
    await rm(this.#ballast);
  }

  get #ballast(): string {
    return join(this.#disk, 'ballast');
  }

  async temporaryFiles(): Promise<string[]> {
    const names = await readdir(join(this.#folder, '.tmp'));
    return names.filter((name) => !this.#interrupted.has(name));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.direct.stop();
    if (this.canFill) await execa('umount', [this.#disk]);
  }
}
