import { describe, expect, it } from 'vitest';
import { StopDeadlineExceeded, createLifecycle, type LifecycleStep } from './lifecycle.ts';

/** Steps that record their calls. */
function recorded(names: string[], changes: Record<string, Partial<LifecycleStep>> = {}) {
  const seen: string[] = [];
  const steps = names.map((name) => ({
    name,
    start: () => void seen.push(`start ${name}`),
    stop: () => void seen.push(`stop ${name}`),
    ...changes[name],
  }));
  return { seen, steps };
}

describe('a lifecycle', () => {
  it('does nothing before start', () => {
    const { seen, steps } = recorded(['a']);
    createLifecycle(steps, 1_000);
    expect(seen).toEqual([]);
  });

  it('starts in order and stops in reverse order', async () => {
    const { seen, steps } = recorded(['store', 'broker', 'intake']);
    const lifecycle = createLifecycle(steps, 1_000);
    await lifecycle.start();
    await lifecycle.stop();
    expect(seen).toEqual([
      'start store',
      'start broker',
      'start intake',
      'stop intake',
      'stop broker',
      'stop store',
    ]);
  });

  it('returns the same promise to repeated and concurrent calls', async () => {
    const { seen, steps } = recorded(['a']);
    const lifecycle = createLifecycle(steps, 1_000);
    await Promise.all([lifecycle.start(), lifecycle.start()]);
    await Promise.all([lifecycle.stop(), lifecycle.stop()]);
    await lifecycle.stop();
    expect(seen).toEqual(['start a', 'stop a']);
  });

  it('stops what was started when a later step fails to start', async () => {
    const { seen, steps } = recorded(['a', 'b', 'c'], {
      b: { start: () => Promise.reject(new Error('b is broken')) },
    });
    const lifecycle = createLifecycle(steps, 1_000);
    await expect(lifecycle.start()).rejects.toThrow('b is broken');
    await lifecycle.stop();
    expect(seen).toEqual(['start a', 'stop b', 'stop a']);
  });

  it('runs every stop even where one fails, and reports what failed', async () => {
    const { seen, steps } = recorded(['a', 'b', 'c'], {
      b: {
        stop: () => {
          throw new Error('b does not stop');
        },
      },
    });
    const lifecycle = createLifecycle(steps, 1_000);
    await lifecycle.start();
    await expect(lifecycle.stop()).rejects.toMatchObject({ errors: [{ message: 'b does not stop' }] });
    expect(seen.slice(3)).toEqual(['stop c', 'stop a']);
  });

  it('reports a step that takes longer than the deadline, and still stops the others', async () => {
    const { seen, steps } = recorded(['a', 'b'], { b: { stop: () => new Promise(() => undefined) } });
    const lifecycle = createLifecycle(steps, 50);
    await lifecycle.start();
    await expect(lifecycle.stop()).rejects.toMatchObject({ errors: [expect.any(StopDeadlineExceeded)] });
    expect(seen).toContain('stop a');
  });

  it('starts no further step once it is stopping', async () => {
    const gate = Promise.withResolvers<undefined>();
    const { seen, steps } = recorded(['a', 'b'], { a: { start: () => gate.promise.then(() => undefined) } });
    const lifecycle = createLifecycle(steps, 1_000);
    const starting = lifecycle.start();
    const stopping = lifecycle.stop();
    gate.resolve(undefined);
    await Promise.all([starting, stopping]);
    expect(seen).toEqual(['stop a']);
  });
});
