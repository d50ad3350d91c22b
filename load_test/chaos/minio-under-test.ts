import { once } from 'node:events';
import { createServer } from 'node:http';
import { MinioStore } from '@image-pipeline/shared/store/minio-store.ts';
import { defaultTimeouts } from '@image-pipeline/shared/store/object-store.ts';
import { TcpProxy } from '../../testing/tcp-proxy.ts';
import { MinioServer, type MinioEndpoint } from '../../local/minio/minio-server.ts';
import type { StoreUnderTest } from './store-under-test.ts';

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
      await started.direct.start();
      return started;
    } catch (error) {
      await server.stop();
      throw error;
    }
  }

  away(): Promise<void> {
    return this.network.refuse();
  }

  back(): Promise<void> {
    return this.network.resume();
  }

  /** Answers every request with this status until `back`, as a store does that is ill. */
  async answering(status: number, during: () => Promise<void>): Promise<void> {
    await this.network.refuse();
    const ill = createServer((request, response) => {
      request.resume();
      response.writeHead(status, { connection: 'close' }).end();
    });
    ill.listen(this.network.port, '127.0.0.1');
    await once(ill, 'listening');
    try {
      await during();
    } finally {
      const closed = once(ill, 'close');
      ill.close();
      ill.closeAllConnections();
      await closed;
      await this.network.resume();
    }
  }

  /** MinIO clears away by itself what was cut. */
  temporaryFiles(): Promise<string[]> {
    return Promise.resolve([]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.network.close();
    await this.direct.stop();
    await this.#server.stop();
  }
}
