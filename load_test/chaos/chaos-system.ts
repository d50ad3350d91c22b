import { startSystem, type System } from '../../testing/start-system.ts';
import { BrokerUnderTest } from './broker-under-test.ts';
import { openStoreUnderTest, type StoreUnderTest } from './store-under-test.ts';

/** Short, so that what waits on it has ended soon; three delays as in production. */
export const RETRY_DELAYS = '200ms,500ms,1s';
const WORKERS = 3;
const SLOTS = 2;
export const API_TOKEN = 'chaos-token-of-this-run-only';

export interface ChaosOptions {
  readonly store: 'minio' | 'folder';
  readonly workers?: number;
  readonly say: (line: string) => void;
}

/** A whole system whose every part can be made to fail. */
export interface ChaosSystem extends AsyncDisposable {
  readonly services: System;
  readonly broker: BrokerUnderTest;
  readonly store: StoreUnderTest;
  /** Images that one worker works on at once, besides a slow one. */
  readonly slots: number;
}

export async function startChaosSystem(options: ChaosOptions): Promise<ChaosSystem> {
  let parts: { broker: BrokerUnderTest; store: StoreUnderTest } | undefined;
  const services = await startSystem({
    name: 'chaos',
    workers: options.workers ?? WORKERS,
    slots: SLOTS,
    monitoring: true,
    environment: async ({ folder, node, cleanup }) => {
      const broker = cleanup.use(await BrokerUnderTest.behindProxy(node));
      const store = cleanup.use(await openStoreUnderTest(options.store, folder, options.say));
      parts = { broker, store };
      return {
        RABBITMQ_URL: broker.amqpUrl,
        RETRY_DELAYS,
        API_TOKEN,
        // So that lost jobs are republished within the time in which every job must end.
        UNACCOUNTED_AFTER: '5',
        ...store.environment,
      };
    },
  });
  if (parts === undefined) throw new Error('the system started without its broker');
  return { services, ...parts, slots: SLOTS, [Symbol.asyncDispose]: () => services[Symbol.asyncDispose]() };
}
