import { describe, expect, it } from 'vitest';
import { queuedEvent } from '../contracts/event.ts';
import { lifeOf, someRequest, started } from '../../testing/job-life.ts';
import { LiveView } from './live-view.ts';

const requests = Array.from({ length: 10 }, () => someRequest());
const ids = requests.map(({ job_id }) => job_id);

function viewOf(capacity: number, chosen = requests): LiveView {
  const live = new LiveView(capacity);
  for (const request of chosen) live.apply(queuedEvent(request));
  return live;
}

describe('the live view', () => {
  it('has the newest jobs, and reports whether an event changed one', () => {
    const live = viewOf(10);
    const [request] = requests;
    if (request === undefined) throw new Error('no request');
    const { view, changed } = live.apply(started(request));
    expect(changed).toBe(true);
    expect(view.state).toBe('processing');
    expect(live.get(request.job_id)).toBe(view);
    expect(live.apply(queuedEvent(request))).toEqual({ view, changed: false });
  });

  it('evicts the oldest job first, by creation time', () => {
    const live = viewOf(5, requests.toReversed());
    expect(live.size).toBe(5);
    expect(ids.filter((id) => live.get(id) !== undefined)).toEqual(ids.slice(5));
  });

  it('reports which jobs may have been evicted', () => {
    const live = viewOf(5, requests.slice(1));
    expect(ids.map((id) => live.mayHaveForgotten(id))).toEqual([
      ...Array<boolean>(5).fill(true),
      ...Array<boolean>(5).fill(false),
    ]);
    expect(viewOf(5, requests.slice(7)).mayHaveForgotten(ids[0] ?? '')).toBe(false);
  });

  it('lists jobs newest first, page by page, whatever their order of arrival', () => {
    const live = viewOf(10, [...requests.slice(5), ...requests.slice(0, 5)]);
    const seen: string[] = [];
    let before: string | undefined;
    do {
      const page = live.list({ limit: 3, before });
      expect(page.jobs.length).toBeLessThanOrEqual(3);
      seen.push(...page.jobs.map(({ request }) => request.job_id));
      before = page.next;
    } while (before !== undefined);
    expect(seen).toEqual(ids.toReversed());
  });

  it('lists the jobs of one state', () => {
    const live = viewOf(10);
    for (const request of requests.slice(2, 4)) for (const event of lifeOf(request)) live.apply(event);
    const { jobs, next } = live.list({ matches: ({ state }) => state === 'completed', limit: 10 });
    expect(jobs.map(({ request }) => request.job_id)).toEqual(ids.slice(2, 4).toReversed());
    expect(next).toBeUndefined();
  });

  it('is empty after it is cleared', () => {
    const live = viewOf(10);
    live.clear();
    expect([live.size, live.get(ids[0] ?? ''), live.list({ limit: 10 }).jobs]).toEqual([0, undefined, []]);
  });
});
