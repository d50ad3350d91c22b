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
  /** Mean of the second set by that of the first; NaN if the first is 0. */
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
