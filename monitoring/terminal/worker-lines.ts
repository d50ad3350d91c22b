import type { Snapshot } from '@image-pipeline/shared/contracts/snapshot.ts';
import { fit, shareText } from './figures-text.ts';
import { bar } from './sparkline.ts';
import type { Paint } from './view.ts';

const MAX_WORKERS = 12;

/** All workers together, then each with what it has in hand. */
export function workerLines(snapshot: Snapshot, width: number, paint: Paint): string[] {
  const { workers, utilisation } = snapshot;
  const { slots, busy, last_minute } = utilisation;
  const live = workers.filter((worker) => worker.live).length;
  const barWidth = Math.max(10, width - 52);
  const share = last_minute === null ? '' : `, ${shareText(last_minute)} of the last minute`;
  const sum = `${live} live, ${busy} of ${slots} slots busy${share}`;
  return [
    `${paint('bold', 'Workers')}   ${live === 0 ? paint('red', 'none') : fit(sum, width - 10).trimEnd()}`,
    ...workers.slice(0, MAX_WORKERS).map((worker) => {
      const inHand = `${worker.busy}/${worker.slots ?? '?'}`.padStart(6);
      const name = `  ${fit(worker.name, 28)}`;
      if (!worker.live) return paint('dim', `${name} gone`);
      const drawn = paint('cyan', bar(worker.utilisation ?? 0, barWidth));
      return `${name} ${inHand}  ${drawn} ${shareText(worker.utilisation).padStart(6)}`;
    }),
    ...(workers.length > MAX_WORKERS ? [paint('dim', `  … and ${workers.length - MAX_WORKERS} more`)] : []),
  ];
}
