import { readFile, readdir } from 'node:fs/promises';

/** The unit of CPU times in /proc: 100 per second on every Linux that runs Node. */
const MS_PER_TICK = 10;

export interface ProcessUsage {
  readonly pid: number;
  readonly parent: number;
  /** CPU time of the process, in milliseconds. */
  readonly cpuMs: number;
  /** CPU time of its children that have ended, in milliseconds. */
  readonly endedChildrenMs: number;
  /** Resident memory in bytes. */
  readonly resident: number;
}

/** All processes of this machine. Linux only: it reads /proc. */
export async function readProcesses(): Promise<ProcessUsage[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  return Promise.all(
    pids.map(async (pid) => {
      // A process may end before its files are read.
      const read = (file: string) => readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => '');
      const [stat, status] = await Promise.all([read('stat'), read('status')]);
      // The name of the process, in brackets, may contain spaces.
      const fields = stat
        .slice(stat.lastIndexOf(')') + 2)
        .split(' ')
        .map(Number);
      const ms = (first: number) => ((fields[first] ?? 0) + (fields[first + 1] ?? 0)) * MS_PER_TICK;
      return {
        pid: Number(pid),
        parent: fields[1] ?? 0,
        cpuMs: ms(11),
        endedChildrenMs: ms(13),
        resident: Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0) * 1_024,
      };
    }),
  );
}

/** CPU time in milliseconds: of a process itself, and of all its descendants. */
export interface CpuTime {
  readonly own: number;
  readonly children: number;
}

export function cpuTimeOf(pid: number, processes: readonly ProcessUsage[]): CpuTime {
  const own = processes.find((process) => process.pid === pid);
  const children = processes.filter(({ parent }) => parent === pid);
  const times = children.map((child) => cpuTimeOf(child.pid, processes));
  return {
    own: own?.cpuMs ?? 0,
    children: sum(times.map((time) => time.own + time.children)) + (own?.endedChildrenMs ?? 0),
  };
}

/** CPU time of each process between now and the call of the function that this returns. */
export async function startCpuClock(
  pids: ReadonlyMap<string, number>,
): Promise<() => Promise<Map<string, CpuTime>>> {
  const before = await readProcesses();
  return async () => {
    const after = await readProcesses();
    return new Map(
      [...pids].map(([name, pid]) => {
        const [from, to] = [cpuTimeOf(pid, before), cpuTimeOf(pid, after)];
        return [name, { own: to.own - from.own, children: to.children - from.children }];
      }),
    );
  };
}

/** Resident memory of each process, without its children, in bytes. */
export async function residentMemory(
  pids: ReadonlyMap<string, number>,
): Promise<ReadonlyMap<string, number>> {
  const processes = await readProcesses();
  return new Map(
    [...pids].map(([name, pid]) => [name, processes.find((process) => process.pid === pid)?.resident ?? 0]),
  );
}

export function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
