import { text } from 'node:stream/consumers';
import { strToU8, zipSync } from 'fflate';
import { z } from 'zod';
import {
  commonVariables,
  logOptions,
  minioPasswordVariables,
  samplePassword,
  samplePasswords,
} from '../common-config.ts';
import { readConfig, type ConfigOf } from '../config.ts';
import { createLogger } from '../log.ts';
import { runProcess } from '../run-process.ts';
import type { Service } from '../service.ts';
import { MinioConnection } from './minio-connection.ts';
import { MinioStore } from './minio-store.ts';
import { defaultTimeouts } from './object-store.ts';
import { objectPermissions, policiesOf } from './permissions.ts';
import { StoreMisconfigured } from './store-failure.ts';
import { startStore, waitForStore } from './wait-for-store.ts';

const { NODE_ENV, LOG_LEVEL, LOG_FORMAT } = commonVariables;
const { MINIO_ENDPOINT, MINIO_ACCESS_KEY, MINIO_SECRET_KEY, MINIO_BUCKET, MINIO_REGION } = commonVariables;

/** The settings of the set-up; the keys are those of MinIO's administrator. */
export const minioSetupVariables = {
  NODE_ENV,
  LOG_LEVEL,
  LOG_FORMAT,
  MINIO_ENDPOINT,
  MINIO_ACCESS_KEY,
  MINIO_SECRET_KEY,
  MINIO_BUCKET,
  MINIO_REGION,
  ...minioPasswordVariables,
} as const;

type MinioSetupConfig = ConfigOf<typeof minioSetupVariables>;

/** @throws ConfigError with all problems at once */
export function readMinioSetupConfig(env: NodeJS.ProcessEnv): MinioSetupConfig {
  return readConfig(minioSetupVariables, env, (config) => {
    const problems: string[] = [];
    if (Object.hasOwn(objectPermissions, config.MINIO_ACCESS_KEY)) {
      problems.push(
        `MINIO_ACCESS_KEY is "${config.MINIO_ACCESS_KEY}", the user of a service. Choose another name for the administrator`,
      );
    }
    if (config.NODE_ENV !== 'production') return problems;
    const passwords = ['MINIO_SECRET_KEY', ...Object.keys(minioPasswordVariables)];
    for (const [name, value] of Object.entries(config)) {
      if (passwords.includes(name) && samplePasswords.includes(value)) problems.push(samplePassword(name));
    }
    return problems;
  });
}

/** Of `import-iam-v2`: what could not be imported, by kind. */
const importedSchema = z.object({ failed: z.record(z.string(), z.unknown()) });
/** minio-js does not understand the errors of the administration API, which are JSON. 426 is that of an older MinIO. */
const RESPONSES = [200, 400, 403, 404, 405, 426, 501];

/**
 * Creates the bucket, and the user of each service with its policy; safe to run again, with other passwords, too. It waits
 * until MinIO is available. Then the process has nothing left to do and exits.
 */
export function createMinioSetup(config: MinioSetupConfig): Service {
  const stopping = new AbortController();
  const options = {
    endpoint: config.MINIO_ENDPOINT,
    accessKey: config.MINIO_ACCESS_KEY,
    secretKey: config.MINIO_SECRET_KEY,
    bucket: config.MINIO_BUCKET,
    region: config.MINIO_REGION,
    timeouts: defaultTimeouts,
  };
  const store = new MinioStore(options);
  const minio = new MinioConnection(options);
  const log = createLogger('minio-setup', logOptions(config));
  const setUp = async () => {
    try {
      const where = `${new URL(options.endpoint).host}, bucket ${options.bucket}`;
      await startStore(store, { where, signal: stopping.signal, log });
      // MinIO serves objects a moment before it accepts users.
      await waitForStore(() => importUsers(minio, options, config), stopping.signal, log);
      log.info({ users: Object.keys(objectPermissions) }, 'the users of the services are set up');
    } finally {
      await store.stop();
      minio.close();
    }
  };
  let done: Promise<void> | undefined;
  return {
    port: 0,
    failed: new Promise(() => undefined),
    start: () => (done ??= setUp()),
    /** @throws Error `aborted` if the users are not set up: Compose must not start the services */
    async stop() {
      stopping.abort();
      await done;
    },
  };
}

/**
 * Other calls that change users need a body that is encrypted as MinIO's own client does it; this one takes an archive, as
 * `mc admin cluster iam import` sends it.
 */
async function importUsers(
  minio: MinioConnection,
  { bucket, region }: { readonly bucket: string; readonly region: string },
  config: MinioSetupConfig,
): Promise<void> {
  const users = {
    api: config.MINIO_API_PASSWORD,
    worker: config.MINIO_WORKER_PASSWORD,
    notification: config.MINIO_NOTIFICATION_PASSWORD,
    monitoring: config.MINIO_MONITORING_PASSWORD,
  };
  const eachUser = <Value>(valueOf: (user: string, secretKey: string) => Value) =>
    Object.fromEntries(Object.entries(users).map(([user, secretKey]) => [user, valueOf(user, secretKey)]));
  const archive = zipSync({
    'iam-assets/policies.json': strToU8(JSON.stringify(policiesOf(bucket))),
    'iam-assets/users.json': strToU8(
      JSON.stringify(eachUser((_, secretKey) => ({ secretKey, status: 'enabled' }))),
    ),
    'iam-assets/user_mappings.json': strToU8(JSON.stringify(eachUser((policy) => ({ version: 1, policy })))),
  });
  const { status, body } = await minio.call('set up its users', '', async (client) => {
    const put = { method: 'PUT', bucketName: 'minio', objectName: 'admin/v3/import-iam-v2' };
    const response = await client.makeRequestAsync(put, Buffer.from(archive), RESPONSES, region);
    return { status: response.statusCode, body: await text(response) };
  });
  if (status === 403) {
    throw new StoreMisconfigured(
      'MinIO refused to set up the users of the services. MINIO_ACCESS_KEY must be its administrator.',
    );
  }
  const imported = parseImported(body);
  if (status !== 200 || imported === undefined) {
    throw new StoreMisconfigured(
      `MINIO_ENDPOINT is not a MinIO that can import users (HTTP status ${status}). See docs/security.md, Users of MinIO.`,
    );
  }
  if (Object.keys(imported.failed).length > 0) {
    throw new StoreMisconfigured(
      `MinIO did not set up all users of the services: ${JSON.stringify(imported.failed)}. See the log of MinIO.`,
    );
  }
}

function parseImported(body: string): z.output<typeof importedSchema> | undefined {
  try {
    return importedSchema.parse(JSON.parse(body));
  } catch {
    return undefined;
  }
}

if (import.meta.main) await runProcess(() => createMinioSetup(readMinioSetupConfig(process.env)));
