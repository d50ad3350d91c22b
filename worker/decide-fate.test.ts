import { parseRetryDelays } from '@image-pipeline/shared/broker/topology.ts';
import type { TimelineEntry } from '@image-pipeline/shared/contracts/job.ts';
import { PermanentFailure, TransientFailure } from '@image-pipeline/shared/errors.ts';
import { describe, expect, it } from 'vitest';
import { decideFate, isForAnother, type Turn } from './decide-fate.ts';

const retryDelays = parseRetryDelays('5s,30s,2m');

describe('the fate of a failed attempt', () => {
  it('is the end of the run for a permanent failure, at any attempt', () => {
    const error = new PermanentFailure('undecodable_image', 'not a PNG');
    expect(decideFate(error, at(1), retryDelays)).toEqual({
      kind: 'fail',
      error: { code: 'undecodable_image', reason: 'not a PNG' },
    });
    expect(decideFate(error, at(4), retryDelays).kind).toBe('fail');
  });

  it.each([
    [1, '5s'],
    [2, '30s'],
    [3, '2m'],
  ])('is a retry for a transient failure: after attempt %i it waits %s', (attempt, label) => {
    const error = new TransientFailure('engine_crashed', 'the process died');
    expect(decideFate(error, at(attempt), retryDelays)).toMatchObject({
      kind: 'retry',
      retryDelay: { label },
    });
  });

  it('is the end of the run after the last retry delay, with the number of attempts in the reason', () => {
    const error = new TransientFailure('engine_crashed', 'the process died');
    expect(decideFate(error, at(4), retryDelays)).toEqual({
      kind: 'fail',
      error: { code: 'engine_crashed', reason: 'the process died (attempt 4 of 4)' },
    });
  });

  it.each(['deadline_exceeded', 'memory_exceeded'] as const)(
    'is one retry for %s, and then the end of the run',
    (code) => {
      const error = new TransientFailure(code, 'too much');
      expect(decideFate(error, at(1), retryDelays)).toMatchObject({
        kind: 'retry',
        retryDelay: { label: '5s' },
      });
      expect(decideFate(error, at(2, [code]), retryDelays)).toEqual({
        kind: 'fail',
        error: {
          code,
          reason: 'too much (attempt 2; a job that exceeds a limit is retried only once)',
        },
      });
    },
  );

  it('is a move for a slow image, which counts neither as exceeding a limit nor as a failure', () => {
    const oneDelay = parseRetryDelays('5s');
    const slow = new TransientFailure('slow_image', 'it takes long');
    const late = new TransientFailure('deadline_exceeded', 'too long');
    const crash = new TransientFailure('engine_crashed', 'the process died');
    const retry = { kind: 'retry', retryDelay: { label: '5s' } };
    expect(decideFate(slow, at(1), retryDelays)).toEqual({
      kind: 'move',
      error: { code: 'slow_image', reason: 'it takes long' },
    });
    expect(decideFate(slow, at(2, ['engine_crashed']), oneDelay).kind).toBe('move');
    expect(decideFate(late, at(2, ['slow_image']), retryDelays)).toMatchObject(retry);
    expect(decideFate(crash, at(2, ['slow_image']), oneDelay)).toMatchObject(retry);
    expect(decideFate(crash, at(3, ['slow_image', 'engine_crashed']), oneDelay)).toMatchObject({
      kind: 'fail',
      error: { reason: 'the process died (attempt 3 of 3)' },
    });
  });

  it('counts the time and the memory limit together, and other failures between them separately', () => {
    const late = new TransientFailure('deadline_exceeded', 'too long');
    const crash = new TransientFailure('engine_crashed', 'the process died');
    expect(decideFate(late, at(2, ['engine_crashed']), retryDelays).kind).toBe('retry');
    expect(decideFate(crash, at(2, ['deadline_exceeded']), retryDelays).kind).toBe('retry');
    expect(decideFate(late, at(3, ['memory_exceeded', 'engine_crashed']), retryDelays).kind).toBe('fail');
  });

  it('is a retry for an unexpected error, whose message stays private', () => {
    const fate = decideFate(new Error('/secret/path'), at(1), retryDelays);
    expect(fate).toMatchObject({ kind: 'retry', error: { code: 'processing_failed' } });
    expect(fate.error.reason).not.toContain('secret');
  });

  it('is the end of the run at once without retry delays', () => {
    expect(decideFate(new TransientFailure('engine_crashed', 'died'), at(1), []).kind).toBe('fail');
  });
});

/** An attempt after others that failed with these codes. */
function at(attempt: number, failedWith: readonly string[] = []) {
  const history = failedWith.map((code, index): TimelineEntry => {
    const error = { code, reason: '' };
    return { state: 'retrying', at: '2026-01-01T00:00:00.000Z', run: 1, attempt: index + 1, error };
  });
  return { attempt, history };
}

const failedAt = Date.parse('2026-01-01T00:00:00.000Z');

function turn({ afterS = 5, code, ...changes }: Partial<Turn> & { afterS?: number; code?: string } = {}) {
  const at = new Date(failedAt).toISOString();
  const error = { code: code ?? 'deadline_exceeded', reason: '' };
  const history = [{ state: 'retrying', at, run: 1, attempt: 1, worker: 'worker-1', error }] as const;
  return isForAnother({
    history,
    worker: 'worker-1',
    workers: 2,
    now: failedAt + afterS * 1_000,
    ...changes,
  });
}

describe('a job that exceeded a limit', () => {
  it('is left to another worker than the one where it failed, for 30 s', () => {
    expect(turn({ afterS: 29 })).toBe(true);
    expect(turn({ afterS: 30 })).toBe(false);
    expect(turn({ afterS: -10 }), 'the clock of the worker was ahead').toBe(true);
  });

  it('starts on another worker at once', () => {
    expect(turn({ worker: 'worker-2' })).toBe(false);
  });

  it('starts on the same worker at once if there is no other', () => {
    expect(turn({ workers: 1 })).toBe(false);
  });
});

it('a job with a slow image starts on the worker that found it slow', () => {
  expect(turn({ code: 'slow_image' })).toBe(false);
});

it('a job without earlier attempts starts', () => {
  expect(turn({ history: [] })).toBe(false);
});
