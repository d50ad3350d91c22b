import { withinDeadline } from './waiting.ts';

/** A component that runs between `start` and `stop`; both may be called twice and concurrently. */
export interface Startable {
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** One component of a service, in start order. */
export interface LifecycleStep {
  readonly name: string;
  readonly start?: () => Promise<void> | void;
  readonly stop?: () => Promise<void> | void;
}

export class StopDeadlineExceeded extends Error {
  override readonly name = 'StopDeadlineExceeded';
}

/**
 * Starts steps in order and stops the started ones in reverse order: put the intake last, so that it stops first.
 * Every stop runs even if another one fails. `stop` rejects with an AggregateError of the failures, with a
 * StopDeadlineExceeded for each step that took longer than what was left of `stopDeadlineMs`.
 */
export function createLifecycle(steps: readonly LifecycleStep[], stopDeadlineMs: number): Startable {
  const started: LifecycleStep[] = [];
  let starting: Promise<void> | undefined;
  let stopping: Promise<void> | undefined;

  async function start(): Promise<void> {
    for (const step of steps) {
      if (stopping !== undefined) return;
      started.push(step);
      await step.start?.();
    }
  }

  async function stop(): Promise<void> {
    const deadline = performance.now() + stopDeadlineMs;
    const failures: unknown[] = [];
    for (const step of started.toReversed()) {
      try {
        await withinDeadline(
          Math.max(deadline - performance.now(), 0),
          async () => step.stop?.(),
          () => new StopDeadlineExceeded(`${step.name} did not stop in time`),
        );
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw new AggregateError(failures, 'some parts did not stop cleanly');
  }

  return {
    start: () => (starting ??= start()),
    stop: () => (stopping ??= stop()),
  };
}
