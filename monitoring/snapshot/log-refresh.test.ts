import { expect, it } from 'vitest';
import { someSnapshot } from '../../testing/some-snapshot.ts';
import { createRefreshLog } from './log-refresh.ts';

it('logs each refresh with the queue size, and once a minute at level info while jobs wait', () => {
  const lines: string[] = [];
  const logRefresh = createRefreshLog({
    debug: (_stats: unknown, text?: string) => lines.push(`debug ${text}`),
    info: (_stats: unknown, text?: string) => lines.push(`info ${text}`),
  });
  const snapshot = someSnapshot();
  const refresh = (queued: number, second: number) =>
    logRefresh({ ...snapshot, jobs: { ...snapshot.jobs, queued, processing: 2 } }, second * 1_000);
  refresh(0, 0);
  refresh(5, 1);
  refresh(4, 2);
  refresh(3, 60);
  refresh(3, 61);
  refresh(0, 300);
  expect(lines).toEqual([
    'debug Queue size: 0, in progress: 2',
    'info Queue size: 5, in progress: 2',
    'debug Queue size: 4, in progress: 2',
    'debug Queue size: 3, in progress: 2',
    'info Queue size: 3, in progress: 2',
    'debug Queue size: 0, in progress: 2',
  ]);
});
