import { once } from 'node:events';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { runK6 } from './k6-program.ts';

const k6 = inject('k6');
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'run-k6-'));
});

afterAll(() => rm(folder, { recursive: true }));

it.skipIf(k6 === null)(
  'reports why a script stopped itself, without the position in the script',
  async () => {
    expect(await runK6([k6 ?? ''], 'inspect', 'bulk_upload', { COUNT: 'abc' })).toEqual({
      exitCode: 108,
      reason: 'COUNT=abc is invalid: use a whole number from 1 to 100000, e.g. COUNT=100',
    });
  },
);

it.skipIf(k6 === null)('reports no reason if the settings are valid', async () => {
  expect(await runK6([k6 ?? ''], 'inspect', 'capacity_test', { RATE: '2.5' })).toEqual({
    exitCode: 0,
    reason: undefined,
  });
});

it('keeps running after Ctrl-C until k6 has written its result', async () => {
  const slow = join(folder, 'slow');
  await writeFile(
    slow,
    '#!/bin/bash\ntrap "sleep 0.3; echo drained; exit 105" INT\necho running\nwhile :; do sleep 0.05; done\n',
  );
  await chmod(slow, 0o755);
  const caller = `
    const { runK6 } = await import(${JSON.stringify(join(import.meta.dirname, 'k6-program.ts'))});
    console.log('end', (await runK6([${JSON.stringify(slow)}], 'run', 'bulk_upload', {})).exitCode);`;
  // A process group of its own, to which the signal goes, as that of a terminal does.
  const parent = execa(process.execPath, ['--input-type=module', '--eval', caller], { detached: true });
  const [running] = (await once(parent.stdout, 'data')) as [Buffer];
  expect(running.toString()).toContain('running');
  process.kill(-(parent.pid ?? Number.NaN), 'SIGINT');
  expect((await parent).stdout).toMatch(/drained\nend 105$/);
});
