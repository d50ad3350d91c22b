import { endedEvent, queuedEvent, type JobEvent } from '@image-pipeline/shared/contracts/event.ts';
import { StoreUnavailable } from '@image-pipeline/shared/errors.ts';
import { viewOfStored, type JobView } from '@image-pipeline/shared/jobs/job-view.ts';
import { completedOutcome, lifeOf, someRequest, started } from '../../testing/job-life.ts';
import { testLog } from '../../testing/test-broker.ts';
import { describe, expect, it, vi } from 'vitest';
import { EventRing } from './event-ring.ts';
import type { Frame } from './subscriber.ts';
import { JobSubscription, StoredJobs } from './job-subscription.ts';

const request = someRequest();
const jobId = request.job_id;
const [queued, begun, completed] = lifeOf(request) as [JobEvent, JobEvent, JobEvent];

describe('while the state of a job is read from the store', () => {
  it('new events become part of the state, and only later ones are sent', async () => {
    const { sent, reads, subscription, arrives, newestEventId } = whileStoreIsRead();
    subscription.begin(undefined);
    arrives(queued);
    arrives(begun);
    expect(sent).toEqual([]);
    reads[0]?.resolve(viewOfStored(request, undefined, []));
    await vi.waitFor(() => expect(sent).toHaveLength(1));
    expect(sent[0]).toMatchObject({ type: 'state', state: 'processing', event_id: newestEventId() });
    expect(sent[0]?.['timeline']).toHaveLength(2);
    arrives(completed);
    expect(sent[1]).toMatchObject({ type: 'event', event: completed });
  });

  it('an end that is already in the store is sent once', async () => {
    const { sent, reads, subscription, arrives } = whileStoreIsRead();
    subscription.begin(undefined);
    const outcome = completedOutcome(request);
    reads[0]?.resolve(viewOfStored(request, outcome, []));
    arrives(endedEvent(request, outcome));
    await vi.waitFor(() => expect(sent).toHaveLength(1));
    arrives(endedEvent(request, outcome));
    expect(sent).toMatchObject([{ type: 'state', state: 'completed' }]);
  });

  it('a job that is accepted at this moment is known from its events', async () => {
    const { sent, reads, subscription, arrives } = whileStoreIsRead();
    subscription.begin(undefined);
    arrives(queued);
    reads[0]?.resolve(undefined);
    await vi.waitFor(() => expect(sent).toMatchObject([{ type: 'state', state: 'queued' }]));
  });

  it('a subscription that has ended sends nothing', async () => {
    const { sent, reads, subscription } = whileStoreIsRead();
    subscription.begin(undefined);
    subscription.end();
    reads[0]?.resolve(undefined);
    await new Promise(setImmediate);
    expect(sent).toEqual([]);
  });

  it('a recreated log restarts the read', async () => {
    const { sent, reads, subscription, arrives } = whileStoreIsRead();
    subscription.begin(undefined);
    arrives(begun);
    subscription.reset('log_reset');
    reads[0]?.resolve(viewOfStored(request, undefined, []));
    await vi.waitFor(() => expect(reads).toHaveLength(2));
    reads[1]?.resolve(viewOfStored({ ...request, run: 2 }, undefined, []));
    await vi.waitFor(() => expect(sent).toHaveLength(2));
    expect(sent).toMatchObject([{ type: 'reset' }, { type: 'state', state: 'queued', run: 2 }]);
  });
});

describe('while the store is unavailable', () => {
  it('the subscriber gets one error, and the state when it is back', async () => {
    const { sent, reads, subscription, arrives } = whileStoreIsRead();
    subscription.begin(undefined);
    for (const attempt of [0, 1]) {
      await vi.waitFor(() => expect(reads).toHaveLength(attempt + 1), { timeout: 5_000 });
      reads[attempt]?.reject(new StoreUnavailable('unavailable'));
    }
    await vi.waitFor(() => expect(sent).toMatchObject([{ type: 'error', code: 'store_unavailable' }]));
    arrives(started(request));
    await vi.waitFor(() => expect(reads).toHaveLength(3), { timeout: 5_000 });
    reads[2]?.resolve(viewOfStored(request, undefined, []));
    await vi.waitFor(() => expect(sent).toHaveLength(2));
    expect(sent[1]).toMatchObject({ type: 'state', state: 'processing', job_id: jobId });
  });

  it('an unreadable record gives an error, and events are sent all the same', async () => {
    const { sent, reads, subscription, arrives } = whileStoreIsRead();
    subscription.begin(undefined);
    reads[0]?.reject(new Error('no record'));
    await vi.waitFor(() =>
      expect(sent).toMatchObject([{ type: 'error', code: 'internal_error', job_id: jobId }]),
    );
    arrives(queuedEvent(request));
    expect(sent[1]).toMatchObject({ type: 'event', event: queued });
  });
});

describe('a subscriber of many unknown jobs', () => {
  it('does not delay others: they take turns', async () => {
    const asked: string[] = [];
    const reads: PromiseWithResolvers<undefined>[] = [];
    const find = (id: string) => {
      asked.push(id);
      const read = Promise.withResolvers<undefined>();
      reads.push(read);
      return read.promise;
    };
    const stored = new StoredJobs({ find, concurrency: 4, log: testLog });
    const [greedy, other] = [{ ...someSubscriber }, { ...someSubscriber }];
    const { signal } = new AbortController();
    for (let count = 0; count < 1_000; count++)
      void stored.find(`greedy ${count}`, greedy, signal, () => undefined);
    expect(asked).toEqual(['greedy 0']);
    for (let count = 0; count < 3; count++)
      void stored.find(`other ${count}`, other, signal, () => undefined);
    expect(asked).toEqual(['greedy 0', 'other 0']);
    for (const index of [0, 1, 2, 3]) {
      reads[index]?.resolve(undefined);
      await vi.waitFor(() => expect(asked).toHaveLength(index + 3));
    }
    expect(asked).toEqual(['greedy 0', 'other 0', 'greedy 1', 'other 1', 'greedy 2', 'other 2']);
  });
});

const someSubscriber = {
  hasBacklog: false,
  maxUnsentBytes: Infinity,
  send: () => undefined,
  nextTurn: () => Promise.resolve(),
  cutSlowReader: () => undefined,
};

/** A subscription to a job that is not in memory, while the store is slow. */
function whileStoreIsRead() {
  const sent: Record<string, unknown>[] = [];
  const send = ({ data }: Frame) => void sent.push(JSON.parse(data.toString()) as Record<string, unknown>);
  const subscriber = { ...someSubscriber, send };
  const ring = new EventRing(100);
  const reads: PromiseWithResolvers<JobView | undefined>[] = [];
  const find = () => {
    const read = Promise.withResolvers<JobView | undefined>();
    reads.push(read);
    return read.promise;
  };
  const stored = new StoredJobs({ find, concurrency: 1, log: testLog });
  const subscription = new JobSubscription({
    jobId,
    subscriber,
    ring,
    stored,
    live: { get: () => undefined },
  });
  let offset = 0;
  return {
    sent,
    reads,
    subscription,
    arrives: (event: JobEvent) => subscription.offer(event, ring.append(event, offset++)),
    newestEventId: () => ring.newest?.eventId,
  };
}
