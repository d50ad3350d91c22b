import { medianOf, type Setting, type Test, valuesOf } from './group-runs.ts';
import { differenceBetween, mean, sum } from './statistics.ts';

/** A number of slots, compared with the smallest number tested. */
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
  const values = ({ setting }: ScalingPoint) => valuesOf(setting.runs, ({ measures }) => measures.throughput);
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

/** Measured throughput (jobs per second) for this number of slots. */
export interface Point {
  readonly slots: number;
  readonly throughput: number;
}

/**
 * Universal Scalability Law: X(N) = λN / (1 + σ(N − 1) + κN(N − 1)).
 * N. J. Gunther, "Guerrilla Capacity Planning", Springer 2007, chapter 4.
 */
interface UslFit {
  /** λ: jobs per second of one slot. */
  readonly lambda: number;
  /** σ: contention, the share of the work that cannot run in parallel. */
  readonly sigma: number;
  /** κ: coherency, the cost of coordination between each pair of slots. */
  readonly kappa: number;
  /** Slots with the highest throughput; null if throughput never falls (κ = 0). */
  readonly peakSlots: number | null;
  /** Throughput there, or the limit that it approaches; null if there is none (σ = κ = 0). */
  readonly peakThroughput: number | null;
  /** Share of the variance of the throughput that the curve explains. */
  readonly rSquared: number;
}

/** A fit of three coefficients needs more than three points, or it passes through all of them. */
export const MIN_SLOT_COUNTS = 5;

/** Null with fewer than five different numbers of slots, or if nothing was processed. */
export function fitUsl(points: readonly Point[]): UslFit | null {
  const usable = points.filter(({ slots, throughput }) => slots > 0 && throughput > 0);
  if (new Set(usable.map(({ slots }) => slots)).size < MIN_SLOT_COUNTS) return null;
  // σ and κ cannot be negative. The best fit within those bounds is the best of the fits with some of them set to 0.
  const fits = [
    [true, true],
    [true, false],
    [false, true],
    [false, false],
  ].flatMap(([sigma = false, kappa = false]) => fitTerms(usable, sigma, kappa) ?? []);
  const [best] = fits.sort((one, other) => squaredError(usable, one) - squaredError(usable, other));
  if (best === undefined) return null;
  const centre = mean(usable.map(({ throughput }) => throughput));
  const total = sum(usable.map(({ throughput }) => (throughput - centre) ** 2));
  return {
    ...best,
    ...peakOf(best),
    rSquared: total === 0 ? 1 : 1 - squaredError(usable, best) / total,
  };
}

type Coefficients = Pick<UslFit, 'lambda' | 'sigma' | 'kappa'>;

export function predictThroughput({ lambda, sigma, kappa }: Coefficients, slots: number): number {
  return (lambda * slots) / (1 + sigma * (slots - 1) + kappa * slots * (slots - 1));
}

/**
 * N / X is linear in 1/λ, σ/λ and κ/λ. An error e of X is an error of e·N/X² there, so weights of (X²/N)² make it the
 * least squares fit of X. X is the measured value in the first round, then the fitted one.
 */
function fitTerms(
  points: readonly Point[],
  withSigma: boolean,
  withKappa: boolean,
): Coefficients | undefined {
  let fit: Coefficients | undefined;
  for (let round = 0; round < 20; round++) {
    const rows = points.map(({ slots, throughput }) => {
      const expected = fit === undefined ? throughput : predictThroughput(fit, slots);
      const terms = [1, ...(withSigma ? [slots - 1] : []), ...(withKappa ? [slots * (slots - 1)] : [])];
      return { terms, value: slots / throughput, weight: ((expected * throughput) / slots) ** 2 };
    });
    const solution = solveLeastSquares(rows);
    const [constant = 0, second = 0, third = 0] = solution ?? [];
    const sigma = withSigma ? second / constant : 0;
    const kappa = withKappa ? (withSigma ? third : second) / constant : 0;
    if (!(constant > 0) || !(sigma >= 0) || !(kappa >= 0)) return undefined;
    fit = { lambda: 1 / constant, sigma, kappa };
  }
  return fit;
}

interface Row {
  readonly terms: readonly number[];
  readonly value: number;
  readonly weight: number;
}

/** Normal equations by Gauss–Jordan elimination; undefined without a unique solution. */
function solveLeastSquares(rows: readonly Row[]): number[] | undefined {
  const size = rows[0]?.terms.length ?? 0;
  const weighted = (term: (row: Row) => number) => sum(rows.map((row) => row.weight * term(row)));
  const at = ({ terms }: Row, i: number) => terms[i] ?? 0;
  const matrix = Array.from({ length: size }, (_, i) => [
    ...Array.from({ length: size }, (_, j) => weighted((row) => at(row, i) * at(row, j))),
    weighted((row) => at(row, i) * row.value),
  ]);
  for (const [i, pivotRow] of matrix.entries()) {
    const pivot = pivotRow[i] ?? 0;
    if (Math.abs(pivot) < 1e-12) return undefined;
    for (const [k, row] of matrix.entries()) {
      const factor = (row[i] ?? 0) / pivot;
      if (k !== i) row.forEach((value, j) => (row[j] = value - factor * (pivotRow[j] ?? 0)));
    }
  }
  return matrix.map((row, i) => (row[size] ?? 0) / (row[i] ?? 1));
}

function squaredError(points: readonly Point[], fit: Coefficients): number {
  return sum(points.map(({ slots, throughput }) => (throughput - predictThroughput(fit, slots)) ** 2));
}

function peakOf(fit: Coefficients): Pick<UslFit, 'peakSlots' | 'peakThroughput'> {
  const { lambda, sigma, kappa } = fit;
  // Below this, the peak is an artefact of rounding.
  if (kappa > 1e-9) {
    const peakSlots = Math.max(1, Math.sqrt(Math.max(0, 1 - sigma) / kappa));
    return { peakSlots, peakThroughput: predictThroughput(fit, peakSlots) };
  }
  return { peakSlots: null, peakThroughput: sigma > 1e-9 ? lambda / sigma : null };
}
