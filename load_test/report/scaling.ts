import { medianOf, valuesOf, type Setting, type Test } from './group-runs.ts';
import { differenceBetween } from './statistics.ts';
import { fitUsl, type UslFit } from './usl.ts';

/** One number of slots, against the smallest number that was tested. */
export interface ScalingPoint {
  readonly slots: number;
  readonly setting: Setting;
  /** Median of the repeats, in jobs per second. */
  readonly throughput: number;
  /** How many times the throughput of the smallest number of slots. */
  readonly speedUp: number;
  /** Speed-up by how many times more slots there are: 1 is ideal. */
  readonly efficiency: number;
}

export interface Scaling {
  /** Numbers of slots with which jobs completed, the smallest first. */
  readonly points: readonly ScalingPoint[];
  /** Null with fewer than five numbers of slots. */
  readonly usl: UslFit | null;
}

/** The settings that a scaling curve can have: the number of slots is known, and jobs completed. */
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
    setting.runs.map(({ measures }) => ({ slots, throughput: measures.throughput })),
  );
  return { points, usl: fitUsl(measured) };
}

function throughputOf(setting: Setting): number {
  return medianOf(setting, ({ measures }) => measures.throughput);
}

/** How throughput changed from one number of slots to another. */
export interface Change {
  readonly from: ScalingPoint;
  readonly to: ScalingPoint;
  readonly kind: 'grew' | 'flat' | 'fell' | 'unclear';
  /** Of the medians. */
  readonly ratio: number;
  /** False where a side has one repeat. */
  readonly noiseKnown: boolean;
}

/** A change smaller than this share is of no use to anybody, even where it is beyond the noise. */
const NEGLIGIBLE = 0.05;
/** With one repeat the noise is unknown, and a change must be as large as this share. */
const NEGLIGIBLE_UNREPEATED = 0.1;
/** Where the repeats could hide a change as large as this share, no change is not the same as flat. */
const TOO_NOISY = 0.2;

export function changeBetween(from: ScalingPoint, to: ScalingPoint): Change {
  const values = ({ setting }: ScalingPoint) => valuesOf(setting.runs, ({ measures }) => measures.throughput);
  const { margin, beyondNoise } = differenceBetween(values(from), values(to));
  const ratio = to.throughput / from.throughput;
  const noiseKnown = beyondNoise !== null;
  const direction = ratio > 1 ? 'grew' : 'fell';
  let kind: Change['kind'];
  if (beyondNoise === null) kind = Math.abs(ratio - 1) < NEGLIGIBLE_UNREPEATED ? 'flat' : direction;
  else if (beyondNoise) kind = Math.abs(ratio - 1) < NEGLIGIBLE ? 'flat' : direction;
  else kind = (margin ?? 0) / from.throughput > TOO_NOISY ? 'unclear' : 'flat';
  return { from, to, kind, ratio, noiseKnown };
}

/** The curve in two parts: up to `limit` more slots help, beyond it they do not. */
export interface ScalingShape {
  /** Up to the limit; undefined where the limit is the smallest number of slots. */
  readonly growth: Change | undefined;
  readonly limit: ScalingPoint;
  /** From the limit to the largest number of slots; undefined where that is the limit. */
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
