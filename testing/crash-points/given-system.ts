import { join } from 'node:path';
import type { Broker } from '@image-pipeline/shared/broker/broker.ts';
import type { ObjectStore } from '@image-pipeline/shared/store/object-store.ts';
import { openStore } from '@image-pipeline/shared/store/open-store.ts';
import { testBroker, testRetryDelays } from '../test-broker.ts';
import { afterAll, beforeAll } from 'vitest';
import { startArmedSystem, type ArmedSystem } from './armed-system.ts';

export interface Given {
  readonly system: ArmedSystem;
  /** The system's own store and broker, by the back door. */
  readonly store: ObjectStore;
  readonly broker: Broker;
}

/** An armed system with short retries for the tests of one file; its members may be read in tests only. */
export function givenSystem(environment: NodeJS.ProcessEnv = {}): Given {
  let given: Given | undefined;
  beforeAll(async () => {
    const retryDelays = testRetryDelays.map(({ label }) => label).join(',');
    const system = await startArmedSystem({
      RETRY_DELAYS: retryDelays,
      WEBHOOK_RETRY_DELAYS: retryDelays,
      ...environment,
    });
    const store = openStore({ kind: 'folder', folder: join(system.folder, 'store') });
    await store.start();
    const broker = testBroker(system.node.amqpUrl);
    await broker.start();
    given = { system, store, broker };
  });
  afterAll(async () => {
    await given?.broker.stop();
    await given?.store.stop();
    await given?.system[Symbol.asyncDispose]();
  });
  const started = (): Given => {
    if (given === undefined) throw new Error('the system has not been started yet');
    return given;
  };
  return {
    get system() {
      return started().system;
    },
    get store() {
      return started().store;
    },
    get broker() {
      return started().broker;
    },
  };
}
