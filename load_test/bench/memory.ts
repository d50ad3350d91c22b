import { readFile, readdir } from 'node:fs/promises';
import type { System } from '../../testing/start-system.ts';

/** Resident memory of each service with its child processes, in bytes. Linux only: it reads /proc. */
export async function residentMemory(system: System): Promise<ReadonlyMap<string, number>> {
  const processes = await readProcesses();
  const sizes = new Map<string, number>();
  for (const { name, pid } of system.services) {
    const family = [pid, ...processes.filter(({ parent }) => parent === pid).map(({ pid }) => pid)];
    const members = processes.filter(({ pid }) => family.includes(pid));
    sizes.set(
      name,
      members.reduce((sum, { resident }) => sum + resident, 0),
    );
  }
  return sizes;
}

interface ProcessSize {
  readonly pid: number;
  readonly parent: number;
  /** bytes */
  readonly resident: number;
}

async function readProcesses(): Promise<ProcessSize[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const sizes = await Promise.all(
    pids.map(async (pid) => {
      // A process may end while we look.
      const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
      const field = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0);
      return { pid: Number(pid), parent: field('PPid'), resident: field('VmRSS') * 1024 };
    }),
  );
  return sizes;
}
