import type { TestProject } from 'vitest/node';
import { findOrBuildMinio } from '../../local/minio/find-or-build-minio.ts';
import { MinioServer, type MinioEndpoint } from '../../local/minio/minio-server.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** The MinIO server of this test run, or null where none can be had: then its tests are skipped, visibly. */
    minio: MinioEndpoint | null;
  }
}

/**
 * Starts one MinIO server for a test run; tests read where it is with `inject('minio')`.
 * @returns what stops it
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
