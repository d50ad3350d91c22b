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

  const members = ['ids', 'filter', 'all', 'dry_run', 'limit'];
  it.each([
    [
      { all: true, dryrun: true },
      'dryrun: is unknown. Allowed: ids, filter, all, dry_run, limit. Correct its name or remove it',
      { parameter: 'dryrun', allowed: members },
    ],
    [
      { filter: { operation: 'rotate' } },
      'filter.operation: must be one of resize, watermark, filter, but is "rotate"',
      { parameter: 'filter.operation', allowed: ['resize', 'watermark', 'filter'] },
    ],
    [
      { filter: { code: 'timeout' } },
      'filter.code: is unknown. Allowed: reason, operation, older_than_seconds. Correct its name or remove it',
      { parameter: 'filter.code', allowed: ['reason', 'operation', 'older_than_seconds'] },
    ],
    [
      { all: true, limit: 5_001 },
      'limit: must be a whole number from 1 to 5000, but is 5001',
      { parameter: 'limit', allowed: { minimum: 1, maximum: 5_000 } },
    ],
    [
      { ids: ['a'], all: true },
      'ids, filter, all: send exactly one of them; got ids and all',
      { parameter: 'ids, filter, all', allowed: ['ids', 'filter', 'all'] },
    ],
  ])('%j is refused with the member, what is allowed and what to do', (body, message, details) => {
    expect(() => parseReplayOrder(body)).toThrow(expect.objectContaining({ message, details }));
  });
});
