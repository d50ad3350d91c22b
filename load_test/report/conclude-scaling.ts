import type { AnalysedTest, Conclusion } from './conclude.ts';
import { count, digits, perSecond, percent, plain, seconds, times } from './format.ts';
import { medianOf, slotsOf, throughputOf, type Machine, type Setting, type Test } from './group-runs.ts';
import {
  scalableSettings,
  scalingOf,
  shapeOf,
  type Change,
  type Scaling,
  type ScalingShape,
} from './scaling.ts';
import { MIN_SLOT_COUNTS } from './statistics.ts';

/** The conclusions of a bulk upload: the effect of the number of workers, or the throughput if only one number was tested. */
export function concludeBulk(test: Test, machine: Machine): Conclusion[] {
  const scaling = scalingOf(test);
  const none = test.settings.filter((setting) => throughputOf(setting) === 0).map(concludeNoneCompleted);
  if (scaling !== null) return [...none, ...concludeScaling(scaling, machine)];
  const each = test.settings.flatMap((setting): Conclusion[] => {
    const throughput = throughputOf(setting);
    if (throughput === 0) return [];
    return [
      {
        kind: 'one-setting',
        tone: 'note',
        headline: `${perSecond(throughput)} with ${slotsOf(setting)}`,
        text:
          `With ${slotsOf(setting)} the workers completed ${perSecond(throughput)}, and 95 % of the results came within ` +
          `${seconds(medianOf(setting, (run) => run.timeToResult?.p95))}. ` +
          'A scaling curve needs the same test with other numbers of workers: make experiment-workers',
      },
    ];
  });
  return [...none, ...each];
}

function concludeNoneCompleted(setting: Setting): Conclusion {
  const { runs } = setting;
  const empty = runs.filter((run) => run.counts.completed === 0).length;
  const where = empty === runs.length ? '' : ` in ${empty} of ${runs.length} runs`;
  return {
    kind: 'none-completed',
    tone: 'problem',
    text: `With ${slotsOf(setting)} no job completed${where}.`,
  };
}

/** How and why throughput and time to result changed with the number of slots. */
function concludeScaling(scaling: Scaling, machine: Machine): Conclusion[] {
  const shape = shapeOf(scaling);
  if (shape === undefined) return [];
  const conclusions = [...concludeShape(shape, machine), ...concludeImplausible(scaling)];
  const [first, last] = [scaling.points[0], scaling.points.at(-1)];
  if (first !== undefined && last !== undefined) {
    const p95 = (setting: Setting) => medianOf(setting, (run) => run.timeToResult?.p95);
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
        `${digits(growth.from.throughput)} to ${perSecond(growth.to.throughput)}: ${percent(growth.ratio / part)} of the ideal ${plain(part)}×.` +
        whyLessThanIdeal(growth, growth.ratio / part),
    });
  }
  if (beyond === undefined) {
    conclusions.push({
      kind: 'still-growing',
      tone: 'note',
      text: `Throughput still grew at ${limit.slots} slots, the highest number tested, so the limit was not reached${machine.cores === null ? '' : `; this machine has ${count(machine.cores, 'core')}`}. Test with more workers to find it.`,
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

/** Slots that are busy for a smaller share of the time were waiting for jobs. */
const BUSY = 0.7;
/** If processing takes this many times longer, the slots share a resource. */
const SLOWED = 1.2;

/** A smaller share of the ideal speed-up needs an explanation. */
const NEARLY_IDEAL = 0.8;

/** The evidence: a job takes longer to process if others are processed at the same time. */
function whyLessThanIdeal(growth: Change, share: number): string {
  const slowdown = slowdownOf(growth);
  if (share >= NEARLY_IDEAL || !(slowdown >= SLOWED)) return '';
  return (
    ` One job takes ${times(slowdown)} as long to process with ${growth.to.slots} slots as with ${growth.from.slots}: ` +
    'the slots share the cores with one another, and with the API, RabbitMQ, monitoring and the load test itself.'
  );
}

/** How many times longer one job takes to process after the change. */
function slowdownOf({ from, to }: Change): number {
  const processing = ({ setting }: Change['to']) => medianOf(setting, (run) => run.processing);
  return processing(to) / processing(from);
}

function headlineBeyond(beyond: Change | undefined): string {
  if (beyond === undefined) return 'the highest number tested';
  return {
    flat: 'then stays flat',
    fell: 'then falls',
    unclear: 'then changes are within the noise',
    grew: 'and keeps growing',
  }[beyond.kind];
}

/** The limit of throughput beyond a number of slots, from utilization and processing time. */
function reasonFor(change: Change, cores: number | null): { reason: string; text: string } {
  const { from, to } = change;
  const utilisation = medianOf(to.setting, (run) => run.utilisation);
  const slowdown = slowdownOf(change);
  const longer = `one job takes ${times(slowdown)} as long to process with ${to.slots} slots as with ${from.slots}`;
  if (utilisation < BUSY) {
    return {
      reason: 'starved',
      text: `the slots were busy for only ${percent(utilisation)} of the time with ${to.slots} slots, so uploads did not come fast enough to keep them busy.`,
    };
  }
  if (!(slowdown >= SLOWED)) {
    return {
      reason: 'unknown',
      text: 'the slots were busy and one job takes no longer to process, so these runs do not show what the limit is.',
    };
  }
  if (cores === null) {
    return {
      reason: 'shared',
      text: `${longer}, so the slots share a limit. The number of cores is unknown.`,
    };
  }
  if (from.slots <= cores && cores < to.slots) {
    return {
      reason: 'cores',
      text: `this machine has ${count(cores, 'core')}, and image processing is CPU-bound, so more workers only share the same cores (${longer}).`,
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

/** A larger efficiency means that the baseline was disturbed. */
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

/** Explains the fit of the Universal Scalability Law, or why there is none; one paragraph each. */
export function explainUsl({ scaling, settings }: Pick<AnalysedTest, 'scaling' | 'settings'>): string[] {
  const counts = scalableSettings({ settings }).length;
  const usl = scaling?.usl ?? null;
  if (usl === null) {
    return [
      `No fit: the law has three coefficients, so a fit needs at least ${MIN_SLOT_COUNTS} different numbers of slots, and these runs have ${counts}. With fewer, a curve passes near every point, whatever the system does.`,
    ];
  }
  const { lambda, sigma, kappa, peakSlots, peakThroughput, rSquared } = usl;
  const tested = Math.max(...settings.map(({ slots }) => slots ?? 0));
  const paragraphs = [
    `Fitted to all runs, X(N) = λN / (1 + σ(N − 1) + κN(N − 1)) has λ = ${digits(lambda)} jobs/s, the throughput of one slot; σ = ${sigma.toFixed(3)}, the contention: ${percent(sigma)} of the work cannot run in parallel; and κ = ${kappa.toFixed(4)}, the coherency: the cost of coordination between each pair of slots. The curve explains ${percent(rSquared)} of the variance (R²).`,
  ];
  if (peakSlots !== null && peakThroughput !== null) {
    paragraphs.push(
      `Predicted peak: ${perSecond(peakThroughput)} with ${count(Math.round(peakSlots), 'slot')}; beyond it, more slots make the system slower.${peakSlots > tested * 1.2 ? ` At most ${tested} slots were tested, so this is an extrapolation.` : ''}`,
    );
  } else if (peakThroughput !== null) {
    paragraphs.push(
      `There is no peak (κ = 0): throughput only approaches ${perSecond(peakThroughput)}, however many slots there are.`,
    );
  } else {
    paragraphs.push(
      'There is neither contention nor a peak: within these runs, throughput is proportional to the slots.',
    );
  }
  if (rSquared < 0.9) {
    paragraphs.push(
      'The curve fits poorly. The law has no sharp bend, and a machine whose cores are used up has one: trust the measurements, not the curve.',
    );
  }
  return paragraphs;
}
