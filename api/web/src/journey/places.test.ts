import { parseRetryDelays } from '../../../../shared/broker/topology.ts';
import { describe, expect, it } from 'vitest';
import { pageSettings } from '../../../page/page-routes.ts';
import type { Job } from '../live/jobs.ts';
import { cellOfSlot, drawTopology, placeOf } from './places.ts';

const settings = pageSettings({
  NODE_ENV: 'development',
  PUBLIC_NOTIFICATION_URL: '',
  RABBITMQ_MANAGEMENT_PORT: 0,
  GRAFANA_PORT: 0,
  MINIO_CONSOLE_PORT: 0,
  RETRY_DELAYS: parseRetryDelays('5s,30s,2m'),
  WEBHOOK_RETRY_DELAYS: parseRetryDelays('1m'),
});
const drawing = drawTopology(settings, [
  { name: 'worker-1', slots: 2, isLive: true },
  { name: 'worker-2', slots: 7, isLive: false },
]);

describe('drawTopology', () => {
  it('has every queue of jobs of the declared topology, and no other', () => {
    const queues = drawing.places.filter(({ kind }) => kind === 'queue').map(({ id }) => id);
    expect(queues).toEqual([
      'image.jobs.process',
      'image.jobs.slow',
      'image.jobs.retry.5s',
      'image.jobs.retry.30s',
      'image.jobs.retry.2m',
      'image.jobs.dead',
    ]);
  });

  it('has the bindings and the dead-lettering of the topology, between places that it draws', () => {
    const ids = new Set(drawing.places.map(({ id }) => id));
    for (const { from, to } of drawing.edges)
      expect([ids.has(from), ids.has(to)], `${from} → ${to}`).toEqual([true, true]);
    expect(drawing.edges).toContainEqual({
      from: 'image.jobs',
      to: 'image.jobs.process',
      kind: 'binding',
      label: 'job.process',
    });
    expect(drawing.edges).toContainEqual({
      from: 'image.jobs.retry.30s',
      to: 'image.jobs',
      kind: 'delay',
      label: '30s',
    });
    expect(drawing.edges).toContainEqual({
      from: 'image.jobs.process',
      to: 'image.dlx',
      kind: 'dead-letter',
      label: '',
    });
  });

  it('draws no two boxes over each other', () => {
    for (const one of drawing.places) {
      for (const other of drawing.places) {
        const overlaps =
          one.x < other.x + other.width &&
          other.x < one.x + one.width &&
          one.y < other.y + other.height &&
          other.y < one.y + one.height;
        expect(one !== other && overlaps, `${one.id} and ${other.id}`).toBe(false);
      }
    }
  });
});

describe('placeOf', () => {
  const job: Job = {
    id: '1',
    state: 'queued',
    run: 1,
    attempt: 1,
    submittedAt: '',
    updatedAt: '2026-01-01T00:00:00.000Z',
    steps: [],
  };

  it('follows the state', () => {
    const placed = (change: Partial<Job>) =>
      placeOf({ ...job, ...change }, settings, Date.parse('2026-01-01T00:00:01.000Z'));
    expect(placed({})).toBe('image.jobs.process');
    expect(placed({ state: 'processing', worker: 'worker-2' })).toBe('worker:worker-2');
    expect(placed({ state: 'retrying', retryAt: '2026-01-01T00:00:30.010Z' })).toBe('image.jobs.retry.30s');
    expect(placed({ state: 'retrying', retryAt: '2026-01-01T00:02:00.000Z' })).toBe('image.jobs.retry.2m');
    expect(placed({ state: 'retrying', retryAt: '2026-01-01T00:00:01.000Z' })).toBe('image.jobs.process');
    const slow = { state: 'retrying', error: { code: 'slow_image', reason: '' } } as const;
    expect(placed({ ...slow, retryAt: '2026-01-01T00:00:00.000Z' })).toBe('image.jobs.slow');
    expect(placed({ state: 'failed' })).toBe('image.jobs.dead');
    expect(placed({ state: 'completed' })).toBe('results');
  });
});

it('draws a slow image, which has no slot, after the slots of its worker', () => {
  const worker = drawing.places.find(({ id }) => id === 'worker:worker-1');
  if (worker === undefined) throw new Error('no such worker');
  expect([1, 2, undefined].map((slot) => cellOfSlot(worker, slot))).toEqual([0, 1, 2]);
});
