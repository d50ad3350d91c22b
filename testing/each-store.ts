import { randomUUID } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, vi } from 'vitest';
import type { ListOptions, ObjectStore } from '@image-pipeline/shared/store/object-store.ts';
import { openStore, type StoreConfig } from '@image-pipeline/shared/store/open-store.ts';
import { readBytes } from '@image-pipeline/shared/store/read-object.ts';

const MAX_BYTES = 64 * 1024 * 1024;

/** A started store that only one test file uses, and shorthands for its contents. */
export interface TestStore {
  readonly store: ObjectStore;
  /** To open the same store once more. */
  readonly config: StoreConfig;
  /** A prefix that no other test uses. */
  ownPrefix(): string;
  bytesOf(key: string): Promise<Buffer | undefined>;
  keysOf(prefix: string, options?: ListOptions): Promise<string[]>;
}

interface Place {
  readonly config: StoreConfig;
  cleanUp(): Promise<void>;
}

/** Runs the same tests on a folder and, if it is installed, on MinIO: the contract of every ObjectStore. */
export function describeEachStore(contract: string, tests: (given: TestStore) => void): void {
  const minio = inject('minio');
  describe(`${contract}, in a folder`, () => {
    tests(setUpStore(ownFolder));
  });
  const skipped = minio === null ? ' (SKIPPED: no server; the start of this run says why)' : '';
  describe.skipIf(minio === null)(`${contract}, on MinIO${skipped}`, () => {
    tests(
      setUpStore(() => {
        if (minio === null) throw new Error('no MinIO');
        // The bucket goes with the server, at the end of the run.
        const config = { kind: 'minio', ...minio, bucket: randomUUID(), region: 'us-east-1' } as const;
        return Promise.resolve({ config, cleanUp: () => Promise.resolve() });
      }),
    );
  });
}

async function ownFolder(): Promise<Place> {
  const folder = await mkdtemp(join(tmpdir(), 'store-'));
  return {
    config: { kind: 'folder', folder },
    async cleanUp() {
      // A call that timed out removes its file later.
      await vi.waitFor(async () => {
        expect(await readdir(join(folder, '.tmp')), 'temporary files left behind').toEqual([]);
      });
      await rm(folder, { recursive: true });
    },
  };
}

function setUpStore(prepare: () => Promise<Place>): TestStore {
  let opened: (Place & { store: ObjectStore }) | undefined;
  const current = (): Place & { store: ObjectStore } => {
    if (opened === undefined) throw new Error('The store exists in tests and hooks only.');
    return opened;
  };

  beforeAll(async () => {
    const place = await prepare();
    opened = { ...place, store: openStore(place.config) };
    await opened.store.start();
  });

  afterAll(async () => {
    await current().store.stop();
    await current().cleanUp();
  });

  return {
    get store() {
      return current().store;
    },
    get config() {
      return current().config;
    },
    ownPrefix: () => `${randomUUID()}/`,
    bytesOf: (key) => readBytes(current().store, key, MAX_BYTES),
    keysOf: async (prefix, options) => {
      const listed = await Array.fromAsync(current().store.list(prefix, options));
      return listed.map(({ key }) => key);
    },
  };
}
