import type { Snapshot, WorkerMetrics } from '@image-pipeline/shared/contracts/snapshot.ts';
import { bar, firstThatFits, fit, fitEnd, LABEL_WIDTH, labelledLines, shareText } from './text.ts';
import type { Paint } from './view.ts';

const LONGEST_NAME = 28;
/** Width of a line without the name and the bar. */
const FIXED_WIDTH = 18;
const WIDEST_LINE = 100;

/** The sum of all workers, then each with its jobs in progress. @param height maximum number of lines */
export function workerLines(snapshot: Snapshot, width: number, height: number, paint: Paint): string[] {
  const { workers } = snapshot;
  const room = height - 1;
  if (workers.length <= room) return [sumLine(snapshot, width, paint), ...linesOf(workers, width, paint)];
  if (room === 1) return [sumLine(snapshot, width, paint), namesLine(workers, width)];
  const shown = new Set(workers.toSorted(liveFirst).slice(0, Math.max(0, room - 1)));
  const hidden = workers.length - shown.size;
  return [
    sumLine(snapshot, width, paint),
    ...linesOf(
      workers.filter((worker) => shown.has(worker)),
      width,
      paint,
    ),
    ...(hidden > 0 ? [paint('dim', `  … and ${hidden} more worker${hidden === 1 ? '' : 's'}`)] : []),
  ];
}

/** All workers in one line, as far as they fit. */
function namesLine(workers: readonly WorkerMetrics[], width: number): string {
  const texts = workers
    .toSorted(liveFirst)
    .map(({ name, live, busy, slots }) => `${name} ${live ? `${busy}/${slots ?? '?'}` : 'gone'}`);
  return fit(`  ${texts.join(', ')}`, width).trimEnd();
}

const liveFirst = (one: WorkerMetrics, other: WorkerMetrics) => Number(other.live) - Number(one.live);

function sumLine({ workers, utilisation }: Snapshot, width: number, paint: Paint): string {
  const { slots, busy, last_minute } = utilisation;
  const live = workers.filter((worker) => worker.live).length;
  const share = last_minute === null ? '' : `, ${shareText(last_minute)} of the last minute`;
  const sum = firstThatFits(
    [
      `${live} live, ${busy} of ${slots} slots busy${share}`,
      `${live} live, ${busy} of ${slots} slots busy`,
      `${live} live, ${busy}/${slots} busy`,
    ],
    width - LABEL_WIDTH,
  );
  const tint = (line: string) => (live === 0 ? paint('red', line) : line);
  return labelledLines('Workers', live === 0 ? 'none' : sum, width, paint, tint)[0] ?? '';
}

function linesOf(workers: readonly WorkerMetrics[], available: number, paint: Paint): string[] {
  const width = Math.min(available, WIDEST_LINE);
  const room = Math.max(16, width - FIXED_WIDTH);
  const nameWidth = Math.min(LONGEST_NAME, Math.ceil(room / 2) + 3);
  return workers.map((worker) => {
    const name = `  ${fitEnd(worker.name, nameWidth)}`;
    if (!worker.live) return paint('dim', `${name} gone`);
    const jobs = `${worker.busy}/${worker.slots ?? '?'}`.padStart(6);
    const drawn = paint('cyan', bar(worker.utilisation ?? 0, room - nameWidth));
    return `${name} ${jobs}  ${drawn} ${shareText(worker.utilisation).padStart(6)}`;
  });
}
