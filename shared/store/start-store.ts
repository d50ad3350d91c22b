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
  const log = options.log.child({ store: options.where });
  await waitForStore(() => store.start(), options.signal, log);
  log.info('the store is ready');
}
