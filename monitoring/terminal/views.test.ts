import type { Snapshot } from '@image-pipeline/shared/contracts/snapshot.ts';
import { describe, expect, it } from 'vitest';
import { snapshotHealth } from '../snapshot/snapshot-health.ts';
import { someQueue, someSnapshot, someSource, someWorker } from '../../testing/some-snapshot.ts';
import { drawView, type Paint, type View, type ViewState } from './view.ts';
import type { Poll } from './history.ts';
import { performanceView } from './performance-view.ts';
import { queueView } from './queue-view.ts';

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

const plain: Paint = (_style, text) => text;
const manyWorkers = (count: number) => Array.from({ length: count }, (_, n) => someWorker(`worker-${n + 1}`));

function seen(snapshot: Snapshot, more: Partial<ViewState> = {}): ViewState {
  const health = snapshotHealth(snapshot.sources, snapshot.interval_seconds);
  return { url: 'http://localhost:8002', health, snapshot, history: [snapshot], ...more };
}

function draw(
  view: View,
  snapshot: Snapshot,
  { width = 80, height = Infinity, ...more }: Partial<ViewState> & { width?: number; height?: number } = {},
): string[] {
  return drawView(view, seen(snapshot, more), { width, height }, plain);
}

describe.each([queueView, performanceView])('$name', (view) => {
  it.each([40, 45, 60, 66, 80, 100, 132, 200])('stays within %d columns, whatever it shows', (width) => {
    const many = someSnapshot({
      workers: manyWorkers(100),
      failures_5m: Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`some_error_code_${n}`, n])),
      alarms: [`memory on ${'rabbit'.repeat(30)}`],
      ledger: {
        accepted: 1e15,
        completed: 1e15,
        failed: 1e15,
        open: 1e15,
        in_broker: null,
        unaccounted: 123,
      },
    });
    const outage = { reason: `It cannot be reached: ${'refused'.repeat(30)}`, ageSeconds: 7 };
    for (const snapshot of [someSnapshot(), many, empty]) {
      const history = Array<Snapshot>(500).fill(snapshot);
      const lines = draw(view, snapshot, { width, height: 40, outage, history });
      expect(lines.filter((line) => line.length > width)).toEqual([]);
      expect(lines.length).toBeLessThanOrEqual(40);
    }
  });

  it('reports which source is outdated', () => {
    const management = someSource({ state: 'unavailable', age_seconds: 42, reason: 'refused' });
    const lines = draw(view, someSnapshot({ sources: { management, events: someSource() } }));
    expect(lines[0]).toMatch(/ stale$/);
    expect(lines[2]).toBe('RabbitMQ’s management API is unavailable; its metrics are 42 s old');
  });

  it('reports why monitoring does not respond and how old the metrics are, in lines of whole words', () => {
    const reason = 'The monitoring service at http://localhost:8002 cannot be reached: connect ECONNREFUSED';
    const outage = { reason, ageSeconds: 83.2 };
    const health = { status: 'error', age_seconds: null } as const;
    const lines = draw(view, someSnapshot(), { outage, health, width: 60 });
    expect(lines[0]).toMatch(/ error$/);
    expect(lines.slice(2, 5)).toEqual([
      'These metrics are 83 s old. The monitoring service at',
      'http://localhost:8002 cannot be reached: connect',
      'ECONNREFUSED',
    ]);
  });

  it('shows metrics without colours while monitoring does not respond', () => {
    const outage = { reason: 'refused', ageSeconds: 83 };
    const marked: Paint = (style, text) => `<${style}>${text}`;
    const lines = drawView(view, seen(someSnapshot(), { outage }), { width: 80, height: 40 }, marked);
    expect(lines[2]).toBe('<red>These metrics are 83 s old. refused');
    expect(lines.slice(3).filter((line) => !/^<dim>[^<]*$/.test(line))).toEqual([]);
  });

  it('shows how often monitoring refreshes', () => {
    expect(draw(view, someSnapshot())[0]).toContain(', refreshed every 5 s ');
  });

  it('leaves gaps where events were not up to date or monitoring did not respond', () => {
    const snapshots = [1, 2, 4].map((value) =>
      someSnapshot({
        jobs: { queued: value, processing: 0, retrying: 0 },
        throughput: { completed_1m: value, completed_5m: 0, failed_1m: 0, failed_5m: 0 },
        sources: {
          management: someSource(),
          events: someSource(value === 2 ? { state: 'unavailable', reason: 'it reads the log' } : {}),
        },
      }),
    );
    const history: Poll[] = [...snapshots.slice(0, 2), undefined, ...snapshots.slice(2)];
    expect(draw(view, snapshots.at(-1) ?? empty, { history })).toContain('▃  █');
  });

  it('shortens the list of workers on short terminals, starting with stopped ones', () => {
    const workers = manyWorkers(7).map((worker, n) => (n === 1 ? { ...worker, live: false } : worker));
    const lines = draw(view, someSnapshot({ workers }), { height: 20 });
    const names = lines.flatMap((line) => /^ {2}(worker-\d)/.exec(line)?.[1] ?? []);
    expect(names.length).toBeGreaterThan(0);
    expect(names).toEqual(
      ['worker-1', 'worker-3', 'worker-4', 'worker-5', 'worker-6'].slice(0, names.length),
    );
    expect(lines).toContain(`  … and ${7 - names.length} more workers`);
    expect(lines).toHaveLength(20);
    expect(lines.at(-1)).toMatch(/^(Failures|Ledger) /);
  });

  it.each([0, 7])('drops empty lines before it hides nearly all of %d workers', (count) => {
    const snapshot = someSnapshot({ workers: manyWorkers(count) });
    const all = draw(view, snapshot).filter((line) => line !== '');
    const [height, more] = count === 0 ? [all.length, 0] : [all.length - 2, 1];
    const lines = draw(view, snapshot, { height });
    expect(lines).toHaveLength(height);
    expect(lines).not.toContain('');
    expect(lines.filter((line) => line.includes('more workers'))).toHaveLength(more);
  });

  it('uses the height for the chart, and keeps values beside their names, on large terminals', () => {
    const history = [0, 1, 8, 16].map((level) =>
      someSnapshot({
        jobs: { queued: level, processing: 0, retrying: 0 },
        throughput: { completed_1m: level, completed_5m: 0, failed_1m: 0, failed_5m: 0 },
      }),
    );
    const lines = draw(view, history.at(-1) ?? empty, { width: 200, height: 50, history });
    const top = lines.indexOf('   █');
    expect(lines.slice(top, top + 8)).toEqual([
      '   █',
      '   █',
      '   █',
      '  ▁█',
      '  ██',
      '  ██',
      '  ██',
      '▁▅██',
    ]);
    const tables = lines.filter((line) => /^(image\.|completed|total)/.test(line));
    expect(tables.length).toBeGreaterThan(0);
    for (const line of tables) expect(line.length).toBeLessThanOrEqual(100);
  });

  it('names workers in one line on terminals that have no room for a line each', () => {
    const workers = [...manyWorkers(2), someWorker('worker-3', { live: false })];
    const all = draw(view, someSnapshot({ workers })).filter((line) => line !== '');
    const lines = draw(view, someSnapshot({ workers }), { height: all.length - 2 });
    expect(lines).toContain('  worker-1 1/2, worker-2 1/2, worker-3 gone');
    expect(lines).toHaveLength(all.length - 2);
  });

  it('shows workers at 60 × 15', () => {
    const lines = draw(view, someSnapshot({ workers: manyWorkers(3) }), { width: 60, height: 15 });
    expect(lines).toContainEqual(expect.stringMatching(/^Workers +3 live/));
    expect(lines).toContainEqual(expect.stringMatching(/^ {2}worker-1 .*1\/2/));
    expect(lines.length).toBeLessThanOrEqual(15);
  });

  it('shows how many lines are hidden', () => {
    const all = draw(view, someSnapshot({ workers: [] })).filter((line) => line !== '');
    const lines = draw(view, someSnapshot({ workers: [] }), { height: 5 });
    expect(lines).toEqual([...all.slice(0, 4), `… ${all.length - 4} lines hidden`]);
  });

  it('has a line for logs', () => {
    expect(view.line(someSnapshot())).not.toContain('\n');
    expect(view.line(empty)).toContain('busy=0/0');
  });
});

describe('the queue view', () => {
  it('shows the job queue first, other queues if they have messages, and never the event log', () => {
    const lines = draw(queueView, someSnapshot());
    expect(lines.slice(2, 8)).toEqual([
      'QUEUE (rates: last 6 s)            READY   IN/s  OUT/s  ACK/s  CONSUMERS  OLDEST',
      'image.jobs.process                 1235k    123    4.8   0.05        100  61 min',
      'image.jobs.dead                        3      0      0      0          0       -',
      'image.jobs.retry.30s                   1      0      0      0          0       -',
      'image.webhooks.deliver                 0      0      0      0          0       -',
      '',
    ]);
  });

  it("does not show the workers' queues of commands", () => {
    const commands = someQueue('image.workers.01a22859-bebd-761d-8899-551a7a0c0374', { publish_rate: 4 });
    const snapshot = someSnapshot();
    expect(draw(queueView, { ...snapshot, queues: [...snapshot.queues, commands] })).toEqual(
      draw(queueView, snapshot),
    );
  });

  it.each([
    [79, 'image.jobs.process                1235k    123    4.8   0.05        100  61 min'],
    [66, 'jobs.process         1235k    123    4.8   0.05        100  61 min'],
    [60, 'jobs.process          1235k    123    4.8        100  61 min'],
    [45, 'jobs.process         1235k        100  61 min'],
  ])('drops columns at width %d', (width, line) => {
    expect(draw(queueView, someSnapshot(), { width })).toContain(line);
  });

  it('keeps names apart in 40 columns', () => {
    const names = ['image.jobs.retry.30s', 'image.webhooks.retry.30s', 'image.webhooks.retry.10m'];
    const queues = names.map((name) => someQueue(name, { ready: 1 }));
    const lines = draw(queueView, someSnapshot({ queues }), { width: 40 });
    expect(lines.slice(3, 6).map((line) => line.slice(0, 14))).toEqual([
      'jobs.retry.30s',
      '…oks.retry.30s',
      '…oks.retry.10m',
    ]);
  });

  it('draws the depth over time', () => {
    const history = [0, 1, 50, 100].map((queued) =>
      someSnapshot({
        jobs: { queued, processing: 0, retrying: 0 },
        queues: [someQueue('image.jobs.process', { ready: null })],
      }),
    );
    const lines = draw(queueView, history.at(-1) ?? empty, { history });
    expect(lines).toContain('Depth     peak 100 in this chart, 20 overall');
    expect(lines).toContain('▁▂▅█');
  });

  it('reports an unknown depth', () => {
    expect(draw(queueView, empty)).toContain('Depth     unknown');
  });

  it('shows unaccounted runs', () => {
    const ledger = {
      accepted: 9,
      completed: 5,
      failed: 1,
      open: 1,
      in_broker: 1,
      unaccounted: 2,
    };
    expect(draw(queueView, someSnapshot({ ledger })).at(-1)).toBe(
      'Ledger    9 accepted = 5 completed + 1 failed + 1 open + 2 unaccounted',
    );
  });
});

describe('the performance view', () => {
  it('shows each stage with its percentiles, and a dash for unknown values', () => {
    const lines = draw(performanceView, someSnapshot());
    expect(lines).toContain(
      'total      from upload to result            0.50 s      12 s    20 min   0.030 s',
    );
    expect(lines.find((line) => line.startsWith('  notify'))).toMatch(
      / until its event arrived +(?: {9}-){4}$/,
    );
    expect(lines.slice(-2)).toEqual([
      'Repeats   7 retries, 2 redeliveries in total',
      'Failures  undecodable_image 3, deadline_exceeded 1 (22 in total)',
    ]);
  });

  it('drops descriptions, then the mean, on narrow terminals', () => {
    const at = (width: number) => draw(performanceView, someSnapshot(), { width });
    expect(at(60)).toContain('  process               0.50 s      12 s    20 min   0.030 s');
    expect(at(45)).toContain('  process          0.50 s      12 s    20 min');
  });
});
