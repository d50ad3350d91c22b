import { deadKey } from '@image-pipeline/shared/store/keys.ts';
import { testLog } from '../../testing/test-broker.ts';
import { v7 as uuidv7 } from 'uuid';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { mayLeaveQueue, Sweeper } from './sweeper.ts';

const deadLetter = { job_id: uuidv7(), run: 1 };
const none: ReadonlySet<string> = new Set();
let sweeper: Sweeper | undefined;

afterEach(() => sweeper?.stop());

function sweeping(sweep: () => Promise<ReadonlySet<string>>) {
  const swept = vi.fn(sweep);
  sweeper = new Sweeper({ sweep: swept, pauseMs: 5, log: testLog });
  return { sweeper, swept };
}

describe('the sweeper', () => {
  it('sweeps at start, and again for what was marked during a sweep', async () => {
    const { promise, resolve } = Promise.withResolvers<ReadonlySet<string>>();
    const key = deadKey(deadLetter.job_id, deadLetter.run);
    const { sweeper, swept } = sweeping(() => promise);
    await sweeper.start();
    sweeper.request([deadLetter]);
    sweeper.request([deadLetter]);
    expect(swept).toHaveBeenCalledTimes(1);
    resolve(new Set([key]));
    await vi.waitFor(() => expect(swept).toHaveBeenCalledTimes(2));
    await sweeper.stop();
    expect(swept).toHaveBeenCalledTimes(2);
  });

  it('sweeps a few times for a missing message, then stops', async () => {
    const { sweeper, swept } = sweeping(() => Promise.resolve(none));
    sweeper.request([deadLetter]);
    await vi.waitFor(() => expect(swept).toHaveBeenCalledTimes(5));
    sweeper.request([]);
    await vi.waitFor(() => expect(swept).toHaveBeenCalledTimes(6));
  });

  it('retries while broker or store is unavailable', async () => {
    let calls = 0;
    const { sweeper, swept } = sweeping(() =>
      ++calls < 10
        ? Promise.reject(new Error('unavailable'))
        : Promise.resolve(new Set([deadKey(deadLetter.job_id, 1)])),
    );
    sweeper.request([deadLetter]);
    await vi.waitFor(() => expect(swept).toHaveBeenCalledTimes(10));
  });
});

describe('a message in the dead-letter queue', () => {
  it('stays without any record: it is being recorded', () => {
    expect(mayLeaveQueue(undefined, undefined)).toBe(false);
  });
});
