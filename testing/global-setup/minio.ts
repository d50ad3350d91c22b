import type { TestProject } from 'vitest/node';
import { findOrBuildMinio } from '../../local/minio/find-or-build-minio.ts';
import { MinioServer, type MinioEndpoint } from '../../local/minio/minio-server.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** The MinIO server of this test run, or null if it is unavailable: its tests are then skipped with a message. */
    minio: MinioEndpoint | null;
  }
}

/**
 * vitest globalSetup: one MinIO server for the whole test run, `inject('minio')` in a test.
 * @returns a function that stops it
 */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const binary = await findOrBuildMinio((line) => console.error(line));
  if ('missing' in binary) {
    console.error(`The tests on MinIO are SKIPPED: ${binary.missing}`);
    project.provide('minio', null);
    return () => Promise.resolve();
  }
  const server = new MinioServer(binary.path);
  try {
    project.provide('minio', await server.start());
  } catch (error) {
    await server.stop();
    throw error;
  }
  return () => server.stop();
}
