import type { StepOutcome } from '../calculate.ts';
import type { Conclusion } from './conclude.ts';
import { count, perSecond, plain, seconds } from './format.ts';
import { slotsOf, typicalRun, type Setting } from './group-runs.ts';

/** Where the knee of a capacity test is: once for all runs that found the same, otherwise for each. */
export function concludeCapacity(setting: Setting): Conclusion[] {
  const found = new Set(setting.runs.map(({ measures }) => firstBroken(measures.steps)));
  const typical = typicalRun(setting);
  if (found.size !== 1 || typical === undefined || setting.runs.length === 1) {
    return setting.runs.flatMap(({ measures }) => concludeSteps(measures.steps, setting));
  }
  return concludeSteps(typical.measures.steps, setting).map((conclusion) => ({
    ...conclusion,
    text: `${conclusion.text} All ${setting.runs.length} runs agree; these are the numbers of the median run.`,
  }));
}

/** −1 where all were sustained. */
function firstBroken(steps: readonly StepOutcome[]): number {
  return steps.findIndex(({ sustained }) => !sustained);
}

function concludeSteps(steps: readonly StepOutcome[], setting: Setting): Conclusion[] {
  const [first, last] = [steps[0], steps[steps.length - 1]];
  if (first === undefined || last === undefined) return [];
  const broken = firstBroken(steps);
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
