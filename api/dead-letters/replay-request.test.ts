import { PipelineError } from '@image-pipeline/shared/errors.ts';
import { describe, expect, it } from 'vitest';
import { parseReplayOrder } from './replay-request.ts';

describe('a replay request', () => {
  it.each([
    [{ ids: ['a', 'b'] }, { selection: { ids: ['a', 'b'] }, dryRun: false, limit: 5_000 }],
    [
      { all: true, dry_run: true },
      { selection: { filter: {} }, dryRun: true, limit: 5_000 },
    ],
    [
      { filter: { reason: 'workers_died' }, limit: 3 },
      { selection: { filter: { reason: 'workers_died' } }, dryRun: false, limit: 3 },
    ],
  ])('%j is accepted', (body, order) => {
    expect(parseReplayOrder(body)).toEqual(order);
  });

  it.each([
    [undefined, /JSON object/],
    [[], /JSON object/],
    [{}, /exactly one of them; got none/],
    [{ ids: ['x'], all: true }, /ids and all/],
    [{ ids: [] }, /^ids/],
    [{ ids: [1] }, /^ids\[0\]/],
    [{ all: false }, /^all/],
    [{ filter: {} }, /"all": true/],
    [{ filter: 'x' }, /^filter/],
    [{ al: true }, /^al: .*ids, filter, all, dry_run, limit/],
    [{ filter: { code: 'x' } }, /^filter\.code: .*reason, operation/],
    [{ filter: { operation: 'rotate' } }, /^filter\.operation/],
    [{ filter: { older_than_seconds: -1 } }, /^filter\.older_than_seconds/],
    [{ all: true, limit: 0 }, /^limit/],
    [{ all: true, limit: 5_001 }, /^limit/],
    [{ all: true, dry_run: 'yes' }, /^dry_run/],
  ])('%j is refused', (body, message) => {
    expect(() => parseReplayOrder(body)).toThrow(
      expect.objectContaining({
        code: 'invalid_parameter',
        message: expect.stringMatching(message) as unknown,
      }),
    );
    expect(() => parseReplayOrder(body)).toThrow(PipelineError);
  });
});
