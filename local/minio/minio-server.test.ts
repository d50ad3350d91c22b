import { inject, describe, expect, it } from 'vitest';
import { findOrBuildMinio } from './find-or-build-minio.ts';
import { MinioServer } from './minio-server.ts';

describe('a MinIO server of our own', () => {
  it.skipIf(inject('minio') === null)(
    'responds when it has started, and not after it has stopped',
    async () => {
      const binary = await findOrBuildMinio(() => undefined);
      if ('missing' in binary) throw new Error(binary.missing);
      const server = new MinioServer(binary.path);
      const [first, second] = await Promise.all([server.start(), server.start()]);
      expect(second).toEqual(first);
      const health = `${first.endpoint}/minio/health/live`;
      expect((await fetch(health)).status).toBe(200);

      await Promise.all([server.stop(), server.stop()]);
      await expect(fetch(health)).rejects.toThrow();
    },
  );

  it('reports why a program exits at once or cannot be started', async () => {
    for (const [program, reason] of [
      ['/bin/false', 'MinIO did not start: the process exited'],
      ['/nowhere/minio', 'MinIO did not start: spawn /nowhere/minio ENOENT'],
    ] as const) {
      const server = new MinioServer(program);
      await expect(server.start()).rejects.toThrow(reason);
      await server.stop();
    }
  });
});
