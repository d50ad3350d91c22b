import { endedEvent, queuedEvent } from '@image-pipeline/shared/contracts/event.ts';
import { StoreUnavailable } from '@image-pipeline/shared/errors.ts';
import { requestKey } from '@image-pipeline/shared/store/keys.ts';
import { describe, expect, it } from 'vitest';
import { completedOutcome, someRequest } from '../../testing/job-life.ts';
import { SlowStore } from '../../testing/slow-store.ts';
import { setUpSystem } from '../../testing/test-system.ts';
import { createConfirmPage } from './confirm-page.ts';
import { FollowedJobs } from './followed-jobs.ts';

const system = setUpSystem();
const JOBS = 50;
const MAX_CONCURRENT_READS = 8;
const present = new AbortController().signal;

type Listed = ReturnType<FollowedJobs['list']>['jobs'];

/** Jobs of the event log that the store has not confirmed; an ended one needs a single read. */
function unconfirmedJobs(state: 'open' | 'ended'): { followed: FollowedJobs; page: () => Listed } {
  const followed = new FollowedJobs(JOBS);
  for (let job = 0; job < JOBS; job++) {
    const request = someRequest();
    if (state === 'open') {
      followed.apply(queuedEvent(request));
    } else {
      followed.queued(request);
      followed.apply(endedEvent(request, completedOutcome(request)));
    }
  }
  return { followed, page: () => followed.list({ limit: JOBS }).jobs };
}

it('reads the jobs of a page a few at a time, and each once for all pages', async () => {
  const { followed, page } = unconfirmedJobs('ended');
  for (const { request, outcome } of page()) await system.storeJob(request, outcome);
  const store = new SlowStore(system.store, 5);
  const confirmPage = createConfirmPage({ followed, store }, 20_000);
  const pages = await Promise.all([page(), page()].map((views) => confirmPage(views, present)));
  expect(pages[0]).toEqual(pages[1]);
  expect(page().every((view) => followed.isStored(view))).toBe(true);
  expect([store.calls, store.mostAtOnce]).toEqual([JOBS, MAX_CONCURRENT_READS]);
  await confirmPage(page(), present);
  expect(store.calls).toBe(JOBS);
});

describe.each(['open', 'ended'] as const)('jobs that are %s', (state) => {
  it('are shown as the events say while the store is unavailable, and no further one is read', async () => {
    const { followed, page } = unconfirmedJobs(state);
    const unavailable = new StoreUnavailable('The store is unavailable.');
    let reads = 0;
    const fail = () => {
      reads++;
      return Promise.reject(unavailable);
    };
    const store = { get: fail, list: () => ({ [Symbol.asyncIterator]: () => ({ next: fail }) }) };
    const confirmPage = createConfirmPage({ followed, store });
    expect(await confirmPage(page(), present)).toEqual(page());
    expect(reads).toBe(MAX_CONCURRENT_READS);
  });

  it('are shown in time while the store does not respond, and polling adds no reads', async () => {
    const { followed, page } = unconfirmedJobs(state);
    const store = new SlowStore(system.store, 0);
    store.hang(15_000);
    const confirmPage = createConfirmPage({ followed, store }, 50);
    const askedAt = performance.now();
    for (let poll = 0; poll < 5; poll++) expect(await confirmPage(page(), present)).toEqual(page());
    expect(performance.now() - askedAt).toBeLessThan(5_000);
    expect(store.calls).toBe(MAX_CONCURRENT_READS);
  });
});

it('reads no further job when the client leaves', async () => {
  const { followed, page } = unconfirmedJobs('ended');
  const store = new SlowStore(system.store, 100);
  const confirmPage = createConfirmPage({ followed, store });
  const client = new AbortController();
  const confirmed = confirmPage(page(), client.signal);
  await expect.poll(() => store.active).toBe(MAX_CONCURRENT_READS);
  client.abort();
  await confirmed;
  await expect.poll(() => store.active, { timeout: 20_000 }).toBe(0);
  expect(store.calls).toBe(MAX_CONCURRENT_READS);
});

it('looks for jobs past the retention each time, and shows those that are kept', async () => {
  const { followed, page } = unconfirmedJobs('ended');
  const confirmPage = createConfirmPage({ followed, store: system.store, retentionMs: -1 }, 20_000);
  const [kept, removed] = page();
  if (kept === undefined || removed === undefined) throw new Error('two jobs expected');
  for (const { request, outcome } of [kept, removed]) await system.storeJob(request, outcome);
  const confirmed = await confirmPage([kept, removed], present);
  expect(confirmed.map(({ request }) => request)).toEqual([kept.request, removed.request]);
  await system.store.remove(requestKey(removed.request.job_id, 1));
  const again = await confirmPage(followed.list({ limit: 2 }).jobs, present);
  expect(again.map(({ request }) => request)).toEqual([kept.request]);
  expect(followed.get(removed.request.job_id)).toBeUndefined();
});
