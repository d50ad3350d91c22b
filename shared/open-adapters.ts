import { Broker } from './broker/broker.ts';
import { buildTopology } from './broker/topology.ts';
import type { CommonConfig } from './common-config.ts';
import type { Logger } from './log.ts';
import type { ObjectStore } from './store/object-store.ts';
import { openStore } from './store/open-store.ts';

/** The broker that the configuration names. Nothing is connected until its `start()`. */
export function configuredBroker(
  config: CommonConfig,
  options: {
    /** Shown in the broker's list of connections, e.g. `worker-1`. */
    readonly name: string;
    /** The AMQP property `appId`, e.g. `worker`. */
    readonly appId: string;
    readonly log: Logger;
  },
): Broker {
  return new Broker({
    ...options,
    urls: config.RABBITMQ_URL,
    topology: buildTopology({ jobs: config.RETRY_LADDER, webhooks: config.WEBHOOK_RETRY_LADDER }),
    timeouts: {
      connectMs: config.RABBITMQ_CONNECT_TIMEOUT_MS,
      confirmMs: config.RABBITMQ_CONFIRM_TIMEOUT_MS,
      callMs: config.RABBITMQ_CALL_TIMEOUT_MS,
      heartbeatS: config.RABBITMQ_HEARTBEAT_S,
    },
    maxPublishesInFlight: config.PUBLISHES_IN_FLIGHT,
  });
}

/** The store that the configuration names. Nothing is opened until its `start()`. */
export function configuredStore(config: CommonConfig): ObjectStore {
  const timeouts = { connectMs: config.STORE_CONNECT_TIMEOUT_MS, operationMs: config.STORE_TIMEOUT_MS };
  if (config.STORE === 'folder') return openStore({ kind: 'folder', folder: config.STORE_FOLDER, timeouts });
  return openStore({
    kind: 'minio',
    endpoint: config.MINIO_ENDPOINT,
    accessKey: config.MINIO_ACCESS_KEY,
    secretKey: config.MINIO_SECRET_KEY,
    bucket: config.MINIO_BUCKET,
    region: config.MINIO_REGION,
    timeouts,
  });
}

/** The store that the configuration names, in a few words. */
export function whereStoreIs(config: CommonConfig): string {
  if (config.STORE === 'folder') return config.STORE_FOLDER;
  return `${new URL(config.MINIO_ENDPOINT).host}, bucket ${config.MINIO_BUCKET}`;
}
