import { findOrBuildMinio } from '../../local/minio/find-or-build-minio.ts';
import { MinioServer } from '../../local/minio/minio-server.ts';
import type { BenchRun } from './bench-run.ts';
import type { Section } from './report.ts';
import { compareWithLoop, SYSTEM_COLUMNS } from './system.ts';

/** The same as `measureSystem`, with MinIO as store. MinIO's own CPU time is not in the table. */
export async function measureMinio(bench: BenchRun): Promise<Section> {
  const columns = ['store', ...SYSTEM_COLUMNS];
  const binary = await findOrBuildMinio((line) => bench.say(line));
  if ('missing' in binary) {
    bench.say(`Skipped: ${binary.missing}`);
    return { columns, rows: [] };
  }
  const row = await compareWithLoop(bench, 'sharp', 'MinIO, IMAGE_ENGINE=sharp', {
    environment: async ({ cleanup }) => {
      const server = new MinioServer(binary.path);
      cleanup.defer(() => server.stop());
      const { endpoint, accessKey, secretKey } = await server.start();
      return {
        STORE: 'minio',
        MINIO_ENDPOINT: endpoint,
        MINIO_ACCESS_KEY: accessKey,
        MINIO_SECRET_KEY: secretKey,
      };
    },
  });
  return { columns, rows: [row] };
}
