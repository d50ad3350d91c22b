import { type Setting, type Test, throughputOf, valuesOf } from './group-runs.ts';
import { differenceBetween, fitUsl, type UslFit } from './statistics.ts';

/** A number of slots, compared with the smallest number tested. */
export interface ScalingPoint {
  readonly slots: number;
  readonly setting: Setting;
  /** Median of the repeats, in jobs per second. */
  readonly throughput: number;
  /** Throughput divided by that of the smallest number of slots. */
  readonly speedUp: number;
  /** Speed-up divided by the ratio of the slots: 1 is ideal. */
  readonly efficiency: number;
}

export interface Scaling {
  /** Numbers of slots with completed jobs, ascending. */
  readonly points: readonly ScalingPoint[];
  /** Null with fewer than five numbers of slots. */
  readonly usl: UslFit | null;
}

/** The settings of a scaling curve: the number of slots is known, and jobs completed. */
export function scalableSettings({
  settings,
}: Pick<Test, 'settings'>): { slots: number; setting: Setting }[] {
  return settings.flatMap((setting) =>
    setting.slots === null || setting.slots === 0 || throughputOf(setting) === 0
      ? []
      : [{ slots: setting.slots, setting }],
  );
}

/** Null with fewer than two numbers of slots. */
export function scalingOf(test: Pick<Test, 'settings'>): Scaling | null {
  const known = scalableSettings(test);
  const [base] = known;
  if (base === undefined || known.length < 2) return null;
  const baseThroughput = throughputOf(base.setting);
  const points = known.map(({ slots, setting }) => {
    const throughput = throughputOf(setting);
    const speedUp = throughput / baseThroughput;
    return { slots, setting, throughput, speedUp, efficiency: (speedUp * base.slots) / slots };
  });
  const measured = known.flatMap(({ slots, setting }) =>
    setting.runs.map((run) => ({ slots, throughput: run.throughput })),
  );
  return { points, usl: fitUsl(measured) };
}

/** How throughput changed from one number of slots to another. */
export interface Change {
  readonly from: ScalingPoint;
  readonly to: ScalingPoint;
  readonly kind: 'grew' | 'flat' | 'fell' | 'unclear';
  /** Ratio of the medians. */
  readonly ratio: number;
}

/** Smaller changes are irrelevant, even if they are beyond the noise. */
const NEGLIGIBLE = 0.05;
/** The limit for one repeat, whose noise is unknown. */
const NEGLIGIBLE_UNREPEATED = 0.1;
/** If the noise could hide a change of this share, throughput without a visible change is not called flat. */
const TOO_NOISY = 0.2;

function changeBetween(from: ScalingPoint, to: ScalingPoint): Change {
  const values = ({ setting }: ScalingPoint) => valuesOf(setting.runs, (run) => run.throughput);
  const { margin, beyondNoise } = differenceBetween(values(from), values(to));
  const ratio = to.throughput / from.throughput;
  const direction = ratio > 1 ? 'grew' : 'fell';
  let kind: Change['kind'];
  if (beyondNoise === null) kind = Math.abs(ratio - 1) < NEGLIGIBLE_UNREPEATED ? 'flat' : direction;
  else if (beyondNoise) kind = Math.abs(ratio - 1) < NEGLIGIBLE ? 'flat' : direction;
  else kind = (margin ?? 0) / from.throughput > TOO_NOISY ? 'unclear' : 'flat';
  return { from, to, kind, ratio };
}

/** The curve in two parts: up to `limit`, more slots help; beyond it, they do not. */
export interface ScalingShape {
  /** Up to the limit; undefined if the limit is the smallest number of slots. */
  readonly growth: Change | undefined;
  readonly limit: ScalingPoint;
  /** From the limit to the largest number of slots; undefined if that is the limit. */
  readonly beyond: Change | undefined;
}

/** The limit is the smallest number of slots above which throughput never grows again. */
export function shapeOf({ points }: Pick<Scaling, 'points'>): ScalingShape | undefined {
  const [first, last] = [points[0], points[points.length - 1]];
  const limit = points.find((point, i) =>
    points.slice(i + 1).every((later) => changeBetween(point, later).kind !== 'grew'),
  );
  if (first === undefined || last === undefined || limit === undefined) return undefined;
  return {
    growth: limit === first ? undefined : changeBetween(first, limit),
    limit,
    beyond: limit === last ? undefined : changeBetween(limit, last),
  };
}
