import { readFile, readdir } from 'node:fs/promises';

/** Of what /proc counts; 100 on every Linux that runs Node. */
const TICKS_PER_SECOND = 100;

/**
 * Processor time that a process and those it has started have used, in seconds, without those that have ended since.
 * Linux only: it reads /proc.
 */
export async function cpuSeconds(pid: number): Promise<number> {
  const processes = await readTimes();
  let family = new Set([pid]);
  for (;;) {
    const grown = new Set([
      ...family,
      ...processes.filter(({ parent }) => family.has(parent)).map((found) => found.pid),
    ]);
    if (grown.size === family.size) break;
    family = grown;
  }
  const own = processes.filter((found) => family.has(found.pid));
  return own.reduce((sum, { ticks }) => sum + ticks, 0) / TICKS_PER_SECOND;
}

/** The part of a core that a process with its children uses while `work` runs: 1 is one whole core. */
export async function coreShare<Result>(
  pids: readonly number[],
  work: () => Promise<Result>,
): Promise<{ readonly shares: readonly number[]; readonly result: Result }> {
  const read = () => Promise.all(pids.map(cpuSeconds));
  const before = await read();
  const since = performance.now();
  const result = await work();
  const after = await read();
  const seconds = (performance.now() - since) / 1_000;
  return { shares: after.map((used, index) => (used - (before[index] ?? 0)) / seconds), result };
}

async function readTimes(): Promise<{ pid: number; parent: number; ticks: number }[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  return Promise.all(
    pids.map(async (pid) => {
      // A process may end while we look. Its name, in brackets, may hold anything.
      const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return {
        pid: Number(pid),
        parent: Number(fields[1] ?? 0),
        ticks: Number(fields[11] ?? 0) + Number(fields[12] ?? 0),
      };
    }),
  );
}
