import { readFile, readdir } from 'node:fs/promises';
import type { System } from '../../testing/start-system.ts';

/** The unit of CPU times in /proc: 100 per second on every Linux that runs Node. */
const TICKS_PER_SECOND = 100;

interface ProcessUsage {
  readonly pid: number;
  readonly parent: number;
  /** CPU time */
  readonly ticks: number;
  /** Resident memory in bytes. */
  readonly resident: number;
}

/** All processes of this machine. Linux only: it reads /proc. */
async function readProcesses(): Promise<ProcessUsage[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  return Promise.all(
    pids.map(async (pid) => {
      // A process may end before its files are read.
      const read = (file: string) => readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => '');
      const [stat, status] = await Promise.all([read('stat'), read('status')]);
      // The name of the process, in brackets, may contain spaces.
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return {
        pid: Number(pid),
        parent: Number(fields[1] ?? 0),
        ticks: Number(fields[11] ?? 0) + Number(fields[12] ?? 0),
        resident: Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0) * 1_024,
      };
    }),
  );
}

/** A process and all its descendants. */
function familyOf(pid: number, processes: readonly ProcessUsage[]): ProcessUsage[] {
  const children = processes.filter(({ parent }) => parent === pid);
  const descendants = children.flatMap((child) => familyOf(child.pid, processes));
  return [...processes.filter((process) => process.pid === pid), ...descendants];
}

/** The share of one core that each process and its descendants use during the action. 1 is one whole core. */
export async function coreShares(
  pids: readonly number[],
  action: () => Promise<unknown>,
): Promise<readonly number[]> {
  const cpuSeconds = async () => {
    const processes = await readProcesses();
    return pids.map((pid) => sum(familyOf(pid, processes).map(({ ticks }) => ticks)) / TICKS_PER_SECOND);
  };
  const before = await cpuSeconds();
  const since = performance.now();
  await action();
  const after = await cpuSeconds();
  const seconds = (performance.now() - since) / 1_000;
  return after.map((used, index) => (used - (before[index] ?? 0)) / seconds);
}

/** Resident memory of each service and its child processes, in bytes. */
export async function residentMemory({ services }: System): Promise<ReadonlyMap<string, number>> {
  const processes = await readProcesses();
  return new Map(
    services.map(({ name, pid }) => [
      name,
      pid === undefined ? 0 : sum(familyOf(pid, processes).map(({ resident }) => resident)),
    ]),
  );
}

export function report(what: string, value: string, goal: string): void {
  console.log(`${what.padEnd(52)} ${value.padEnd(28)} goal ${goal}`);
}

/** Prints how much the memory of each service has grown, from bytes. */
export function reportGrowth(
  before: ReadonlyMap<string, number>,
  after: ReadonlyMap<string, number>,
  between: string,
): void {
  const mebibytes = (bytes: number) => `${(bytes / 1024 / 1024).toFixed(0)} MiB`;
  for (const [service, bytes] of after) {
    const first = before.get(service) ?? Number.NaN;
    const sizes = `${mebibytes(first)} → ${mebibytes(bytes)}`;
    report(`memory of ${service}, ${between}`, `${(bytes / first).toFixed(2)}× (${sizes})`, '≤ 1.2×');
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
