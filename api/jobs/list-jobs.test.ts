import { queuedEvent } from '@image-pipeline/shared/contracts/event.ts';
import type { JobRequest } from '@image-pipeline/shared/contracts/job.ts';
import { outcomeKey, requestKey } from '@image-pipeline/shared/store/keys.ts';
import {
  completedOutcome,
  failedOutcome,
  lifeOf,
  postponed,
  retrying,
  someRequest,
  started,
} from '../../testing/job-life.ts';
import { describe, expect, it } from 'vitest';
import { setUpSystem } from '../../testing/test-system.ts';
import type { TestApi } from '../../testing/test-system.ts';
import { jobListSchema } from './list-jobs.ts';

const system = setUpSystem();
const TOKEN = '0123456789abcdef0123456789abcdef';

async function list(api: TestApi, query: string) {
  const { jobs, next_cursor } = jobListSchema.parse((await api.ask(`/jobs${query}`)).json);
  return { ids: jobs.map(({ job_id }) => job_id), next: next_cursor };
}

describe('the list of jobs', () => {
  it('is paged, newest first, and can be filtered by state', async () => {
    const requests = [someRequest(), someRequest(), someRequest(), someRequest()] as const;
    const [failed, completed, ...waiting] = requests;
    const [failure, success] = [failedOutcome(failed), completedOutcome(completed)];
    await system.storeJob(failed, failure);
    await system.storeJob(completed, success);
    for (const request of waiting) await system.storeJob(request);
    await system.publish(...lifeOf(failed, failure), ...lifeOf(completed, success));
    await system.publish(...waiting.map(queuedEvent));
    const newestFirst = requests.map(({ job_id }) => job_id).toReversed();
    const api = await system.startApi();

    expect(await list(api, '')).toEqual({ ids: newestFirst, next: null });
    const first = await list(api, '?limit=3');
    expect(first.ids).toEqual(newestFirst.slice(0, 3));
    expect(await list(api, `?limit=3&cursor=${first.next?.toUpperCase() ?? ''}`)).toEqual({
      ids: newestFirst.slice(3),
      next: null,
    });
    expect((await list(api, '?status=failed')).ids).toEqual([failed.job_id]);
    expect((await list(api, '?status=queued&limit=1')).ids).toEqual(newestFirst.slice(0, 1));
    expect((await api.ask('/jobs?status=completed')).json).toMatchObject({
      jobs: [
        {
          job_id: completed.job_id,
          status: 'completed',
          name: 'sample.jpg',
          result_url: `/results/${completed.job_id}`,
        },
      ],
    });
  });

  it('can be filtered by error code, worker, file name and time', async () => {
    const at = (day: number) => `2026-01-0${day}T00:00:00.000Z`;
    const [early, late, waiting] = [1, 2, 3].map((day) =>
      someRequest({
        submitted_at: at(day),
        original: { name: `Photo ${day}.JPG`, content_type: 'image/jpeg', size: 1, sha256: 'a'.repeat(64) },
      }),
    ) as [JobRequest, JobRequest, JobRequest];
    const outcome = { ...failedOutcome(late), worker: 'worker-9' };
    outcome.timeline = [
      ...outcome.timeline,
      { state: 'failed', at: at(2), run: 1, attempt: 1, worker: 'worker-9', error: outcome.error },
    ];
    const success = completedOutcome(early);
    await system.storeJob(early, success);
    await system.storeJob(late, outcome);
    await system.storeJob(waiting);
    await system.publish(...lifeOf(early, success), ...lifeOf(late, outcome), queuedEvent(waiting));
    const api = await system.startApi();
    const found = async (query: string) => (await list(api, query)).ids;
    expect(await found('?error=undecodable_image')).toContain(late.job_id);
    expect(await found('?worker=worker-9')).toEqual([late.job_id]);
    expect(await found('?name=photo%201.jpg')).toEqual([early.job_id]);
    expect(await found('?name=photo&status=queued')).toEqual([waiting.job_id]);
    expect(await found(`?from=${at(2)}&to=${at(3)}`)).toEqual([late.job_id]);
    expect(await found(`?from=2026-01-02T03:00:00%2B03:00&to=${at(4)}`)).toEqual([
      waiting.job_id,
      late.job_id,
    ]);
  });

  it('shows a postponed job with the error and the worker of its failed attempt', async () => {
    const request = someRequest();
    await system.storeJob(request);
    const postponement = postponed(request, 1, 'worker-postponing');
    await system.publish(queuedEvent(request), started(request), retrying(request), postponement);
    const api = await system.startApi();
    expect((await api.ask('/jobs?error=deadline_exceeded&worker=worker-1')).json).toMatchObject({
      jobs: [
        {
          job_id: request.job_id,
          status: 'retrying',
          error: { code: 'deadline_exceeded' },
          worker: 'worker-1',
          retry_at: new Date(Date.parse(request.submitted_at) + 120_000).toISOString(),
        },
      ],
    });
    expect((await list(api, '?worker=worker-postponing')).ids).toEqual([]);
  });

  it.each([requestKey, outcomeKey])(
    'has a job with a damaged record, without its result (%o)',
    async (keyOf) => {
      const [whole, damaged] = [someRequest(), someRequest()];
      for (const request of [whole, damaged]) {
        await system.storeJob(request, completedOutcome(request));
        await system.publish(...lifeOf(request));
      }
      await system.store.put(keyOf(damaged.job_id, 1), Buffer.from('not JSON'));
      const api = await system.startApi();
      const { status, json } = await api.ask('/jobs?limit=2');
      expect(status).toBe(200);
      const jobs = new Map(jobListSchema.parse(json).jobs.map((job) => [job.job_id, job]));
      expect(jobs.get(whole.job_id)).toMatchObject({ result_url: `/results/${whole.job_id}` });
      expect(jobs.get(damaged.job_id)).toMatchObject({ status: 'completed', attempt: 1 });
      expect(jobs.get(damaged.job_id)).not.toHaveProperty('result_url');
    },
  );

  it.each([
    ['from', '?from=yesterday'],
    ['status', '?status=done'],
    ['limit', '?limit=0'],
    ['limit', '?limit=1001'],
    ['limit', '?limit=1&limit=2'],
    ['cursor', '?cursor=next'],
    ['state', '?state=failed'],
  ])('refuses a bad %s: %s', async (parameter, query) => {
    const api = await system.startApi();
    expect((await api.ask(`/jobs${query}`)).json).toMatchObject({ code: 'invalid_parameter', parameter });
  });

  it('needs the token in production', async () => {
    const api = await system.startApi({
      NODE_ENV: 'production',
      API_TOKEN: TOKEN,
      RABBITMQ_URL: await system.urlOfOwnUser(),
    });
    const asked = (authorization: string) => api.ask('/jobs', { headers: { authorization } });
    const without = await api.ask('/jobs');
    expect(without).toMatchObject({ status: 401, json: { code: 'unauthorized' } });
    expect(without.headers.get('www-authenticate')).toBe('Bearer');
    expect((await asked('Bearer wrong')).status).toBe(401);
    expect((await asked(`Bearer ${TOKEN}`)).status).toBe(200);
  });
});
