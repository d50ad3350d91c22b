/** The longest time between two neighbours, in the unit of the times; 0 of fewer than two. */
export function longestGap(times: readonly number[]): number {
  const sorted = times.toSorted((a, b) => a - b);
  return Math.max(0, ...sorted.slice(1).map((time, i) => time - (sorted[i] ?? time)));
}
