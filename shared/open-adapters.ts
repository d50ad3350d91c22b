import { Broker } from './broker/broker.ts';
import { buildTopology } from './broker/topology.ts';
import type { CommonConfig } from './common-config.ts';
import type { Logger } from './log.ts';
import type { ObjectStore } from './store/object-store.ts';
import { openStore } from './store/open-store.ts';

/** Timeouts of RabbitMQ in milliseconds: one attempt to connect, a publisher confirm, any other call. */
const CONNECT_TIMEOUT_MS = 5_000;
const CONFIRM_TIMEOUT_MS = 10_000;
const CALL_TIMEOUT_MS = 30_000;
/**
 * Interval of heartbeats in seconds. RabbitMQ closes the connection of a silent peer after two to three intervals and
 * redelivers its jobs; with 10 s, the jobs of a frozen worker waited up to 30 s.
 */
const HEARTBEAT_S = 6;
/** Messages of one service that may wait for a publisher confirm at the same time. */
const MAX_PUBLISHES_IN_FLIGHT = 256;

/** The broker of the configuration. Nothing is connected until its `start()`. */
export function configuredBroker(
  config: CommonConfig,
  options: {
    /** Shown in the broker's list of connections, e.g. `worker-1`. */
    readonly name: string;
    /** The AMQP property `appId`, e.g. `worker`. */
    readonly appId: string;
    readonly confirmTimeoutMs?: number | undefined;
    readonly log: Logger;
  },
): Broker {
  return new Broker({
    ...options,
    urls: config.RABBITMQ_URL,
    topology: buildTopology({ jobs: config.RETRY_DELAYS, webhooks: config.WEBHOOK_RETRY_DELAYS }),
    // The users of the other services may not: see permissions.ts.
    ownsTopology: options.appId === 'api',
    timeouts: {
      connectMs: CONNECT_TIMEOUT_MS,
      confirmMs: options.confirmTimeoutMs ?? CONFIRM_TIMEOUT_MS,
      callMs: CALL_TIMEOUT_MS,
      heartbeatS: HEARTBEAT_S,
    },
    maxPublishesInFlight: MAX_PUBLISHES_IN_FLIGHT,
  });
}

/** The store of the configuration. Nothing is opened until its `start()`. */
export function configuredStore(config: CommonConfig): ObjectStore {
  if (config.STORE === 'folder') return openStore({ kind: 'folder', folder: config.STORE_FOLDER });
  return openStore({
    kind: 'minio',
    endpoint: config.MINIO_ENDPOINT,
    accessKey: config.MINIO_ACCESS_KEY,
    secretKey: config.MINIO_SECRET_KEY,
    bucket: config.MINIO_BUCKET,
    region: config.MINIO_REGION,
  });
}

/** A short description of the store, for logs. */
export function whereStoreIs(config: CommonConfig): string {
  if (config.STORE === 'folder') return config.STORE_FOLDER;
  return `${new URL(config.MINIO_ENDPOINT).host}, bucket ${config.MINIO_BUCKET}`;
}
