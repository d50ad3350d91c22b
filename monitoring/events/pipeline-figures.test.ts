import { queuedEvent } from '@image-pipeline/shared/contracts/event.ts';
import { lifeOf, retrying, someRequest, started } from '@image-pipeline/shared/testing/job-life.ts';
import { expect, it } from 'vitest';
import { PipelineFigures } from './pipeline-figures.ts';

it('keeps as a peak the jobs that wait again because their retry became due, also when they have ended', () => {
  const figures = new PipelineFigures({ state: undefined, isLive: () => true, patienceMs: 1_000 });
  let offset = 0;
  const requests = [someRequest(), someRequest(), someRequest()];
  for (const request of requests) {
    for (const event of [queuedEvent(request), started(request), retrying(request)])
      figures.onEvent(event, offset++);
  }
  expect(figures.peaks.waiting.value).toBe(1);
  figures.onRefresh(Date.now() + 1);
  expect(figures.peaks.waiting.value).toBe(3);
  for (const request of requests) figures.onEvent(lifeOf(request).at(-1) ?? queuedEvent(request), offset++);
  figures.onRefresh(Date.now() + 1);
  expect(figures.peaks.waiting.value).toBe(3);
  expect(figures.state.peaks).toEqual(figures.peaks);
});
