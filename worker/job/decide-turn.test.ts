import { parseRetryDelays } from '@image-pipeline/shared/broker/topology.ts';
import { describe, expect, it } from 'vitest';
import { decideTurn, type Turn } from './decide-turn.ts';

const retryDelays = parseRetryDelays('5s,30s,2m');
const failedAt = Date.parse('2026-01-01T00:00:00.000Z');

function turn({ afterS = 5, ...changes }: Partial<Turn> & { afterS?: number } = {}) {
  const worker = 'worker-1';
  const at = new Date(failedAt).toISOString();
  const history = [{ state: 'retrying', at, run: 1, attempt: 1, worker: 'worker-2' }] as const;
  const now = failedAt + afterS * 1_000;
  return decideTurn({ history, worker, workers: 2, isLaneFree: true, now, ...changes }, retryDelays)
    ?.retryDelay.label;
}

describe('a job that exceeded a limit', () => {
  it('starts on another worker if no slow job runs there', () => {
    expect(turn()).toBeUndefined();
  });

  it.each([
    [5, '5s'],
    [29, '5s'],
    [30, '30s'],
    [119, '30s'],
    [120, '2m'],
    [3_600, '2m'],
  ])('that has waited %i s waits another %s while a slow job runs', (afterS, label) => {
    expect(turn({ isLaneFree: false, afterS })).toBe(label);
  });

  it('waits for another worker than the one where it failed, for 30 s', () => {
    expect(turn({ worker: 'worker-2', afterS: 29 })).toBe('5s');
    expect(turn({ worker: 'worker-2', afterS: 30 })).toBeUndefined();
  });

  it('starts at once on the worker where it made way for a slow image', () => {
    const error = { code: 'slow_image', reason: 'Another one was slow.' };
    const at = new Date(failedAt).toISOString();
    const history = [{ state: 'retrying', at, run: 1, attempt: 1, worker: 'worker-2', error }] as const;
    expect(turn({ history, worker: 'worker-2' })).toBeUndefined();
  });

  it('starts on the same worker at once if there is no other', () => {
    expect(turn({ worker: 'worker-2', workers: 1 })).toBeUndefined();
  });

  it('waits for the first delay if the clock of the other worker is ahead', () => {
    expect(turn({ isLaneFree: false, afterS: -10 })).toBe('5s');
  });
});
