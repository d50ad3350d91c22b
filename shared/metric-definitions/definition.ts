/** One metric of ours. */
export interface MetricDefinition {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly labels: readonly string[];
  /** Upper bounds, in the unit of the name. */
  readonly buckets?: readonly number[];
  /** A counter that goes on from where the last process ended: not exposed until that is known. */
  readonly isKept?: true;
  /** Which services expose it. */
  readonly services: readonly string[];
}

/** From a cached answer to a job that waited through a whole retry ladder, in seconds. */
export const longBuckets = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600];
/** For what mostly takes milliseconds, and sometimes minutes: answers that were waited for, news after an outage. */
export const wideBuckets = [0.001, 0.0025, 0.005, ...longBuckets];
export const shortBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export type MetricDefinitions = Readonly<Record<string, MetricDefinition>>;
