import { describe, expect, it } from 'vitest';
import { MessageBudget, readClientMessage, readHandshakeQuery } from './session.ts';

const jobId = '0198d3f0-7a3b-7c3d-8e3f-1a2b3c4d5e6f';
const read = (text: string) => readClientMessage(Buffer.from(text), false);

describe('a message of a client', () => {
  it.each([
    { type: 'subscribe', job_id: jobId },
    { type: 'subscribe', job_id: '*', last_event_id: '5-0123abcd', token: 'secret' },
    { type: 'unsubscribe', job_id: jobId },
  ])('is accepted: $type $job_id', (message) => {
    expect(read(JSON.stringify(message))).toEqual(message);
  });

  it('is accepted with a job id in capitals', () => {
    const message = { type: 'subscribe', job_id: jobId };
    expect(read(JSON.stringify({ ...message, job_id: jobId.toUpperCase() }))).toEqual(message);
  });

  it.each([
    ['no JSON', '{'],
    ['nothing', ''],
    ['no object', '"subscribe"'],
    ['null', 'null'],
    ['an array', '[]'],
  ])('is malformed: %s', (_what, text) => {
    expect(read(text)).toMatchObject({ code: 'malformed_message' });
  });

  it('is malformed in a binary frame', () => {
    const message = Buffer.from(JSON.stringify({ type: 'subscribe', job_id: jobId }));
    expect(readClientMessage(message, true)).toMatchObject({ code: 'malformed_message' });
  });

  it.each([
    ['an unknown type', { type: 'publish', job_id: jobId }, /type/],
    ['no job', { type: 'subscribe' }, /job_id/],
    ['no job id', { type: 'subscribe', job_id: '../etc/passwd' }, /job_id/],
    [
      'a UUID of another kind',
      { type: 'subscribe', job_id: '6fa459ea-ee8a-4ca4-894e-db77e160355e' },
      /job_id/,
    ],
    ['an unknown field', { type: 'subscribe', job_id: jobId, jobid: jobId }, /jobid/],
    ['a field of the wrong type', { type: 'subscribe', job_id: jobId, last_event_id: 5 }, /last_event_id/],
    ['a very long field', { type: 'subscribe', job_id: '*', token: 'x'.repeat(1_001) }, /token/],
  ])('is invalid with %s, and the error says what is allowed', (_what, message, named) => {
    const refusal = read(JSON.stringify(message));
    expect(refusal).toMatchObject({ code: 'invalid_message' });
    if (!('message' in refusal)) throw new Error('not refused');
    expect(refusal.message).toMatch(named);
    expect(refusal.message).toContain('{"type":"subscribe","job_id":JOB');
  });
});

describe('the query of a handshake', () => {
  const other = '0198d3f0-7a3b-7c3d-8e3f-1a2b3c4d5e70';
  const query = (text: string) => readHandshakeQuery(new URLSearchParams(text));

  it('subscribes to nothing without a job', () => {
    expect(query('')).toEqual([]);
  });

  it('subscribes to each job in it', () => {
    expect(query(`job_id=${jobId}&job_id=${other}&last_event_id=5-0123abcd`)).toEqual([
      { type: 'subscribe', job_id: jobId, last_event_id: '5-0123abcd' },
      { type: 'subscribe', job_id: other, last_event_id: '5-0123abcd' },
    ]);
  });

  it.each(['job_id=1', `job_id=${jobId}&token=secret`, `job_id=${jobId}&jobId=1`])(
    'is invalid: %s',
    (text) => {
      expect(query(text)).toMatchObject([{ code: 'invalid_message' }]);
    },
  );
});

describe('what a client sends', () => {
  const fields = (count: number) => Array.from({ length: count }, (_, index) => [`field${index}`, '1']);

  it.each([
    [
      'jobs in an address',
      (count: number) => new URLSearchParams(`job_id=${jobId}&`.repeat(count)),
      readHandshakeQuery,
    ],
    [
      'jobs and other parameters in an address',
      (count: number) =>
        new URLSearchParams([...fields(count), ...fields(count).map(() => ['job_id', jobId])]),
      readHandshakeQuery,
    ],
    [
      'unknown fields in a message',
      (count: number) => JSON.stringify({ type: 'subscribe', ...Object.fromEntries(fields(count)) }),
      read,
    ],
  ] as [string, (count: number) => unknown, (given: unknown) => unknown][])(
    'takes time in proportion to its size: %s',
    (_what, make, parse) => {
      const [small, large] = [make(1_000), make(16_000)];
      /** In microseconds, since other processes may use the cores, too; so many times that its resolution is enough. */
      const cpuTime = (given: unknown, times: number) => {
        const since = process.threadCpuUsage();
        for (let time = 0; time < times; time++) parse(given);
        const { user, system } = process.threadCpuUsage(since);
        return user + system;
      };
      cpuTime(small, 160);
      // Quadratic growth would be 16 times.
      expect(cpuTime(large, 20) / cpuTime(small, 320)).toBeLessThan(5);
    },
  );

  it('is quoted in an error only up to a bound', () => {
    const refusal = read(JSON.stringify({ type: 'subscribe', job_id: jobId, ['n'.repeat(15_000)]: 1 }));
    expect(JSON.stringify(refusal).length).toBeLessThan(1_500);
  });
});

it('a client may send a burst, then a rate per second, and accumulates at most a burst', () => {
  const budget = new MessageBudget({ burst: 3, perSecond: 10 }, 0);
  const takes = (now: number) => Array.from({ length: 5 }, () => budget.take(now)).filter(Boolean).length;
  expect(takes(0)).toBe(3);
  expect(takes(50)).toBe(0);
  expect(takes(100)).toBe(1);
  expect(takes(300)).toBe(2);
  expect(takes(60_000)).toBe(3);
});
