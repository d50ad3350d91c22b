import { describe, expect, it } from 'vitest';
import { FairSlots, type NoSlot, type Release } from './fair-slots.ts';

const never = new AbortController().signal;

/** Calls for slots, and records who got one or why not, in order. */
function setUp(options: { slots: number; perCaller?: number; maxWaiting?: number }) {
  const slots = new FairSlots<string>({ perCaller: options.slots, maxWaiting: 100, ...options });
  const log: string[] = [];
  const releases = new Map<string, Release>();
  const call = (name: string, signal = never, waitMs?: number): Promise<void> =>
    slots.acquire(name.charAt(0), signal, waitMs).then((result: Release | NoSlot) => {
      if (typeof result === 'function') releases.set(name, result);
      log.push(typeof result === 'function' ? name : `${name} ${result}`);
    });
  const settled = () => new Promise<void>((resolve) => void setImmediate(resolve));
  const release = async (name: string) => {
    await settled();
    releases.get(name)?.();
    await settled();
  };
  return { slots, log, call, release, settled };
}

describe('slots', () => {
  it('go to waiting callers in turn, however many calls each has', async () => {
    const { log, call, release } = setUp({ slots: 1 });
    for (const name of ['a1', 'a2', 'a3', 'a4', 'b1', 'b2', 'c1']) void call(name);
    for (const name of ['a1', 'a2', 'b1', 'c1', 'a3', 'b2', 'a4']) await release(name);
    expect(log).toEqual(['a1', 'a2', 'b1', 'c1', 'a3', 'b2', 'a4']);
  });

  it('beyond the share of a caller stay free for others', async () => {
    const { slots, log, call, release, settled } = setUp({ slots: 4, perCaller: 2 });
    for (const name of ['a1', 'a2', 'a3', 'b1']) void call(name);
    await settled();
    expect([log, slots.waiting]).toEqual([['a1', 'a2', 'b1'], 1]);
    await release('b1');
    expect(log).not.toContain('a3');
    await release('a1');
    await release('a1');
    expect(log.at(-1)).toBe('a3');
    void call('a4');
    await settled();
    expect(slots.waiting).toBe(1);
  });
});

describe('the line', () => {
  it('ends the wait of a caller that leaves or waits too long, and forgets it', async () => {
    const { slots, log, call, release } = setUp({ slots: 1 });
    const left = new AbortController();
    void call('a1');
    const calls = [call('b1', left.signal), call('c1', never, 1)];
    left.abort();
    await Promise.all(calls);
    await call('d1', left.signal);
    expect(log).toEqual(['a1', 'b1 left', 'c1 waited_too_long', 'd1 left']);
    await release('a1');
    expect([slots.waiting, slots.longestWaitMs]).toEqual([0, expect.closeTo(0, 0)]);
    await call('e1');
    expect(log.at(-1)).toBe('e1');
  });

  it('if full, has room for a caller with fewer calls than another', async () => {
    const { log, call, settled } = setUp({ slots: 1, maxWaiting: 3 });
    for (const name of ['a1', 'a2', 'a3', 'a4', 'a5', 'b1', 'b2', 'c1']) void call(name);
    await settled();
    expect(log).toEqual(['a1', 'a5 line_full', 'a4 line_full', 'b2 line_full', 'a3 line_full']);
  });
});
