import { endedEvent, startedEvent } from '@image-pipeline/shared/contracts/event.ts';
import { completedOutcome, someRequest } from '../../testing/job-life.ts';
import { expect, it } from 'vitest';
import { setUpSystem } from '../../testing/test-system.ts';
import { form } from '../../testing/images.ts';
import { acceptedJobSchema } from '../upload/upload-response.ts';

const system = setUpSystem();
const POLL = { timeout: 10_000, interval: 20 };
const at = (secondsAgo: number) => new Date(Date.now() - secondsAgo * 1_000).toISOString();

it('a waiting job has a queue position and an ETA, in /status and in a 409', async () => {
  const api = await system.startApi();
  const statusOf = async (jobId: string) => (await api.ask(`/status/${jobId}`)).json;
  const old = someRequest();
  const hop = { state: 'processing', at: at(20), run: 1, attempt: 1 } as const;
  const outcome = { ...completedOutcome(old), timeline: [hop], finished_at: at(10) };
  await system.storeJob(old, outcome);
  await system.publish(endedEvent(old, outcome));
  await expect.poll(() => statusOf(old.job_id), POLL).toMatchObject({ status: 'completed' });
  expect(await statusOf(old.job_id)).not.toHaveProperty('eta_seconds');

  const ids: string[] = [];
  for (let job = 0; job < 3; job++) {
    ids.push(acceptedJobSchema.parse((await api.upload(form([{}]))).json).job_id);
  }
  const [taken = '', next = '', last = ''] = ids;
  await expect.poll(() => statusOf(last), POLL).toMatchObject({ queue_position: 3, eta_seconds: null });
  expect((await api.ask(`/results/${last}`)).headers.get('retry-after')).toBe('10');

  await system.holdJobs('worker-1', 1);
  await system.publish(startedEvent(someRequest({ job_id: taken }), 1, 'worker-1', at(0)));
  await expect.poll(() => statusOf(next), POLL).toMatchObject({ queue_position: 1, eta_seconds: 15 });
  expect(await statusOf(last)).toMatchObject({ queue_position: 2, eta_seconds: 25 });
  expect(await statusOf(taken)).toMatchObject({ status: 'processing', queue_position: null });
  for (const path of ['results', 'thumbnail']) {
    const refusal = await api.ask(`/${path}/${last}`);
    expect(refusal).toMatchObject({ status: 409, json: { code: 'not_ready', retry_after_seconds: 25 } });
    expect(refusal.headers.get('retry-after')).toBe('25');
  }
});
