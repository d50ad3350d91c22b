import { stepOutcomes, type StepOutcome } from '../calculate.ts';
import {
  count,
  digits,
  list,
  perSecond,
  percent,
  plain,
  printable,
  seconds,
  times,
  whole,
} from './format.ts';
import { medianOf, slotsOf, type Machine, type Setting, type Test } from './group-runs.ts';
import type { Run } from './measure-run.ts';
import { scalingOf, shapeOf, type Change, type Scaling, type ScalingShape } from './scaling.ts';
import { median } from './statistics.ts';

/** Something that follows from the runs, in plain words. */
export interface Conclusion {
  /** What kind of finding it is; stable, for machines. */
  readonly kind: string;
  readonly tone: 'good' | 'note' | 'problem';
  readonly text: string;
  /** The same in a few words, where it is worth being the headline of a report. */
  readonly headline?: string;
}

/** All that can be said about one test, the most serious first. */
export function conclude(test: Test, machine: Machine): Conclusion[] {
  const runs = test.settings.flatMap((setting) => setting.runs);
  const about = {
    bulk_upload: () => concludeBulk(test, machine),
    burst_test: () => test.settings.flatMap(concludeBursts),
    capacity_test: () => test.settings.flatMap(concludeCapacity),
  }[test.script];
  return [...concludeFailures(runs), ...about(), ...concludeQuality(test)];
}

/** Jobs that were lost or failed, and uploads that were refused. */
export function concludeFailures(runs: readonly Run[]): Conclusion[] {
  const sum = (value: (run: Run) => number) => runs.reduce((total, run) => total + value(run), 0);
  const conclusions: Conclusion[] = [];
  const accepted = sum(({ measures }) => measures.uploads.accepted);
  const lost = sum(({ measures }) => measures.lost);
  if (lost > 0) {
    conclusions.push({
      kind: 'jobs-lost',
      tone: 'problem',
      headline: `${count(lost, 'accepted job')} did not end`,
      text: `${whole(lost)} of ${count(accepted, 'accepted job')} did not end while k6 waited for ${lost === 1 ? 'it' : 'them'}. Check whether ${lost === 1 ? 'it is' : 'they are'} still open: make monitor`,
    });
  }
  const failed = sum(({ measures }) => measures.counts.failed);
  if (failed > 0) {
    const codes = codeList(runs.map(({ measures }) => measures.failures));
    conclusions.push({
      kind: 'jobs-failed',
      tone: 'problem',
      text: `${whole(failed)} of ${count(accepted, 'accepted job')} failed: ${codes}.`,
    });
  }
  const sent = sum(({ measures }) => measures.uploads.sent);
  const codes = codeList(runs.map(({ measures }) => measures.refused));
  if (codes !== '') {
    const refused = sum(({ measures }) => Object.values(measures.refused).reduce((a, b) => a + b, 0));
    conclusions.push({
      kind: 'uploads-refused',
      tone: 'problem',
      text: `${whole(refused)} of ${count(sent, 'upload')} were refused: ${codes}.`,
    });
  }
  if (conclusions.length === 0 && accepted > 0) {
    const every = accepted === 1 ? 'The accepted job' : `All ${count(accepted, 'accepted job')}`;
    conclusions.push({
      kind: 'all-completed',
      tone: 'good',
      text: `${every} completed; no upload was refused.`,
    });
  }
  return conclusions;
}

/** `undecodable_image 3, timeout 1` */
function codeList(counts: readonly Readonly<Record<string, number>>[]): string {
  const total = new Map<string, number>();
  for (const [code, number] of counts.flatMap((one) => Object.entries(one))) {
    if (number > 0) total.set(code, (total.get(code) ?? 0) + number);
  }
  const sorted = [...total].sort(([, one], [, other]) => other - one);
  return sorted.map(([code, number]) => `${printable(code)} ${whole(number)}`).join(', ');
}

function concludeBulk(test: Test, machine: Machine): Conclusion[] {
  const scaling = scalingOf(test);
  if (scaling !== null) return concludeScaling(scaling, machine);
  return test.settings.map((setting) => ({
    kind: 'one-setting',
    tone: 'note',
    headline: `${perSecond(medianOf(setting, ({ measures }) => measures.throughput))} with ${slotsOf(setting)}`,
    text:
      `With ${slotsOf(setting)} the workers completed ${perSecond(medianOf(setting, ({ measures }) => measures.throughput))}, ` +
      `and 95 % of the results came within ${seconds(medianOf(setting, ({ measures }) => measures.timeToResult?.p95))}. ` +
      'A scaling curve needs the same test with other numbers of workers: make experiment-workers',
  }));
}

/** Why throughput and time to result changed with the number of slots as they did. */
export function concludeScaling(scaling: Scaling, machine: Machine): Conclusion[] {
  const shape = shapeOf(scaling);
  if (shape === undefined) return [];
  const conclusions = [...concludeShape(shape, machine), ...concludeImplausible(scaling)];
  const [first, last] = [scaling.points[0], scaling.points.at(-1)];
  if (first !== undefined && last !== undefined) {
    const p95 = (setting: Setting) => medianOf(setting, ({ measures }) => measures.timeToResult?.p95);
    const [before, after] = [p95(first.setting), p95(last.setting)];
    const limit =
      shape.limit === first || shape.limit === last
        ? ''
        : `${seconds(p95(shape.limit.setting))} with ${count(shape.limit.slots, 'slot')} and `;
    conclusions.push({
      kind: 'time-to-result',
      tone: 'note',
      text: `95 % of the results came within ${seconds(before)} with ${count(first.slots, 'slot')}, ${limit}${seconds(after)} with ${count(last.slots, 'slot')}.`,
    });
  }
  return conclusions;
}

function concludeShape({ growth, limit, beyond }: ScalingShape, machine: Machine): Conclusion[] {
  const conclusions: Conclusion[] = [];
  if (growth !== undefined) {
    const part = growth.to.slots / growth.from.slots;
    conclusions.push({
      kind: 'grew',
      tone: 'good',
      headline: `Throughput grows ${times(growth.ratio)} from ${growth.from.slots} to ${growth.to.slots} slots, ${headlineBeyond(beyond)}`,
      text:
        `From ${growth.from.slots} to ${growth.to.slots} slots throughput grew ${times(growth.ratio)}, from ` +
        `${digits(growth.from.throughput)} to ${perSecond(growth.to.throughput)}: ${percent(growth.ratio / part)} of the ideal ${plain(part)}×.`,
    });
  }
  if (beyond === undefined) {
    conclusions.push({
      kind: 'still-growing',
      tone: 'note',
      text: `Throughput still grew at ${limit.slots} slots, the most that were tested, so the limit is not reached${machine.cores === null ? '' : `; this machine has ${count(machine.cores, 'core')}`}. Test with more workers to find it.`,
    });
    return conclusions;
  }
  const after =
    growth === undefined
      ? `From ${limit.slots} to ${beyond.to.slots} slots`
      : `Beyond ${count(limit.slots, 'slot')}`;
  const numbers = `${perSecond(limit.throughput)} with ${limit.slots}, ${digits(beyond.to.throughput)} with ${beyond.to.slots}`;
  if (beyond.kind === 'unclear') {
    conclusions.push({
      kind: 'too-noisy',
      tone: 'note',
      text: `${after} the repeats differ too much to say whether throughput changed (${numbers}). Close other programs and run more repeats.`,
    });
    return conclusions;
  }
  const [said, kind] =
    beyond.kind === 'fell'
      ? [`throughput fell by ${percent(1 - beyond.ratio)}`, 'fell']
      : [growth === undefined ? 'throughput stayed the same' : 'it stays flat', 'flat'];
  const { reason, text } = reasonFor(beyond, machine.cores);
  conclusions.push({
    kind: `${kind}:${reason}`,
    tone: 'note',
    text: `${after} ${said} (${numbers}): ${text}`,
  });
  return conclusions;
}

function headlineBeyond(beyond: Change | undefined): string {
  if (beyond === undefined) return 'the most that were tested';
  return { flat: 'then stays flat', fell: 'then falls', unclear: 'then is too noisy to say', grew: 'and on' }[
    beyond.kind
  ];
}

/** Slots that are busy for less than this share of the time were waiting for jobs. */
const BUSY = 0.7;
/** Processing that takes this many times longer shows that the slots share something. */
const STRETCHED = 1.2;

/** What limits throughput beyond a number of slots: the evidence is how busy the slots were, and for how long. */
function reasonFor({ from, to }: Change, cores: number | null): { reason: string; text: string } {
  const utilisation = medianOf(to.setting, ({ measures }) => measures.utilisation);
  const processing = ({ setting }: Change['to']) => medianOf(setting, ({ measures }) => measures.processing);
  const stretch = processing(to) / processing(from);
  const longer = `one job takes ${times(stretch)} as long to process with ${to.slots} slots as with ${from.slots}`;
  if (utilisation < BUSY) {
    return {
      reason: 'starved',
      text: `the slots were busy for only ${percent(utilisation)} of the time with ${to.slots} slots, so uploads did not come fast enough to keep them busy.`,
    };
  }
  if (!(stretch >= STRETCHED)) {
    return {
      reason: 'unknown',
      text: 'the slots were busy and one job takes no longer to process, so these runs do not show what the limit is.',
    };
  }
  if (cores === null) {
    return {
      reason: 'shared',
      text: `${longer}, so the slots share a limit. How many cores the machine has is not known.`,
    };
  }
  if (from.slots <= cores && cores < to.slots) {
    return {
      reason: 'cores',
      text: `this machine has ${count(cores, 'core')}, and image processing is CPU-bound, so more workers only share the same cores. ${upperFirst(longer)}.`,
    };
  }
  if (from.slots > cores) {
    return {
      reason: 'cores-and-waiting',
      text: `this machine has ${count(cores, 'core')}. More slots than cores helped at first, because jobs also wait for the store and the broker; now ${longer}.`,
    };
  }
  return {
    reason: 'shared',
    text: `${longer}, although this machine has ${count(cores, 'core')}. The slots wait for something else that they share: the store, the broker, memory bandwidth, or cores that other programs use.`,
  };
}

/** More than twice the work with twice the slots means that the baseline was disturbed. */
const IMPLAUSIBLE = 1.1;

function concludeImplausible({ points }: Scaling): Conclusion[] {
  const [base] = points;
  const worst = points.find(({ efficiency }) => efficiency > IMPLAUSIBLE);
  if (base === undefined || worst === undefined) return [];
  return [
    {
      kind: 'implausible',
      tone: 'problem',
      text: `A speed-up of ${times(worst.speedUp)} from ${base.slots} to ${worst.slots} slots is more than the ideal ${plain(worst.slots / base.slots)}×. The runs with ${count(base.slots, 'slot')} were probably disturbed; repeat them.`,
    },
  ];
}

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

/** Where the knee of a capacity test is: one conclusion a run. */
export function concludeCapacity(setting: Setting): Conclusion[] {
  return setting.runs.flatMap(({ result }) => concludeSteps(stepOutcomes(result), setting));
}

function concludeSteps(steps: readonly StepOutcome[], setting: Setting): Conclusion[] {
  const [first, last] = [steps[0], steps[steps.length - 1]];
  if (first === undefined || last === undefined) return [];
  const broken = steps.findIndex(({ sustained }) => !sustained);
  const failing = steps[broken];
  const workers = slotsOf(setting);
  if (failing === undefined) {
    return [
      {
        kind: 'knee-not-reached',
        tone: 'note',
        headline: `${plain(last.rate)} jobs/s are sustained, and the knee is not reached`,
        text: `With ${workers} every step was sustained, up to ${plain(last.rate)} jobs/s, so the knee was not reached. Test with higher rates.`,
      },
    ];
  }
  const p95 = seconds(failing.times?.p95 ?? null);
  const dropped =
    failing.dropped === 0 ? '' : `, and k6 could not send ${count(failing.dropped, 'upload')} in time`;
  const came = `At ${plain(failing.rate)} jobs/s results came at ${perSecond(failing.throughput)}`;
  const knee = steps[broken - 1];
  if (knee === undefined) {
    return [
      {
        kind: 'first-step-too-fast',
        tone: 'note',
        headline: `Even ${plain(first.rate)} jobs/s are not sustained`,
        text: `With ${workers} even the first step was too fast. ${came}; 95 % of them within ${p95}${dropped}. Start at a lower rate.`,
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
        `95 % of the results within ${seconds(knee.times?.p95 ?? null)}. ${came}, 95 % of them within ${p95}${dropped}.`,
    },
  ];
}

/** Repeats that differ by more than this share of their median make small changes invisible. */
const NOISY_SPREAD = 0.2;

/** What limits how far the conclusions can be trusted. */
function concludeQuality({ settings, interrupted, script }: Test): Conclusion[] {
  const conclusions: Conclusion[] = [];
  const noisy = settings.filter(({ runs }) => {
    const values = runs.map(({ measures }) => measures.throughput);
    return runs.length > 1 && (Math.max(...values) - Math.min(...values)) / median(values) > NOISY_SPREAD;
  });
  if (noisy.length > 0) {
    conclusions.push({
      kind: 'noisy',
      tone: 'note',
      text: `The throughput of the repeats with ${list(noisy.map(slotsOf))} differs by more than ${percent(NOISY_SPREAD)}: other programs probably used the machine.`,
    });
  }
  if (script === 'bulk_upload' && settings.length > 1 && settings.some(({ runs }) => runs.length === 1)) {
    conclusions.push({
      kind: 'noise-unknown',
      tone: 'note',
      text: 'Some numbers of slots were tested once, so their noise is unknown. Three repeats each show it: make experiment-workers',
    });
  }
  if (settings.length > 1 && settings.some(({ slots }) => slots === null)) {
    conclusions.push({
      kind: 'slots-unknown',
      tone: 'note',
      text: 'For some runs the number of slots is not known, because monitoring did not answer. They are not part of the scaling curve.',
    });
  }
  if (interrupted.length > 0) {
    conclusions.push({
      kind: 'interrupted',
      tone: 'note',
      text: `${count(interrupted.length, 'run was', 'runs were')} interrupted and only ${interrupted.length === 1 ? 'appears' : 'appear'} in the table of all runs.`,
    });
  }
  return conclusions;
}

function upperFirst(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
