/** NaN without values. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other);
  const middle = (sorted.length - 1) / 2;
  return ((sorted[Math.floor(middle)] ?? Number.NaN) + (sorted[Math.ceil(middle)] ?? Number.NaN)) / 2;
}

export function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** NaN without values. */
export function mean(values: readonly number[]): number {
  return sum(values) / values.length;
}

/** Sample variance, divided by n − 1. NaN with fewer than two values. */
function variance(values: readonly number[]): number {
  if (values.length < 2) return Number.NaN;
  const centre = mean(values);
  return sum(values.map((value) => (value - centre) ** 2)) / (values.length - 1);
}

/** The difference between the means of two sets of repeats. */
export interface Difference {
  /** Mean of the second set divided by the mean of the first; NaN if the first is 0. */
  readonly ratio: number;
  readonly difference: number;
  /** Half the width of the 95 % confidence interval of the difference; null if a side has one repeat. */
  readonly margin: number | null;
  /** Whether the interval leaves out 0; null if the noise is unknown because a side has one repeat. */
  readonly beyondNoise: boolean | null;
}

/**
 * Welch's t-test, which allows the two sides to have different variances and numbers of repeats
 * (B. L. Welch, Biometrika 34, 1947). A permutation test cannot be used: with three repeats a side it has only
 * 20 orders, so the smallest possible p-value is 0.1.
 */
export function differenceBetween(before: readonly number[], after: readonly number[]): Difference {
  const difference = mean(after) - mean(before);
  const ratio = mean(before) === 0 ? Number.NaN : mean(after) / mean(before);
  const [one, other] = [variance(before) / before.length, variance(after) / after.length];
  if (Number.isNaN(one + other)) return { ratio, difference, margin: null, beyondNoise: null };
  if (one + other === 0) return { ratio, difference, margin: 0, beyondNoise: difference !== 0 };
  // Welch–Satterthwaite
  const freedom = (one + other) ** 2 / (one ** 2 / (before.length - 1) + other ** 2 / (after.length - 1));
  const margin = criticalT(freedom) * Math.sqrt(one + other);
  return { ratio, difference, margin, beyondNoise: Math.abs(difference) > margin };
}

/** Degrees of freedom, and the value that Student's t exceeds with a probability of 2.5 %. */
const T_TABLE: readonly (readonly [number, number])[] = [
  [1, 12.706],
  [2, 4.303],
  [3, 3.182],
  [4, 2.776],
  [5, 2.571],
  [6, 2.447],
  [7, 2.365],
  [8, 2.306],
  [9, 2.262],
  [10, 2.228],
  [12, 2.179],
  [15, 2.131],
  [20, 2.086],
  [30, 2.042],
  [60, 2],
  [120, 1.98],
];

/** Linear interpolation between two rows, which is never below the true value, because t is convex. */
export function criticalT(freedom: number): number {
  let [lowerFreedom, lowerT] = [1, 12.706];
  for (const [rowFreedom, rowT] of T_TABLE) {
    if (rowFreedom >= freedom) {
      if (rowFreedom === lowerFreedom) return rowT;
      return lowerT + ((rowT - lowerT) * (freedom - lowerFreedom)) / (rowFreedom - lowerFreedom);
    }
    [lowerFreedom, lowerT] = [rowFreedom, rowT];
  }
  return lowerT;
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
export interface UslFit {
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
