import type { Snapshot } from '@image-pipeline/shared/contracts/snapshot.ts';
import { describe, expect, it } from 'vitest';
import { judgeHealth } from '../snapshot/judge-health.ts';
import { someQueue, someSnapshot, someSource, someWorker } from '../testing/some-snapshot.ts';
import { performanceView } from './performance-view.ts';
import { queueView } from './queue-view.ts';
import type { View } from './view.ts';

const empty = someSnapshot({
  queues: [],
  workers: [],
  dead_letters: { jobs: null, webhooks: null },
  utilisation: { slots: 0, busy: 0, last_minute: null },
  totals: null,
  peaks: null,
  ledger: null,
  failures_5m: {},
  sources: {
    management: someSource({ state: 'never', age_seconds: null }),
    events: someSource({ state: 'never', age_seconds: null }),
  },
});

function draw(
  view: View,
  snapshot: Snapshot,
  width = 80,
  history: readonly Snapshot[] = [snapshot],
): string[] {
  const health = judgeHealth(snapshot.sources, snapshot.interval_seconds);
  return view.lines(
    { url: 'http://localhost:8002', health, snapshot, history },
    width,
    (_style, text) => text,
  );
}

describe.each([queueView, performanceView])('$name', (view) => {
  it.each([80, 100, 132])('stays within %d columns, whatever there is to show', (width) => {
    const many = someSnapshot({
      workers: Array.from({ length: 100 }, (_, n) => someWorker(`worker-${n}`)),
      failures_5m: Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`some_error_code_${n}`, n])),
      alarms: [`memory on ${'rabbit'.repeat(30)}`],
      ledger: {
        accepted: 1e15,
        completed: 1e15,
        failed: 1e15,
        open: 1e15,
        in_broker: null,
        unaccounted: -123,
      },
    });
    for (const snapshot of [someSnapshot(), many, empty]) {
      const lines = draw(view, snapshot, width, Array<Snapshot>(500).fill(snapshot));
      expect(lines.filter((line) => line.length > width)).toEqual([]);
      expect(lines.length).toBeLessThan(40);
    }
  });

  it('says what is old', () => {
    const management = someSource({ state: 'away', age_seconds: 42, reason: 'refused' });
    const lines = draw(view, someSnapshot({ sources: { management, events: someSource() } }));
    expect(lines[0]).toMatch(/ stale$/);
    expect(lines[2]).toBe('RabbitMQ’s management API is away; its figures are 42 s old');
  });

  it('has a line for logs', () => {
    expect(view.line(someSnapshot())).not.toContain('\n');
    expect(view.line(empty)).toContain('busy=0/0');
  });
});

describe('the view of queues', () => {
  it('shows the queue of jobs first, others where there is something in them, never the event log', () => {
    const lines = draw(queueView, someSnapshot());
    expect(lines.slice(2, 8)).toEqual([
      'QUEUE                     READY  UNACKED   IN/s  OUT/s  ACK/s  CONSUMERS  OLDEST',
      'image.jobs.process        1235k   12 345    123    4.8   0.05        100  61 min',
      'image.jobs.dead               3        0      0      0      0          0       -',
      'image.jobs.retry.30s          1        0      0      0      0          0       -',
      'image.webhooks.deliver        0        0      0      0      0          0       -',
      '',
    ]);
  });

  it('draws the depth as it went', () => {
    const history = [0, 1, 50, 100].map((ready) =>
      someSnapshot({ queues: [someQueue('image.jobs.process', { ready })] }),
    );
    const lines = draw(queueView, history.at(-1) ?? empty, 80, history);
    expect(lines).toContain('Depth     up to 100 waited here, 20 at the worst ever');
    expect(lines).toContain('▁▂▅█');
  });

  it('names runs that are unaccounted for', () => {
    const ledger = { accepted: 9, completed: 5, failed: 1, open: 1, in_broker: 1, unaccounted: 2 };
    expect(draw(queueView, someSnapshot({ ledger })).at(-1)).toBe(
      'Ledger    9 accepted = 5 completed + 1 failed + 1 open + 2 unaccounted',
    );
  });
});

describe('the view of performance', () => {
  it('shows each stage with its percentiles, and a dash for what is not known', () => {
    const lines = draw(performanceView, someSnapshot());
    expect(lines).toContain(
      'total      from upload to result            0.50 s      12 s    20 min   0.030 s',
    );
    expect(lines.find((line) => line.startsWith('  notify'))).toMatch(/(?: {9}-){4}$/);
    expect(lines.at(-1)).toBe('Failures  undecodable_image 3, deadline_exceeded 1 (22 ever, 7 retries)');
  });
});
