import { setTimeout as sleep } from 'node:timers/promises';
import PQueue from 'p-queue';
import { type Draw, drawFrom } from '../draw.ts';
import type { ChaosSystem } from './chaos-system.ts';
import { applyFault, partOf, type Fault, type ScheduledFault } from './faults.ts';

/** Mean time between two faults of the random mix. */
const BETWEEN_MS = 4_000;
/** Worker numbers in a schedule; a system with fewer workers reuses them. */
const WORKERS = 3;

/** Faults that stop the whole system have a lower weight. */
const menu: readonly { readonly weight: number; readonly make: (draw: Draw) => Fault }[] = [
  { weight: 8, make: (draw) => ({ kind: 'kill worker', worker: draw(1, WORKERS) }) },
  {
    weight: 2,
    make: (draw) => ({ kind: 'freeze worker', worker: draw(1, WORKERS), forMs: draw(500, 30_000) }),
  },
  { weight: 3, make: () => ({ kind: 'kill decoder' }) },
  { weight: 2, make: () => ({ kind: 'kill api' }) },
  { weight: 2, make: () => ({ kind: 'kill notification' }) },
  { weight: 2, make: () => ({ kind: 'close connections' }) },
  { weight: 2, make: () => ({ kind: 'cut connections' }) },
  { weight: 1, make: (draw) => ({ kind: 'half-open connections', forMs: draw(500, 25_000) }) },
  { weight: 1, make: () => ({ kind: 'restart broker' }) },
  { weight: 1, make: () => ({ kind: 'kill broker' }) },
  { weight: 1, make: (draw) => ({ kind: 'memory alarm', forMs: draw(500, 8_000) }) },
  { weight: 2, make: (draw) => ({ kind: 'store unavailable', forMs: draw(500, 10_000) }) },
];

/** Random faults for a run of this many seconds: a pure function of the seed. */
export function randomSchedule(seed: number, seconds: number): ScheduledFault[] {
  const draw = drawFrom(seed);
  const schedule: ScheduledFault[] = [];
  for (let atMs = draw(0, 2 * BETWEEN_MS); atMs < seconds * 1_000; atMs += draw(0, 2 * BETWEEN_MS)) {
    schedule.push({ ...drawFault(draw), atMs });
  }
  return schedule;
}

function drawFault(draw: Draw): Fault {
  let place = draw(
    1,
    menu.reduce((total, { weight }) => total + weight, 0),
  );
  for (const { weight, make } of menu) {
    place -= weight;
    if (place <= 0) return make(draw);
  }
  throw new Error('the weights of the faults do not add up');
}

/**
 * A worker killed every 2 s, the broker restarted twice, all connections closed, the store unavailable for 20 s, always at
 * the same fractions of the run.
 */
export function stormSchedule(seconds: number): ScheduledFault[] {
  const at = (part: number) => seconds * 1_000 * part;
  const kills = Array.from({ length: Math.floor(seconds / 2) }, (_, index): ScheduledFault => {
    return { kind: 'kill worker', worker: (index % WORKERS) + 1, atMs: (index + 1) * 2_000 };
  });
  const others: ScheduledFault[] = [
    { kind: 'restart broker', atMs: at(0.15) },
    { kind: 'close connections', atMs: at(0.4) },
    { kind: 'store unavailable', forMs: 20_000, atMs: at(0.5) },
    { kind: 'restart broker', atMs: at(0.75) },
  ];
  return [...kills, ...others].toSorted((one, other) => one.atMs - other.atMs);
}

/** Injects each fault at its time; faults of the same part of the system wait for each other. */
export async function runSchedule(system: ChaosSystem, schedule: readonly ScheduledFault[]): Promise<void> {
  const queues = new Map<string, PQueue>();
  await Promise.all(
    schedule.map(async (fault) => {
      await sleep(fault.atMs);
      const part = partOf(fault);
      const queue = queues.get(part) ?? new PQueue({ concurrency: 1 });
      queues.set(part, queue);
      await queue.add(() => applyFault(system, fault));
    }),
  );
}
