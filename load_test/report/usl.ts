import { mean } from './statistics.ts';

/** Throughput (jobs a second) measured with this many slots. */
export interface Point {
  readonly slots: number;
  readonly throughput: number;
}

/**
 * Universal Scalability Law: X(N) = λN / (1 + σ(N − 1) + κN(N − 1)).
 * N. J. Gunther, "Guerrilla Capacity Planning", Springer 2007, chapter 4.
 */
export interface UslFit {
  /** λ: jobs a second of one slot alone. */
  readonly lambda: number;
  /** σ: contention, the share of the work that cannot run in parallel. */
  readonly sigma: number;
  /** κ: coherency, the cost of coordination between each pair of slots. */
  readonly kappa: number;
  /** Slots with the highest throughput; null where more slots never make it fall (κ = 0). */
  readonly peakSlots: number | null;
  /** Throughput there, or the limit that it approaches; null where it has none (σ = κ = 0). */
  readonly peakThroughput: number | null;
  /** Share of the variance of the throughput that the curve explains. */
  readonly rSquared: number;
}

/** Three coefficients need more than three points, or the fit is only a way to draw a line through all of them. */
export const FEWEST_COUNTS = 5;

/** Null with fewer than five different numbers of slots, or where nothing was processed. */
export function fitUsl(points: readonly Point[]): UslFit | null {
  const usable = points.filter(({ slots, throughput }) => slots > 0 && throughput > 0);
  if (new Set(usable.map(({ slots }) => slots)).size < FEWEST_COUNTS) return null;
  // σ and κ cannot be negative. The best fit within those bounds is the best of the fits with some of them at 0.
  const fits = [
    [true, true],
    [true, false],
    [false, true],
    [false, false],
  ].flatMap(([sigma = false, kappa = false]) => fitTerms(usable, sigma, kappa) ?? []);
  const [best] = fits.sort((one, other) => squaredError(usable, one) - squaredError(usable, other));
  if (best === undefined) return null;
  const centre = mean(usable.map(({ throughput }) => throughput));
  const total = usable.reduce((sum, { throughput }) => sum + (throughput - centre) ** 2, 0);
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
 * least squares fit of X; X is first the measured, then the fitted value.
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

/** Normal equations by Gauss–Jordan elimination; undefined where they have no single solution. */
function solveLeastSquares(rows: readonly Row[]): number[] | undefined {
  const size = rows[0]?.terms.length ?? 0;
  const sum = (term: (row: Row) => number) => rows.reduce((total, row) => total + row.weight * term(row), 0);
  const at = ({ terms }: Row, i: number) => terms[i] ?? 0;
  const matrix = Array.from({ length: size }, (_, i) => [
    ...Array.from({ length: size }, (_, j) => sum((row) => at(row, i) * at(row, j))),
    sum((row) => at(row, i) * row.value),
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
  return points.reduce(
    (sum, { slots, throughput }) => sum + (throughput - predictThroughput(fit, slots)) ** 2,
    0,
  );
}

function peakOf(fit: Coefficients): Pick<UslFit, 'peakSlots' | 'peakThroughput'> {
  const { lambda, sigma, kappa } = fit;
  // Below this, the peak is so far away that it is an accident of rounding.
  if (kappa > 1e-9) {
    const peakSlots = Math.max(1, Math.sqrt(Math.max(0, 1 - sigma) / kappa));
    return { peakSlots, peakThroughput: predictThroughput(fit, peakSlots) };
  }
  return { peakSlots: null, peakThroughput: sigma > 1e-9 ? lambda / sigma : null };
}
