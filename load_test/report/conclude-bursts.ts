import type { Recovery } from '../calculate.ts';
import type { Conclusion } from './conclude.ts';
import { count, perSecond, plain, seconds, whole } from './format.ts';
import { medianOf, slotsOf, type Setting } from './group-runs.ts';
import type { Run } from './measure-run.ts';
import { median } from './statistics.ts';

/** Whether the queue of each burst was gone before the next one came. */
export function concludeBursts(setting: Setting): Conclusion[] {
  const sent = setting.runs.flatMap(burstsOf);
  const bursts = sent.filter(({ accepted }) => accepted > 0);
  const conclusions = concludeRefused(sent);
  const [first] = bursts;
  if (first === undefined) return conclusions;
  const [size, interval] = [first.size, first.interval];
  const late = bursts.filter(
    (burst) => burst.interval !== null && (burst.seconds ?? Infinity) > burst.interval,
  );
  const never = bursts.find((burst) => burst.interval === null && burst.seconds === null);
  const [firstLate] = late;
  if (firstLate !== undefined && interval !== null) {
    const throughput = medianOf(setting, ({ measures }) => measures.throughput);
    const peak = Math.max(...bursts.map((burst) => burst.peak));
    conclusions.push({
      kind: 'burst-not-recovered',
      tone: 'problem',
      headline: `The workers do not keep up with bursts of ${count(size, 'image')} every ${plain(interval)} s`,
      text:
        `${whole(late.length)} of ${count(bursts.length, 'burst')} had not recovered when the next one came, the first of them burst ${firstLate.number}, with ${count(firstLate.waitingAtNext, 'job')} still waiting. ` +
        `${count(size, 'image')} every ${plain(interval)} s are ${perSecond(size / interval)}; the workers completed ${perSecond(throughput)} with ${slotsOf(setting)}. ` +
        `The queue peaked at ${count(peak, 'waiting job')}.`,
    });
  } else if (never === undefined) {
    const times = bursts.flatMap((burst) => burst.seconds ?? []);
    const range = `${seconds(Math.min(...times))} to ${seconds(Math.max(...times))}`;
    const before = interval === null ? '' : `, before the next one came after ${plain(interval)} s`;
    conclusions.push({
      kind: 'bursts-recovered',
      tone: 'good',
      headline: `A burst of ${count(size, 'image')} recovers in ${seconds(median(times))}`,
      text:
        times.length === 1
          ? `The burst of ${count(size, 'image')} recovered in ${seconds(median(times))}.`
          : `${sent.length === bursts.length ? 'All ' : ''}${bursts.length} bursts of ${count(size, 'image')} recovered in ${range} (median ${seconds(median(times))})${before}.`,
    });
  }
  if (never !== undefined) {
    conclusions.push({
      kind: 'burst-never-recovered',
      tone: 'problem',
      text: `Burst ${never.number} had not recovered when the run ended.`,
    });
  }
  return conclusions;
}

function concludeRefused(bursts: readonly Recovery[]): Conclusion[] {
  const refused = bursts.filter(({ accepted }) => accepted === 0).length;
  if (refused === 0) return [];
  const text = `No image of ${refused} of ${count(bursts.length, 'burst')} was accepted, so ${refused === 1 ? 'it has' : 'they have'} no recovery time.`;
  return [{ kind: 'burst-refused', tone: 'problem', text }];
}

/** The bursts of a run, each with the seconds until the next one; null for the last. */
function burstsOf({ result, measures }: Run) {
  return measures.recoveries.map((recovery, i) => {
    const [at, next] = [result.bursts[i]?.at, result.bursts[i + 1]?.at];
    return {
      ...recovery,
      interval: at === undefined || next === undefined ? null : (Date.parse(next) - Date.parse(at)) / 1_000,
      waitingAtNext: measures.recoveries[i + 1]?.before ?? 0,
    };
  });
}
