import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { createMetrics } from './metrics.ts';
import { RequestQueue } from './request-queue.ts';

/** An upstream that records when each call began and how many were in progress at once. */
function upstream(takesMs = 5) {
  const starts: number[] = [];
  let active = 0;
  let mostAtOnce = 0;
  return {
    starts,
    get mostAtOnce() {
      return mostAtOnce;
    },
    async call(): Promise<number> {
      starts.push(performance.now());
      mostAtOnce = Math.max(mostAtOnce, ++active);
      await sleep(takesMs);
      active--;
      return starts.length;
    },
  };
}

const gaps = (starts: readonly number[]) => starts.slice(1).map((start, i) => start - (starts[i] ?? 0));

describe('a request queue in front of an upstream', () => {
  it('runs seventy calls in their order, three at a time, with an interval between starts', async () => {
    const queue = new RequestQueue({ maxConcurrent: 3, minInterval: 0.01 });
    const slow = upstream(40);
    const order: number[] = [];
    const all = Array.from({ length: 70 }, (_, n) =>
      queue.execute(() => {
        order.push(n);
        return slow.call();
      }),
    );
    await Promise.all(all);
    expect(slow.mostAtOnce).toBe(3);
    expect(order).toEqual([...order.keys()]);
    expect(slow.starts).toHaveLength(70);
    expect(Math.min(...gaps(slow.starts))).toBeGreaterThanOrEqual(9);
  });

  it('never runs more calls at once than allowed, also without an interval', async () => {
    const queue = new RequestQueue({ maxConcurrent: 3, minInterval: 0 });
    const slow = upstream();
    await Promise.all(Array.from({ length: 20 }, () => queue.execute(() => slow.call())));
    expect(slow.mostAtOnce).toBe(3);
  });

  it('counts calls that wait, are in progress and have ended', async () => {
    const queue = new RequestQueue({ maxConcurrent: 2, minInterval: 0 });
    const turns = [await queue.acquire(), await queue.acquire()];
    const third = queue.acquire();
    await sleep(30);
    expect(queue.getStats()).toEqual({
      max_concurrent: 2,
      min_interval: 0,
      active_requests: 2,
      waiting_requests: 1,
      total_requests: 0,
      avg_wait_time: expect.any(Number) as number,
    });
    for (const turn of turns) turn[Symbol.dispose]();
    (await third)[Symbol.dispose]();
    await sleep(0);
    const stats = queue.getStats();
    expect(stats).toMatchObject({ active_requests: 0, waiting_requests: 0, total_requests: 3 });
    expect(stats.avg_wait_time).toBeGreaterThan(0.009);
    expect(stats.avg_wait_time).toBeLessThan(1);
  });

  it('exports its calls as gauges, and logs its stats when a call ends', async () => {
    const metrics = createMetrics('api');
    const logged: unknown[] = [];
    const queue = new RequestQueue({
      maxConcurrent: 1,
      minInterval: 0,
      report: { name: 'thumbnails', metrics, log: { debug: (stats: unknown) => logged.push(stats) } },
    });
    const turn = await queue.acquire();
    const waiting = queue.acquire();
    const text = await metrics.render();
    expect(text).toContain('image_upstream_active_requests{queue="thumbnails"} 1\n');
    expect(text).toContain('image_upstream_waiting_requests{queue="thumbnails"} 1\n');
    turn[Symbol.dispose]();
    (await waiting)[Symbol.dispose]();
    await expect.poll(() => logged).toHaveLength(2);
    expect(logged[1]).toEqual({ queue: 'thumbnails', ...queue.getStats() });
  });

  it('frees the slot of a failed call, and passes its error on', async () => {
    const queue = new RequestQueue({ maxConcurrent: 1, minInterval: 0 });
    const broken = queue.execute(() => Promise.reject(new Error('broken')));
    await expect(broken).rejects.toThrow('broken');
    expect(await queue.execute(() => 'fine')).toBe('fine');
    await sleep(0);
    expect(queue.getStats()).toMatchObject({ active_requests: 0, total_requests: 2 });
  });

  it('rejects callers while the queue is full', async () => {
    const queue = new RequestQueue({ maxConcurrent: 1, minInterval: 0, maxWaiting: 1 });
    const turn = await queue.acquire();
    const waiting = queue.execute(() => 'after all');
    await expect(queue.acquire()).rejects.toMatchObject({ code: 'overloaded' });
    turn[Symbol.dispose]();
    expect(await waiting).toBe('after all');
  });

  it('serves waiting callers in turn, and replaces calls of the one that fills the queue', async () => {
    const queue = new RequestQueue({ maxConcurrent: 1, minInterval: 0, maxWaiting: 5 });
    const turn = await queue.acquire();
    const served: string[] = [];
    const call = (caller: string) => queue.execute(() => served.push(caller), undefined, caller);
    const settled = Promise.allSettled([
      ...Array.from({ length: 5 }, () => call('flood')),
      call('one'),
      call('two'),
    ]);
    turn[Symbol.dispose]();
    const states = (await settled).map(({ status }) => status === 'fulfilled');
    expect(states).toEqual([true, true, true, false, false, true, true]);
    expect(served).toEqual(['flood', 'one', 'two', 'flood', 'flood']);
  });

  it('drops a waiting call whose signal aborts', async () => {
    const queue = new RequestQueue({ maxConcurrent: 1, minInterval: 0 });
    const turn = await queue.acquire();
    const giveUp = new AbortController();
    const waiting = queue.acquire(giveUp.signal);
    giveUp.abort(new Error('had enough'));
    await expect(waiting).rejects.toThrow('had enough');
    turn[Symbol.dispose]();
    expect(await queue.execute(() => 1)).toBe(1);
    expect(queue.getStats().waiting_requests).toBe(0);
  });

  it('keeps the turn of a call whose signal aborts while it is in progress', async () => {
    const queue = new RequestQueue({ maxConcurrent: 1, minInterval: 0 });
    const slow = upstream(20);
    const giveUp = new AbortController();
    const first = queue.execute(() => {
      giveUp.abort(new Error('had enough'));
      return slow.call();
    }, giveUp.signal);
    const second = queue.execute(() => slow.call());
    expect(await first).toBe(1);
    await second;
    expect(slow.mostAtOnce).toBe(1);
    await sleep(0);
    expect(queue.getStats()).toMatchObject({ active_requests: 0, waiting_requests: 0, total_requests: 2 });
  });

  it.each([0, 0.05])(
    'gives no turn to calls that were aborted before, with an interval of %s s',
    async (minInterval) => {
      const queue = new RequestQueue({ maxConcurrent: 3, minInterval });
      const begun: number[] = [];
      const givingUp = Array.from({ length: 5 }, () => new AbortController());
      const calls = givingUp.map(({ signal }, n) => queue.execute(() => begun.push(n), signal));
      const settled = Promise.allSettled(calls);
      for (const n of [1, 2, 3]) givingUp[n]?.abort(new Error('had enough'));
      expect((await settled).map(({ status }) => status)).toEqual([
        'fulfilled',
        'rejected',
        'rejected',
        'rejected',
        'fulfilled',
      ]);
      expect(begun).toEqual([0, 4]);
      await sleep(0);
      expect(queue.getStats()).toMatchObject({ active_requests: 0, waiting_requests: 0, total_requests: 2 });
    },
  );
});
