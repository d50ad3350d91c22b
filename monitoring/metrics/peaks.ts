import type { Peaks } from '@image-pipeline/shared/contracts/snapshot.ts';

export const noPeaks: Peaks = {
  waiting: { value: 0, at: null },
  processing: { value: 0, at: null },
  throughput_1m: { value: 0, at: null },
  workers: { value: 0, at: null },
};

/** The peaks including these values; the same object if none is higher. @param at milliseconds since 1970 */
export function raisePeaks(
  peaks: Peaks,
  seen: Readonly<Partial<Record<keyof Peaks, number>>>,
  at: number,
): Peaks {
  let raised = peaks;
  for (const name of ['waiting', 'processing', 'throughput_1m', 'workers'] as const) {
    const value = seen[name];
    if (value === undefined || value <= raised[name].value) continue;
    raised = { ...raised, [name]: { value, at: new Date(at).toISOString() } };
  }
  return raised;
}
