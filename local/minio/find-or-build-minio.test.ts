import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findOrBuildMinio } from './find-or-build-minio.ts';

describe('finding a MinIO server', () => {
  let folder: string;
  const said: string[] = [];
  const find = (env: NodeJS.ProcessEnv) => findOrBuildMinio((line) => said.push(line), env);

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'path-'));
    said.length = 0;
  });

  afterEach(async () => {
    await rm(folder, { recursive: true });
  });

  it('uses MINIO_BINARY', async () => {
    const path = join(folder, 'my-minio');
    await writeFile(path, '#!/bin/sh\n');
    await chmod(path, 0o755);
    expect(await find({ MINIO_BINARY: path })).toEqual({ path });
    expect(said).toEqual([]);
  });

  it('uses no other program if MINIO_BINARY is invalid', async () => {
    const path = join(folder, 'absent');
    expect(await find({ MINIO_BINARY: path })).toEqual({
      missing: `MINIO_BINARY=${path} is not an executable file`,
    });
  });

  it('uses the one in PATH', async () => {
    const path = join(folder, 'minio');
    await writeFile(path, '#!/bin/sh\n');
    await chmod(path, 0o755);
    expect(await find({ PATH: `/nowhere:${folder}` })).toEqual({ path });
  });
});
