import { parseRetryDelays } from '@image-pipeline/shared/broker/topology.ts';
import { PermanentFailure, TransientFailure } from '@image-pipeline/shared/errors.ts';
import { describe, expect, it } from 'vitest';
import { decideFate } from './decide-fate.ts';

const retryDelays = parseRetryDelays('5s,30s,2m');

describe('the fate of a failed attempt', () => {
  it('is the end of the run for a permanent failure, at any attempt', () => {
    const error = new PermanentFailure('undecodable_image', 'not a PNG');
    expect(decideFate(error, 1, retryDelays)).toEqual({
      kind: 'fail',
      error: { code: 'undecodable_image', reason: 'not a PNG' },
    });
    expect(decideFate(error, 4, retryDelays).kind).toBe('fail');
  });

  it.each([
    [1, '5s'],
    [2, '30s'],
    [3, '2m'],
  ])('is a retry for a transient failure: after attempt %i it waits %s', (attempt, label) => {
    const error = new TransientFailure('deadline_exceeded', 'took too long');
    expect(decideFate(error, attempt, retryDelays)).toMatchObject({ kind: 'retry', retryDelay: { label } });
  });

  it('is the end of the run after the last retry delay, with the number of attempts in the reason', () => {
    const error = new TransientFailure('deadline_exceeded', 'took too long');
    expect(decideFate(error, 4, retryDelays)).toEqual({
      kind: 'fail',
      error: { code: 'deadline_exceeded', reason: 'took too long (attempt 4 of 4)' },
    });
  });

  it('is a retry for an unexpected error, whose message stays private', () => {
    const fate = decideFate(new Error('/secret/path'), 1, retryDelays);
    expect(fate).toMatchObject({ kind: 'retry', error: { code: 'processing_failed' } });
    expect(fate.error.reason).not.toContain('secret');
  });

  it('is the end of the run at once without retry delays', () => {
    expect(decideFate(new TransientFailure('engine_crashed', 'died'), 1, []).kind).toBe('fail');
  });
});
