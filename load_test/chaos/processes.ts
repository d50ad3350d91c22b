import { readFile, readdir } from 'node:fs/promises';
import type { System } from '../../testing/start-system.ts';

/** A process that decodes images for a worker of ours. */
export interface Decoder {
  readonly pid: number;
  readonly parent: number;
}

/** Every decoder of this system, known by the TMPDIR that it was given. Linux only: it reads /proc. */
export async function decodersOf({ temp }: System): Promise<Decoder[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    pids.map(async (pid) => {
      // A process may end while we look, or be another user's.
      const read = (name: string) => readFile(`/proc/${pid}/${name}`, 'utf8').catch(() => '');
      if (!(await read('cmdline')).includes('engine-child')) return [];
      if (!(await read('environ')).split('\0').includes(`TMPDIR=${temp}`)) return [];
      const parent = Number(/^PPid:\s+(\d+)/m.exec(await read('status'))?.[1] ?? Number.NaN);
      return [{ pid: Number(pid), parent }];
    }),
  );
  return found.flat();
}

/**
 * Decoders whose worker is gone, and those that a worker has too many of: more than one for each slot, and one for slow images.
 */
export async function strayProcesses(system: System, slots: number): Promise<string[]> {
  const decoders = await decodersOf(system);
  const workers = new Map(system.workers.map(({ pid, name }) => [pid, name]));
  const strays = decoders.filter(({ parent }) => !workers.has(parent)).map(({ pid }) => `decoder ${pid}`);
  const crowded = [...workers].filter(
    ([pid]) => decoders.filter(({ parent }) => parent === pid).length > slots + 1,
  );
  return [...strays, ...crowded.map(([, name]) => `more than ${slots + 1} decoders of ${name}`)];
}
