import { mkdtemp, open, readdir, readlink, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { createImagePool } from './image-pool.ts';

/** Later versions of Node refuse connections, too. */
const CAN_REFUSE_CONNECTIONS = process.allowedNodeEnvironmentFlags.has('--allow-net');

const reportSchema = z.object({
  results: z.record(z.string(), z.string()),
  environment: z.record(z.string(), z.string()),
});

describe('a child process', () => {
  let folder: string;
  let report: z.output<typeof reportSchema>;
  let childDescriptors: string[] = [];
  let ownDescriptors: string[] = [];

  beforeAll(async () => {
    vi.stubEnv('RABBITMQ_URL', 'amqp://user:broker-password@localhost');
    vi.stubEnv('STORE_SECRET_KEY', 'store-password');
    folder = await mkdtemp(join(tmpdir(), 'child-rights-'));
    await writeFile(join(folder, 'secret'), 'secret');
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const file = await open(join(folder, 'secret'));
    const program = new URL('testing/intruding-child.ts', import.meta.url);
    const log = { debug: () => undefined, warn: () => undefined };
    const pool = createImagePool({ slots: 1, program, log });
    const { result, source } = await pool.process({
      bytes: Buffer.from(JSON.stringify({ folder, port })),
      contentType: 'image/png',
      operations: [],
      output: { format: null, quality: 85 },
    });
    report = reportSchema.parse(JSON.parse(Buffer.from(result.bytes).toString()));
    if (process.platform === 'linux') {
      childDescriptors = await descriptorsOf(source.width);
      // What a shell passed on, and the standard error, which children share.
      const inherited = [...(await descriptorsOf(process.ppid)), await readlink('/proc/self/fd/2')];
      ownDescriptors = (await descriptorsOf(process.pid)).filter((target) => !inherited.includes(target));
    }
    await pool.stop();
    await file.close();
    server.close();
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    await rm(folder, { recursive: true });
  });

  it('may only read the code: not other files, not write, not start processes, not open an inspector', async () => {
    const { connect, ...others } = report.results;
    const denied = Object.keys(others).filter((name) => name !== 'read the code');
    expect(others).toEqual({
      ...Object.fromEntries(denied.map((name) => [name, 'ERR_ACCESS_DENIED'])),
      'read the code': 'done',
    });
    expect(denied).toHaveLength(13);
    expect(connect).toBe(CAN_REFUSE_CONNECTIONS ? 'ERR_ACCESS_DENIED' : 'done');
    expect(await readdir(folder)).toEqual(['secret']);
  });

  it('has no credentials in its environment', () => {
    const allowed = ['LD_LIBRARY_PATH', 'MALLOC_ARENA_MAX', 'TMPDIR', 'VIPS_DISC_THRESHOLD'];
    const names = Object.keys(report.environment).filter((name) => !name.startsWith('NODE_CHANNEL_'));
    expect(names.filter((name) => !allowed.includes(name))).toEqual([]);
    expect(JSON.stringify(report.environment)).not.toContain('password');
  });

  it.runIf(process.platform === 'linux')('inherits no file or connection that the worker opened', () => {
    expect(ownDescriptors.filter((target) => target.endsWith('/secret'))).toHaveLength(1);
    expect(childDescriptors.length).toBeGreaterThan(3);
    const shared = childDescriptors.filter((target) => ownDescriptors.includes(target));
    expect(shared.filter((target) => !/^anon_inode:/.test(target))).toEqual([]);
  });
});

/** What the descriptors of a process refer to: paths, and `socket:[number]` of connections. */
async function descriptorsOf(pid: number): Promise<string[]> {
  const numbers = await readdir(`/proc/${pid}/fd`);
  const targets = await Promise.all(
    numbers.map((number) => readlink(`/proc/${pid}/fd/${number}`).catch(() => undefined)),
  );
  return targets.filter((target) => target !== undefined); // one may have been closed meanwhile
}
