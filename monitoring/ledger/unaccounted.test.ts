import { queueNames } from '@image-pipeline/shared/broker/topology.ts';
import { jobMessageSchema } from '@image-pipeline/shared/contracts/job.ts';
import { queuedEvent } from '@image-pipeline/shared/contracts/event.ts';
import { completedOutcome, lifeOf, someRequest, started } from '../../testing/job-life.ts';
import { describe, expect, inject, it } from 'vitest';
import { managementCall } from '../../testing/management-call.ts';
import { statusOf } from '../../testing/monitoring-client.ts';
import { setUpSystem } from '../../testing/test-system.ts';

const system = setUpSystem({ lifetime: 'test' });

const UNACCOUNTED_AFTER = '2';
/** Queue metrics must have settled for 10 s and are up to 5 s old. */
const POLL = { timeout: 45_000, interval: 250 };
const LIMIT_MS = 120_000;

const secondsAgo = (seconds: number) => new Date(Date.now() - seconds * 1_000).toISOString();

const purgeQueue = () =>
  managementCall(inject('broker'), 'DELETE', `queues/${system.vhost.name}/${queueNames.process}/contents`);

describe('the ledger', () => {
  it(
    'reports jobs that vanished from their queue, also after a restart, until they end',
    async () => {
      const service = await system.startMonitoring({ UNACCOUNTED_AFTER });
      const requests = Array.from({ length: 5 }, () => someRequest());
      await system.enqueue(...requests);
      await system.publish(...requests.map(queuedEvent));
      await expect
        .poll(() => statusOf(service), POLL)
        .toMatchObject({ ledger: { open: 5, in_broker: 5, unaccounted: 0 }, jobs: { queued: 5 } });
      await purgeQueue();
      const late = someRequest();
      await system.enqueue(late);
      await system.publish(queuedEvent(late));
      const found = {
        ledger: { accepted: 6, open: 1, in_broker: 1, unaccounted: 5 },
        jobs: { queued: 1 },
      };
      await expect.poll(() => statusOf(service), POLL).toMatchObject(found);
      await service.stop();
      const next = await system.startMonitoring({ UNACCOUNTED_AFTER });
      expect((await statusOf(next)).ledger).toMatchObject({ open: 1, unaccounted: 5 });
      await system.publish(...requests.flatMap((request) => lifeOf(request).slice(1)));
      await expect
        .poll(() => statusOf(next), POLL)
        .toMatchObject({ ledger: { completed: 5, open: 1, unaccounted: 0 } });
    },
    LIMIT_MS,
  );

  it(
    'publishes jobs again that vanished from their queue, and no others',
    async () => {
      const service = await system.startMonitoring({ UNACCOUNTED_AFTER });
      const lost = Array.from({ length: 5 }, () => someRequest({ submitted_at: secondsAgo(120) }));
      for (const request of lost) await system.storeJob(request);
      await system.enqueue(...lost);
      await system.publish(...lost.map(queuedEvent));
      await purgeQueue();
      const late = someRequest();
      await system.storeJob(late);
      await system.enqueue(late);
      // It is delivered, so those that entered the queue long before it are not there any more.
      await system.publish(queuedEvent(late), started(late));
      await expect
        .poll(() => statusOf(service), POLL)
        .toMatchObject({ ledger: { accepted: 6, open: 6, in_broker: 6, unaccounted: 0 } });
      const jobs = await system.take(queueNames.process, 6);
      const ids = jobs.map(({ content }) => jobMessageSchema.parse(JSON.parse(content.toString())).job_id);
      expect(ids.toSorted()).toEqual([late, ...lost].map(({ job_id }) => job_id).toSorted());
      const isRepublished = ({ headers }: (typeof jobs)[number]) => headers['x-republished'] === 1;
      expect(jobs.filter(isRepublished)).toHaveLength(5);
    },
    LIMIT_MS,
  );

  it(
    'finds in the store an end whose event was lost, counts it, and republishes the event',
    async () => {
      const service = await system.startMonitoring({ UNACCOUNTED_AFTER });
      const request = someRequest();
      await system.storeJob(request, completedOutcome(request));
      await system.publish(queuedEvent(request), started(request));
      const counted = { ledger: { accepted: 1, completed: 1, open: 0, unaccounted: 0 } };
      await expect.poll(() => statusOf(service), POLL).toMatchObject(counted);
      await service.stop();
      expect(await statusOf(await system.startMonitoring())).toMatchObject(counted);
    },
    LIMIT_MS,
  );
});
