import { setTimeout as sleep } from 'node:timers/promises';
import PQueue from 'p-queue';
import { applyFault } from './apply-fault.ts';
import { smallImages } from './chaos-image.ts';
import type { ChaosSystem } from './chaos-system.ts';
import type { Client } from './client.ts';
import type { ScheduledFault } from './fault.ts';
import type { Draw } from '../draw.ts';

/** Uploads this many small images at random moments of so many seconds. Resolves when each has had its answer. */
export async function uploadOver(client: Client, jobs: number, seconds: number, draw: Draw): Promise<void> {
  await Promise.all(
    Array.from({ length: jobs }, async () => {
      const image = smallImages[draw(0, smallImages.length - 1)];
      await sleep(draw(0, seconds * 1_000));
      if (image !== undefined) await client.upload(image);
    }),
  );
}

/** Lets every fault happen at its time; those of one part of the system wait for each other. */
export async function runSchedule(system: ChaosSystem, schedule: readonly ScheduledFault[]): Promise<void> {
  const lines = new Map<string, PQueue>();
  await Promise.all(
    schedule.map(async (fault) => {
      await sleep(fault.atMs);
      const part = partOf(fault);
      const line = lines.get(part) ?? new PQueue({ concurrency: 1 });
      lines.set(part, line);
      await line.add(() => applyFault(system, fault));
    }),
  );
}

/** What a fault is done to. */
function partOf(fault: ScheduledFault): string {
  switch (fault.kind) {
    case 'restart broker':
    case 'kill broker':
    case 'memory alarm':
    case 'close connections':
      return 'broker';
    case 'half-open connections':
    case 'cut connections':
      return 'network';
    case 'store away':
      return 'store';
    case 'kill worker':
    case 'freeze worker':
      return `worker ${fault.worker}`;
    case 'kill api':
    case 'kill notification':
    case 'kill decoder':
      return fault.kind;
  }
}
