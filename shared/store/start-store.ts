import type { Logger } from '../log.ts';
import type { ObjectStore } from './object-store.ts';
import { waitForStore } from './wait-for-store.ts';

/** Opens a store as soon as it answers, and says so: people look for this line where nothing comes out. */
export async function startStore(
  store: ObjectStore,
  options: {
    /** For people, e.g. `minio:9000, bucket images`. */
    readonly where: string;
    readonly signal: AbortSignal;
    readonly log: Logger;
  },
): Promise<void> {
  const { where, signal, log } = options;
  await waitForStore(() => store.start(), signal, log);
  log.info({ store: where }, 'the store is ready');
}
