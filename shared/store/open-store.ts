import { FolderStore } from './folder-store.ts';
import type { MinioStoreOptions } from './minio-connection.ts';
import { MinioStore } from './minio-store.ts';
import { defaultTimeouts, type ObjectStore, type StoreTimeouts } from './object-store.ts';

/** Which store, and where. */
export type StoreConfig = (
  | { readonly kind: 'folder'; readonly folder: string }
  | ({ readonly kind: 'minio' } & Omit<MinioStoreOptions, 'timeouts'>)
) & { readonly timeouts?: StoreTimeouts };

/** The store that a configuration names. Nothing is opened until its `start()`. */
export function openStore(config: StoreConfig): ObjectStore {
  const timeouts = config.timeouts ?? defaultTimeouts;
  switch (config.kind) {
    case 'folder':
      return new FolderStore({ folder: config.folder, operationMs: timeouts.operationMs });
    case 'minio':
      return new MinioStore({ ...config, timeouts });
  }
}
