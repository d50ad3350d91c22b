import { randomBytes, randomUUID } from 'node:crypto';
import { Agent } from 'node:http';
import type { ServiceUser } from '@image-pipeline/shared/broker/permissions.ts';
import { createMinioSetup, readMinioSetupConfig } from '@image-pipeline/shared/store/minio-setup.ts';
import type { ObjectStore } from '@image-pipeline/shared/store/object-store.ts';
import { openStore } from '@image-pipeline/shared/store/open-store.ts';
import { Client } from 'minio';
import { afterAll, beforeAll, onTestFinished } from 'vitest';
import { findOrBuildMinio } from '../local/minio/find-or-build-minio.ts';
import { type MinioEndpoint, MinioServer } from '../local/minio/minio-server.ts';

export const serviceUsers = ['api', 'worker', 'notification', 'monitoring'] as const;

const region = 'us-east-1';
const aPassword = () => randomBytes(8).toString('hex');

/** A MinIO of the test file's own, because users belong to the server, with a bucket and the users of the services. */
export function setUpMinioUsers() {
  let server: MinioServer | undefined;
  let root: MinioEndpoint = { endpoint: '', accessKey: '', secretKey: '' };
  const bucket = randomUUID();
  const passwords: Record<ServiceUser, string> = {
    api: aPassword(),
    worker: aPassword(),
    notification: aPassword(),
    monitoring: aPassword(),
  };

  beforeAll(async () => {
    const binary = await findOrBuildMinio(() => undefined);
    if ('missing' in binary) throw new Error(binary.missing);
    server = new MinioServer(binary.path);
    root = await server.start();
    await setUp();
  });
  afterAll(() => server?.stop());

  const credentialsOf = (user: ServiceUser | 'root') =>
    user === 'root' ? root : { accessKey: user, secretKey: passwords[user] };

  /** Runs the set-up with `passwords`. */
  async function setUp(changes: Readonly<Record<string, string>> = {}): Promise<void> {
    const config = readMinioSetupConfig({
      LOG_LEVEL: 'silent',
      MINIO_ENDPOINT: root.endpoint,
      MINIO_ACCESS_KEY: root.accessKey,
      MINIO_SECRET_KEY: root.secretKey,
      MINIO_BUCKET: bucket,
      MINIO_API_PASSWORD: passwords.api,
      MINIO_WORKER_PASSWORD: passwords.worker,
      MINIO_NOTIFICATION_PASSWORD: passwords.notification,
      MINIO_MONITORING_PASSWORD: passwords.monitoring,
      ...changes,
    });
    await createMinioSetup(config).start();
  }

  return {
    get root() {
      return root;
    },
    bucket,
    passwords,
    setUp,

    /** A started store; the test that started it stops it. */
    async storeAs(
      user: ServiceUser | 'root',
      changes: { readonly bucket?: string; readonly secretKey?: string } = {},
    ): Promise<ObjectStore> {
      const credentials = { endpoint: root.endpoint, ...credentialsOf(user) };
      const store = openStore({ kind: 'minio', ...credentials, bucket, region, ...changes });
      onTestFinished(() => store.stop());
      await store.start();
      return store;
    },

    clientAs(user: ServiceUser | 'root'): Client {
      const { hostname, port } = new URL(root.endpoint);
      const { accessKey, secretKey } = credentialsOf(user);
      return new Client({
        endPoint: hostname,
        port: Number(port),
        useSSL: false,
        accessKey,
        secretKey,
        region,
        // MinIO closes a connection whose request it has refused before the end of the body.
        transportAgent: new Agent({ keepAlive: false }),
      });
    },
  };
}
