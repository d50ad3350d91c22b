import type { Conclusion } from './conclude.ts';
import { count, perSecond, plain, seconds, whole } from './format.ts';
import { medianOf, slotsOf, type Setting } from './group-runs.ts';
import { median } from './statistics.ts';

/** Whether the queue of each burst was gone before the next one came. */
export function concludeBursts(setting: Setting): Conclusion[] {
  const conclusions: Conclusion[] = [];
  const recovered: number[] = [];
  let late: { number: number; waiting: number } | undefined;
  let never: number | undefined;
  let interval = Number.NaN;
  let [bursts, size, firstPeak, lastPeak] = [0, 0, 0, 0];
  for (const { result, measures } of setting.runs) {
    for (const [i, recovery] of measures.recoveries.entries()) {
      const [at, next] = [result.bursts[i]?.at, result.bursts[i + 1]?.at];
      bursts++;
      size = recovery.size;
      if (i === 0) firstPeak = Math.max(firstPeak, recovery.peak);
      lastPeak = Math.max(lastPeak, recovery.peak);
      const gap =
        at === undefined || next === undefined ? Infinity : (Date.parse(next) - Date.parse(at)) / 1_000;
      if (Number.isFinite(gap)) interval = gap;
      if (recovery.seconds !== null) recovered.push(recovery.seconds);
      if (recovery.seconds === null && !Number.isFinite(gap)) never ??= recovery.number;
      else if (recovery.seconds === null || recovery.seconds > gap) {
        late ??= { number: recovery.number, waiting: measures.recoveries[i + 1]?.before ?? 0 };
      }
    }
  }
  if (bursts === 0) return [];
  const completed = perSecond(medianOf(setting, ({ measures }) => measures.throughput));
  if (late !== undefined) {
    conclusions.push({
      kind: 'burst-not-recovered',
      tone: 'problem',
      headline: `Bursts of ${size} every ${plain(interval)} s come faster than the workers recover`,
      text:
        `Burst ${late.number} had not recovered when the next one came: ${count(late.waiting, 'job')} still waited. ` +
        `${count(size, 'image')} every ${plain(interval)} s are ${perSecond(size / interval)}; the workers completed ${completed} with ${slotsOf(setting)}. ` +
        `The queue grew from ${whole(firstPeak)} jobs at the first peak to ${whole(lastPeak)}.`,
    });
  } else if (never === undefined) {
    const range = `${seconds(Math.min(...recovered))} to ${seconds(Math.max(...recovered))}`;
    const before = Number.isFinite(interval) ? `, before the next one came after ${plain(interval)} s` : '';
    conclusions.push({
      kind: 'bursts-recovered',
      tone: 'good',
      headline: `A burst of ${count(size, 'image')} recovers in ${seconds(median(recovered))}`,
      text:
        recovered.length === 1
          ? `The burst of ${count(size, 'image')} recovered in ${seconds(recovered[0] ?? null)}.`
          : `All ${bursts} bursts of ${count(size, 'image')} recovered in ${range} (median ${seconds(median(recovered))})${before}.`,
    });
  }
  if (never !== undefined) {
    conclusions.push({
      kind: 'burst-never-recovered',
      tone: 'problem',
      text: `Burst ${never} had not recovered when the run ended.`,
    });
  }
  return conclusions;
}
