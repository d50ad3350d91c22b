/** Something that works between `start` and `stop`; both may be called twice and at once. */
export interface Startable {
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** One part of a service, in the order of starting. */
export interface LifecycleStep {
  readonly name: string;
  readonly start?: () => Promise<void> | void;
  readonly stop?: () => Promise<void> | void;
}

export class StopDeadlineExceeded extends Error {
  override readonly name = 'StopDeadlineExceeded';
}

/**
 * Starts steps in order and stops those that were started in reverse order: put the intake last, so that it
 * ends first. Every stop runs even where another fails; `stop` rejects with an AggregateError of what failed, a
 * StopDeadlineExceeded among it for each step that took longer than what was left of `stopDeadlineMs`.
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
        await within(Promise.resolve(step.stop?.()), deadline - performance.now(), step.name);
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw new AggregateError(failures, 'not everything stopped cleanly');
  }

  return {
    start: () => (starting ??= start()),
    stop: () => (stopping ??= stop()),
  };
}

async function within(work: Promise<void>, ms: number, name: string): Promise<void> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => reject(new StopDeadlineExceeded(`${name} did not stop in time`)),
    Math.max(ms, 0),
  );
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
