import { PublishRefused, PublishUnconfirmed } from '@image-pipeline/shared/broker/publisher.ts';
import { expect, it } from 'vitest';
import type { OpenRun } from '../runs/run-tracker.ts';
import { REPUBLISH_ON_REQUEST_AGAIN_MS, RepublishedRuns } from './republished-runs.ts';

const openRun = (job_id: string): OpenRun => ({
  job_id,
  run: 1,
  offset: 0,
  state: 'queued',
  place: 8,
  since: 0,
});
const [first, second] = [openRun('first'), openRun('second')];
const again = REPUBLISH_ON_REQUEST_AGAIN_MS;

it('publishes a lost run before one that was published a minute ago', async () => {
  let now = 0;
  const republished = new RepublishedRuns(() => now);
  const lost = { count: 1, candidates: [first, second] };
  expect(republished.due(lost, again)).toEqual([first]);
  await republished.try(first, again, () => Promise.resolve(true));
  // Until a worker starts it, the first is still a candidate.
  now = 61_000;
  expect(republished.due(lost, again)).toEqual([second]);
  await republished.try(second, again, () => Promise.resolve(true));
  // Both were lost again.
  now = 122_000;
  expect(republished.due({ ...lost, count: 2 }, again)).toEqual([first, second]);
});

it('publishes no other run in place of one that cannot be published', async () => {
  let now = 0;
  const republished = new RepublishedRuns(() => now);
  const lost = { count: 1, candidates: [first, second] };
  await republished.try(first, again, () => Promise.resolve('damaged'));
  expect(republished.due(lost, again)).toEqual([]);
  expect(republished.due({ ...lost, count: 2 }, again)).toEqual([second]);
  // The damaged one has been found to have ended.
  expect(republished.due({ ...lost, candidates: [second] }, again)).toEqual([second]);
  now = 61_000;
  expect(republished.due(lost, again)).toEqual([first]);
});

it('does not take a run for lost that was published a moment ago', async () => {
  let now = 0;
  const republished = new RepublishedRuns(() => now);
  const lost = { count: 1, candidates: [first, second] };
  await republished.try(first, again, () => Promise.resolve(true));
  expect(republished.due(lost, again)).toEqual([]);
  now = 21_000;
  expect(republished.due(lost, again)).toEqual([second]);
});

it('publishes a run once for two callers', async () => {
  const republished = new RepublishedRuns();
  const publish = () => republished.try(first, again, () => Promise.resolve(true));
  expect(await Promise.all([publish(), publish()])).toEqual([true, undefined]);
});

it('publishes a refused message again at once, and an unconfirmed one after a minute', async () => {
  let now = 0;
  const republished = new RepublishedRuns(() => now);
  const lost = { count: 2, candidates: [first, second] };
  const fail = (run: OpenRun, error: Error) =>
    expect(republished.try(run, again, () => Promise.reject(error))).rejects.toBe(error);
  await fail(first, new PublishUnconfirmed('lost the connection'));
  await fail(second, new PublishRefused('no memory'));
  expect(republished.due(lost, again)).toEqual([second]);
  now = 61_000;
  expect(republished.due(lost, again)).toEqual([second, first]);
});
