import { join } from 'node:path';
import type { ObjectStore } from '@image-pipeline/shared/store/object-store.ts';
import { findOrBuildMinio } from '../../local/minio/find-or-build-minio.ts';
import { FolderUnderTest } from './folder-under-test.ts';
import { MinioUnderTest } from './minio-under-test.ts';

/** A real store, and what can be done to it. */
export interface StoreUnderTest extends AsyncDisposable {
  readonly kind: 'minio' | 'folder';
  /** How the services find it. */
  readonly environment: NodeJS.ProcessEnv;
  /** Past the network that can fail: what is really there. */
  readonly direct: ObjectStore;
  /** Nothing of it can be reached until `back`. */
  away(): Promise<void>;
  back(): Promise<void>;
  /** Half-written objects that are still there. */
  temporaryFiles(): Promise<string[]>;
}

/** @param kind `minio` where a server can be had, else the folder, which has no network that could fail. */
export async function openStoreUnderTest(
  kind: 'minio' | 'folder',
  folder: string,
  say: (line: string) => void,
): Promise<StoreUnderTest> {
  if (kind === 'minio') {
    const binary = await findOrBuildMinio(say);
    if ('path' in binary) return MinioUnderTest.start(binary.path);
    say(`Using a folder as store, because MinIO is not available: ${binary.missing}`);
  }
  return FolderUnderTest.open(join(folder, 'disk'));
}
