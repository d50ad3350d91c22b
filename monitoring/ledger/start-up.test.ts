import { queuedEvent } from '@image-pipeline/shared/contracts/event.ts';
import { lifeOf, someRequest } from '../../testing/job-life.ts';
import { expect, it } from 'vitest';
import { statusOf, untilStatus } from '../../testing/monitoring-client.ts';
import { setUpSystem } from '../../testing/test-system.ts';

const system = setUpSystem({ lifetime: 'test' });

const FEW = { eventsReplayed: 1_000, eventsCountedAtStart: 1_000 };
const EVENTS_OF_A_LIFE = 3;
/** Published concurrently, in batches of this size. */
const AT_ONCE = 30;
async function publishLives(count: number): Promise<void> {
  for (let left = count; left > 0; left -= AT_ONCE) {
    await Promise.all(
      Array.from({ length: Math.min(left, AT_ONCE) }, () => system.publish(...lifeOf(someRequest()))),
    );
  }
}

it('counts only the newest events of a long log at its first start', async () => {
  await publishLives(600);
  const { ledger } = await statusOf(await system.startMonitoring({}, FEW));
  // Reading starts at the edge of a chunk of the stream.
  expect(ledger?.accepted).toBeGreaterThan(300);
  expect(ledger?.accepted).toBeLessThan(500);
  expect(ledger).toMatchObject({ open: 0, unaccounted: 0 });
});

it('counts only the newest of many missed events, and keeps open runs', async () => {
  const first = await system.startMonitoring({}, FEW);
  const open = someRequest();
  await system.enqueue(open);
  await system.publish(queuedEvent(open), ...lifeOf(someRequest()));
  await untilStatus(first, ({ totals }) => expect(totals?.accepted).toBe(2));
  await first.stop();
  await publishLives(600);
  const second = await system.startMonitoring({}, FEW);
  const { ledger, jobs } = await statusOf(second);
  expect(ledger?.accepted).toBeLessThan(2 + 500);
  expect(ledger).toMatchObject({ open: 1, unaccounted: 0 });
  expect(ledger?.completed).toBe((ledger?.accepted ?? 0) - 1);
  expect(jobs).toEqual({ queued: 1, processing: 0, retrying: 0 });
  await system.publish(...lifeOf(open).slice(1));
  await untilStatus(second, (seen) => {
    expect(seen.ledger).toMatchObject({ accepted: ledger?.accepted, completed: ledger?.accepted, open: 0 });
  });
});

it('reads all missed events up to the maximum', async () => {
  const first = await system.startMonitoring();
  await publishLives(1);
  await untilStatus(first, ({ totals }) => expect(totals?.completed).toBe(1));
  await first.stop();
  await publishLives(600);
  const enough = { eventsReplayed: 1_000, eventsCountedAtStart: 700 * EVENTS_OF_A_LIFE };
  expect((await statusOf(await system.startMonitoring({}, enough))).totals).toMatchObject({
    accepted: 601,
    completed: 601,
  });
});
