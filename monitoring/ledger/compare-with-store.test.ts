import { exchangeNames } from '@image-pipeline/shared/broker/topology.ts';
import { endedEvent, type JobEvent, queuedEvent } from '@image-pipeline/shared/contracts/event.ts';
import { eventMessage } from '@image-pipeline/shared/jobs/event-follower.ts';
import { v7 as uuidv7 } from 'uuid';
import { expect, it } from 'vitest';
import { completedOutcome, failedOutcome, lifeOf, someRequest, started } from '../../testing/job-life.ts';
import { get } from '../../testing/monitoring-client.ts';
import { setUpSystem } from '../../testing/test-system.ts';

const system = setUpSystem({ lifetime: 'test' });

it('the ledger notices each kind of forged event within a minute, and no honest one', async () => {
  const service = await system.startMonitoring();
  const contradictions = async (kind: string) => {
    const metrics = await (await get(service, '/metrics')).text();
    const pattern = new RegExp(`^image_store_contradictions_total\\{kind="${kind}"\\} (\\d+)$`, 'm');
    return Number(pattern.exec(metrics)?.[1]);
  };
  const within = { timeout: 60_000, interval: 500 };

  const [completed, failed, waiting] = [someRequest(), someRequest(), someRequest()];
  const outcome = completedOutcome(completed);
  const replay = { ...failed, run: 2 };
  await system.storeJob(completed, outcome);
  await system.storeJob(failed, failedOutcome(failed));
  await system.storeJob(replay);
  await system.storeJob(waiting);
  await system.publish(...lifeOf(completed, outcome), ...lifeOf(failed, failedOutcome(failed)));
  await system.publish(endedEvent(completed, outcome), queuedEvent(replay), queuedEvent(waiting));

  // Two ends that the store does not have, one of them of a run that has ended.
  await system.publish(endedEvent(completed, { ...failedOutcome(completed), attempt_id: 'forged' }));
  await system.publish(endedEvent(waiting, completedOutcome(waiting)));
  await expect.poll(() => contradictions('outcome'), within).toBe(2);

  // Three runs that were never accepted.
  await system.publish(started({ ...completed, run: 2 }));
  await system.publish(queuedEvent({ ...completed, run: Number.MAX_SAFE_INTEGER }));
  await system.publish(...lifeOf(someRequest()));
  await expect.poll(() => contradictions('run'), within).toBe(3);

  // A result that is a record of another job, and text.
  const forged = endedEvent(waiting, {
    ...completedOutcome(waiting),
    result: { ...outcome.result, key: `jobs/${failed.job_id}/runs/1/request.json` },
  });
  await system.publish(forged);
  await publishText('not JSON');
  await publishText(JSON.stringify({ type: 'job.invented' }));
  await expect.poll(() => contradictions('malformed'), within).toBe(2);
  expect([await contradictions('outcome'), await contradictions('run')]).toEqual([2, 3]);

  async function publishText(text: string): Promise<void> {
    const event: JobEvent = queuedEvent(waiting);
    await system.broker.publisher.publish({
      ...eventMessage(event),
      exchange: exchangeNames.events,
      body: Buffer.from(text),
    });
  }
}, 150_000);

it('an event of a job that may have been removed since does not contradict the store, unless its first run is still there', async () => {
  const service = await system.startMonitoring({ RETENTION: '1h' });
  const oldRequest = () => someRequest({ job_id: uuidv7({ msecs: Date.now() - 2 * 3_600_000 }) });
  const [removed, kept] = [oldRequest(), oldRequest()];
  await system.storeJob(kept, failedOutcome(kept));
  await system.publish(...lifeOf(removed), queuedEvent({ ...removed, run: 2 }));
  for (const run of [2, Number.MAX_SAFE_INTEGER]) await system.publish(queuedEvent({ ...kept, run }));
  await system.publish(...lifeOf(someRequest()));
  const runs = async () => {
    const metrics = await (await get(service, '/metrics')).text();
    return /^image_store_contradictions_total\{kind="run"\} (\d+)$/m.exec(metrics)?.[1];
  };
  // Claims are compared in the order of their events.
  await expect.poll(runs, { timeout: 60_000, interval: 500 }).toBe('3');
}, 90_000);
