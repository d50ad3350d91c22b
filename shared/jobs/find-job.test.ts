import type { JobRequest } from '../contracts/job.ts';
import type { Outcome } from '../contracts/outcome.ts';
import { outcomeKey, requestKey } from '../store/keys.ts';
import { jsonBody } from '../store/read-object.ts';
import { expect, it } from 'vitest';
import { describeEachStore } from '../../testing/each-store.ts';
import { completedOutcome, failedOutcome, someRequest } from '../../testing/job-life.ts';
import { findStoredJob } from './find-job.ts';
import { viewOfStored } from './job-view.ts';

describeEachStore('a job as the store knows it', (given) => {
  async function put(request: JobRequest, outcome?: Outcome): Promise<void> {
    const { job_id, run } = request;
    await given.store.putIfAbsent(requestKey(job_id, run), jsonBody(request));
    if (outcome !== undefined) await given.store.putIfAbsent(outcomeKey(job_id, run), jsonBody(outcome));
  }

  it('is queued while there is no outcome', async () => {
    const request = someRequest();
    await put(request);
    expect(await findStoredJob(given.store, request.job_id)).toEqual(viewOfStored(request, undefined, []));
  });

  it('has the state of its outcome', async () => {
    const request = someRequest();
    const outcome = completedOutcome(request);
    await put(request, outcome);
    expect(await findStoredJob(given.store, request.job_id)).toEqual(viewOfStored(request, outcome, []));
  });

  it('is its newest run, with the outcomes of earlier ones, sorted by number', async () => {
    const first = someRequest();
    const runs = Array.from({ length: 11 }, (_, index) => ({ ...first, run: index + 1 }));
    for (const request of runs.slice(0, -1)) await put(request, failedOutcome(request));
    const newest = { ...first, run: 11 };
    await put(newest);
    const found = await findStoredJob(given.store, first.job_id);
    expect(found).toMatchObject({ request: newest, state: 'queued' });
    expect(found?.earlierRuns.map(({ run, state }) => `${run} ${state}`)).toEqual(
      runs.slice(0, -1).map(({ run }) => `${run} failed`),
    );
  });

  it.each([someRequest().job_id, someRequest().job_id.toUpperCase(), 'nonsense', '../..', ''])(
    'does not exist with the id "%s"',
    async (id) => {
      expect(await findStoredJob(given.store, id)).toBeUndefined();
    },
  );

  it('does not exist if there is only an outcome', async () => {
    const request = someRequest();
    await given.store.putIfAbsent(outcomeKey(request.job_id, 1), jsonBody(completedOutcome(request)));
    expect(await findStoredJob(given.store, request.job_id)).toBeUndefined();
  });
});
