import { endedEvent } from '@image-pipeline/shared/contracts/event.ts';
import { storedDeadLetterSchema } from '@image-pipeline/shared/contracts/dead-letter.ts';
import { deadKey } from '@image-pipeline/shared/store/keys.ts';
import { jsonBody, readJson } from '@image-pipeline/shared/store/read-object.ts';
import { expect, it } from 'vitest';
import { completedOutcome, failedOutcome, someRequest } from '../../testing/job-life.ts';
import { setUpSystem } from '../../testing/test-system.ts';

const system = setUpSystem({ lifetime: 'test' });
const SOON = { timeout: 15_000, interval: 50 };

it('a failed run whose dead letter never reached the recorder is recorded, and can be replayed', async () => {
  const api = await system.startApi({}, { unrecordedAfterMs: 500 });
  const [request, completed] = [someRequest(), someRequest()];
  const outcome = failedOutcome(request);
  await system.storeJob(request, outcome);
  // The event, and no dead letter.
  await system.publish(endedEvent(request, outcome), endedEvent(completed, completedOutcome(completed)));
  await expect.poll(async () => (await api.ask('/dlq/stats')).json, SOON).toMatchObject({ count: 1 });
  expect((await api.ask('/dlq/messages')).json).toMatchObject({
    messages: [
      {
        job_id: request.job_id,
        run: 1,
        attempts: 1,
        error: outcome.error,
        death: { reason: 'rejected', queue: 'image.jobs.process' },
        submitted_at: request.submitted_at,
      },
    ],
  });
});

it('a run that has not failed, whatever an event says, is not recorded', async () => {
  const [waiting, completed, unknown, failed] = [someRequest(), someRequest(), someRequest(), someRequest()];
  await system.storeJob(waiting);
  await system.storeJob(completed, completedOutcome(completed));
  await system.storeJob(failed, failedOutcome(failed));
  const all = [waiting, completed, unknown, failed];
  await system.publish(...all.map((request) => endedEvent(request, failedOutcome(request))));
  const api = await system.startApi({}, { unrecordedAfterMs: 500 });
  await expect
    .poll(async () => (await api.ask('/dlq/messages')).json, SOON)
    .toMatchObject({
      messages: [{ job_id: failed.job_id }],
    });
});

it('one that was recorded, and removed since, is left alone', async () => {
  const [removed, lost] = [someRequest(), someRequest()];
  const record = { version: 1, job_id: removed.job_id, run: 1, state: 'removed', name: 'kept.jpg' };
  await system.store.put(deadKey(removed.job_id, 1), jsonBody(record));
  await system.storeJob(lost, failedOutcome(lost));
  await system.publish(endedEvent(removed, failedOutcome(removed)), endedEvent(lost, failedOutcome(lost)));
  await system.startApi({}, { unrecordedAfterMs: 500 });
  const read = () => readJson(system.store, deadKey(lost.job_id, 1), storedDeadLetterSchema);
  await expect.poll(read, SOON).toMatchObject({ state: 'dead' });
  const kept = await system.store.get(deadKey(removed.job_id, 1));
  expect(JSON.parse((await kept?.body.toArray())?.join('') ?? '')).toEqual(record);
});
