import { randomUUID } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, vi } from 'vitest';
import type { ListOptions, ObjectStore } from '@image-pipeline/shared/store/object-store.ts';
import { openStore, type StoreConfig } from '@image-pipeline/shared/store/open-store.ts';
import { readBytes } from '@image-pipeline/shared/store/read-object.ts';
import { collect } from './collect.ts';

const MAX_BYTES = 64 * 1024 * 1024;

/** A started store of a test file's own, and shorthands for looking into it. */
export interface GivenStore {
  readonly store: ObjectStore;
  /** To open the same store once more. */
  readonly config: StoreConfig;
  /** Keys below it are out of the way of every other test. */
  ownPrefix(): string;
  bytesOf(key: string): Promise<Buffer | undefined>;
  keysOf(prefix: string, options?: ListOptions): Promise<string[]>;
}

interface Place {
  readonly config: StoreConfig;
  cleanUp(): Promise<void>;
}

/** Runs the same tests on a folder and, where a server could be had, on MinIO: what holds of every ObjectStore. */
export function describeEachStore(contract: string, tests: (given: GivenStore) => void): void {
  const minio = inject('minio');
  describe(`${contract}, in a folder`, () => {
    tests(givenStore(ownFolder));
  });
  const skipped = minio === null ? ' (SKIPPED: no server could be had; the start of this run says why)' : '';
  describe.skipIf(minio === null)(`${contract}, on MinIO${skipped}`, () => {
    tests(
      givenStore(() => {
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
      // A call that ran out of time clears up behind its caller's back.
      await vi.waitFor(async () => {
        expect(await readdir(join(folder, '.tmp')), 'temporary files left behind').toEqual([]);
      });
      await rm(folder, { recursive: true });
    },
  };
}

function givenStore(prepare: () => Promise<Place>): GivenStore {
  let opened: (Place & { store: ObjectStore }) | undefined;
  const current = (): Place & { store: ObjectStore } => {
    if (opened === undefined) throw new Error('the store is there in tests and hooks only');
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
      const listed = await collect(current().store.list(prefix, options));
      return listed.map(({ key }) => key);
    },
  };
}
