export interface ReplayTiming {
  /** Between two writings of the progress. */
  readonly beatMs: number;
  /** Between two looks for replays that nobody carries out. */
  readonly watchMs: number;
  /** A runner that has not written for so long is gone. */
  readonly leaseMs: number;
}

export const replayTiming: ReplayTiming = { beatMs: 1_000, watchMs: 3_000, leaseMs: 15_000 };
