import { mkdir, mkdtemp, readFile, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { BenchRun } from './bench-run.ts';

it('empties the files of a discarded folder, and removes it at the end', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'bench-run-'));
  await mkdir(join(folder, 'store'));
  await writeFile(join(folder, 'store', 'image'), 'bytes');
  // Only root may empty it.
  await writeFile(join(folder, '.erlang.cookie'), 'SECRET', { mode: 0o400 });
  const bench = new BenchRun([]);

  await bench.discard(join(folder, 'vanished'));
  await bench.discard(folder);
  expect(await readFile(join(folder, 'store', 'image'), 'utf8')).toBe('');

  await bench[Symbol.asyncDispose]();
  await expect(stat(folder)).rejects.toThrow('ENOENT');
});

it('removes what was discarded although something does not end', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'bench-run-'));
  const bench = new BenchRun([]);
  await bench.discard(folder);
  const broken = { [Symbol.asyncDispose]: () => Promise.reject(new Error('does not end')) };
  await new Promise<void>((resolve) => {
    void bench.during(
      () => Promise.resolve(broken),
      async () => {
        resolve();
        await new Promise(() => undefined);
      },
    );
  });

  await expect(bench[Symbol.asyncDispose]()).rejects.toThrow('does not end');
  await expect(stat(folder)).rejects.toThrow('ENOENT');
});

it('waits for a part that is ending already when the run is ended', async () => {
  const bench = new BenchRun([]);
  const beginsToEnd = Promise.withResolvers<undefined>();
  const mayEnd = Promise.withResolvers<undefined>();
  const steps: string[] = [];
  const service = {
    [Symbol.asyncDispose]: async () => {
      steps.push('service is stopping');
      beginsToEnd.resolve(undefined);
      await mayEnd.promise;
      steps.push('service has stopped');
    },
  };
  const part = bench.during(
    () => Promise.resolve(service),
    () => Promise.resolve(),
  );
  await beginsToEnd.promise;
  const end = bench[Symbol.asyncDispose]().then(() => steps.push('run has ended'));
  mayEnd.resolve(undefined);
  await Promise.all([part, end]);

  expect(steps).toEqual(['service is stopping', 'service has stopped', 'run has ended']);
});
