import type { Snapshot } from '@image-pipeline/shared/contracts/snapshot.ts';
import { describe, expect, it } from 'vitest';
import { snapshotHealth } from '../snapshot/snapshot-health.ts';
import { someSnapshot, someSource, someWorker } from '../../testing/some-snapshot.ts';
import { heading, statusText } from './view.ts';

const idle = { queued: 0, processing: 0, retrying: 0 };
const gone = [someWorker('worker-1', { live: false })];
const aged = (age_seconds: number | null) => ({
  management: someSource({ state: age_seconds === null ? 'never' : 'unavailable', age_seconds }),
  events: someSource(),
});

describe('the status in the heading and in log lines', () => {
  it.each<[string, string, string, Partial<Snapshot>]>([
    ['there are no problems', 'ok', '', {}],
    ['no jobs and no workers', 'no workers', ' no_workers', { workers: gone, jobs: idle, queues: [] }],
    [
      'RabbitMQ has an alarm',
      'ALARM',
      ' alarm=memory',
      { alarms: ['memory on rabbit@a', 'memory on rabbit@b'] },
    ],
    [
      'two resources are low',
      'ALARM',
      ' alarm=memory,disk',
      { alarms: ['memory on rabbit@a', 'disk on rabbit@a'] },
    ],
    ['jobs wait for a worker', 'no workers', ' no_workers', { workers: gone, queues: [] }],
    ['metrics are old', 'stale', ' stale', { sources: aged(60) }],
    ['there is no data', 'error', ' error', { sources: aged(null) }],
    [
      'there are several problems',
      'ALARM',
      ' alarm=disk no_workers stale',
      { alarms: ['disk on rabbit@a'], workers: [], sources: aged(60) },
    ],
  ])('where %s: %s', (_case, word, text, changes) => {
    const snapshot = someSnapshot(changes);
    const health = snapshotHealth(snapshot.sources, snapshot.interval_seconds);
    const seen = { url: 'http://localhost:8002', health, snapshot, history: [snapshot] };
    expect(heading('Queues', seen, 80, (style, shown) => `<${style}>${shown}`)[0]).toMatch(
      new RegExp(`<${{ ok: 'green', stale: 'yellow' }[word] ?? 'red'}>${word}$`),
    );
    expect(statusText(snapshot, health)).toBe(text);
  });
});
