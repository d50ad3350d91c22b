/** The definition of one metric. */
export interface MetricDefinition {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly labels: readonly string[];
  /** Upper bounds, in the unit of the name. */
  readonly buckets?: readonly number[];
  /** A counter that continues from the last process: not exposed until its value is known. */
  readonly isKept?: true;
  /** Which services expose it. */
  readonly services: readonly string[];
}

/** Seconds: from a cached response to a job that waited for all retries. */
export const longBuckets = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600];
/** Seconds: mostly milliseconds, sometimes minutes: long polling, notifications after an outage. */
export const wideBuckets = [0.001, 0.0025, 0.005, ...longBuckets];
export const shortBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export type MetricDefinitions = Readonly<Record<string, MetricDefinition>>;
