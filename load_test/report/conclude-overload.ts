import type { Recovery, StepOutcome } from '../calculate.ts';
import type { Conclusion } from './conclude.ts';
import { count, perSecond, plain, seconds, whole } from './format.ts';
import { type Setting, slotsOf, throughputOf, typicalRun } from './group-runs.ts';
import type { Run } from './measure-run.ts';
import { median } from './statistics.ts';

/** Whether the queue had recovered from each burst before the next one. */
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
    const throughput = throughputOf(setting);
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
function burstsOf({ result, recoveries }: Run) {
  return recoveries.map((recovery, i) => {
    const [at, next] = [result.bursts[i]?.at, result.bursts[i + 1]?.at];
    return {
      ...recovery,
      interval: at === undefined || next === undefined ? null : (Date.parse(next) - Date.parse(at)) / 1_000,
      waitingAtNext: recoveries[i + 1]?.before ?? 0,
    };
  });
}

/** The knee of a capacity test: once if all runs agree, otherwise for each run. */
export function concludeCapacity(setting: Setting): Conclusion[] {
  const found = new Set(setting.runs.map((run) => firstUnsustained(run.steps)));
  const typical = typicalRun(setting);
  if (found.size !== 1 || typical === undefined || setting.runs.length === 1) {
    return setting.runs.flatMap((run) => concludeSteps(run.steps, setting));
  }
  return concludeSteps(typical.steps, setting).map((conclusion) => ({
    ...conclusion,
    text: `${conclusion.text} All ${setting.runs.length} runs agree; these are the numbers of the median run.`,
  }));
}

/** −1 if all were sustained. */
function firstUnsustained(steps: readonly StepOutcome[]): number {
  return steps.findIndex(({ sustained }) => !sustained);
}

function concludeSteps(steps: readonly StepOutcome[], setting: Setting): Conclusion[] {
  const [first, last] = [steps[0], steps[steps.length - 1]];
  if (first === undefined || last === undefined) return [];
  const broken = firstUnsustained(steps);
  const failing = steps[broken];
  const workers = slotsOf(setting);
  if (failing === undefined) {
    return [
      {
        kind: 'knee-not-reached',
        tone: 'note',
        headline: `Sustained up to ${plain(last.rate)} jobs/s; the knee was not reached`,
        text: `With ${workers} every step was sustained, up to ${plain(last.rate)} jobs/s, so the knee was not reached. Test with higher rates.`,
      },
    ];
  }
  const within = failing.times === null ? '' : `, 95 % of them within ${seconds(failing.times.p95)}`;
  const dropped =
    failing.dropped === 0 ? '' : `, and k6 could not send ${count(failing.dropped, 'upload')} in time`;
  const came = `At a target of ${plain(failing.rate)} jobs/s, results came at ${perSecond(failing.throughput)}`;
  const knee = steps[broken - 1];
  if (knee === undefined) {
    return [
      {
        kind: 'first-step-too-fast',
        tone: 'note',
        headline: `The first step, ${plain(first.rate)} jobs/s, was not sustained`,
        text: `With ${workers} even the first step was too fast. ${came}${within}${dropped}. Start at a lower rate.`,
      },
    ];
  }
  return [
    {
      kind: 'knee',
      tone: 'good',
      headline: `The knee lies between ${plain(knee.rate)} and ${plain(failing.rate)} jobs/s`,
      text:
        `With ${workers} the knee lies between ${plain(knee.rate)} and ${plain(failing.rate)} jobs/s: ${plain(knee.rate)} was sustained, ` +
        `95 % of the results within ${seconds(knee.times?.p95 ?? null)}. ${came}${within}${dropped}.`,
    },
  ];
}
