import { v7 as uuidv7 } from 'uuid';
import { describe, expect, it } from 'vitest';
import { readDeath } from './read-death.ts';

const now = new Date('2026-01-02T03:04:05.000Z');
const jobId = uuidv7();
const message = {
  version: 1,
  job_id: jobId,
  run: 2,
  submitted_at: '2026-01-02T03:00:00.000Z',
  original: { name: 'a.png', content_type: 'image/png', size: 3, sha256: 'a'.repeat(64) },
  operations: [{ type: 'resize', width: 10 }],
  output: {},
};
const xDeath = [
  { reason: 'delivery_limit', queue: 'image.jobs.process', time: { '!': 'timestamp', value: 1_767_323_000 } },
  { reason: 'expired', queue: 'image.jobs.retry.5s', time: { '!': 'timestamp', value: 1_767_322_000 } },
];
const bytes = (value: unknown) => Buffer.from(JSON.stringify(value));

describe('reading a dead-lettered message', () => {
  it('returns its job and its last death', () => {
    const death = readDeath({ content: bytes(message), headers: { 'x-attempt': 3, 'x-death': xDeath } }, now);
    expect(death).toMatchObject({
      jobId,
      run: 2,
      attempt: 3,
      unreadableBecause: '',
      death: { reason: 'delivery_limit', queue: 'image.jobs.process', at: '2026-01-02T03:03:20.000Z' },
    });
    expect(death.request?.operations).toMatchObject([{ type: 'resize', width: 10 }]);
  });

  it('reports an invalid attempt header', () => {
    const death = readDeath({ content: bytes(message), headers: { 'x-attempt': 'two' } }, now);
    expect(death).toMatchObject({ jobId, attempt: 1 });
    expect(death.unreadableBecause).toContain('x-attempt');
  });

  it('finds the job id of a message that is otherwise invalid', () => {
    const death = readDeath({ content: bytes({ ...message, version: 9 }), headers: {} }, now);
    expect(death).toMatchObject({ jobId, run: 2, request: undefined });
    expect(death.unreadableBecause).toMatch(/version/);
  });

  it.each([
    ['no JSON', Buffer.from('{'), /not JSON/],
    ['another thing', bytes({ hello: 'world' }), /job_id/],
    ['nothing', Buffer.alloc(0), /not JSON/],
  ])('derives an id from the bytes of %s', (_what, content, reason) => {
    const one = readDeath({ content, headers: {} }, now);
    expect(one.jobId).toMatch(/^unreadable-[0-9a-f]{32}$/);
    expect(one.unreadableBecause).toMatch(reason);
    expect(readDeath({ content, headers: {} }, now).jobId).toBe(one.jobId);
  });

  it.each([
    undefined,
    'text',
    [],
    [{ reason: 1 }],
    [{ reason: 'maxlen', queue: 'q' }],
    [{ reason: 'x', queue: 'q', time: { value: 9e15 } }],
  ])('accepts any x-death: %j', (header) => {
    const { death } = readDeath({ content: bytes(message), headers: { 'x-death': header } }, now);
    expect(death).toMatchObject({ reason: 'other', at: now.toISOString() });
  });
});
