import { queueNames } from '@image-pipeline/shared/broker/topology.ts';
import { v7 as uuidv7 } from 'uuid';
import { describe, expect, it } from 'vitest';
import { setUpSystem } from '../../testing/test-system.ts';
import { form } from '../../testing/images.ts';
import { RawClient } from '../../testing/raw-client.ts';

const system = setUpSystem();
const TRACE_ID = '4bf92f3577b34da6a3ce929d0e0e4736';
const fromClient = `00-${TRACE_ID}-00f067aa0ba902b7-01`;
const ownTrace = /^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/;

const nextJob = async () => (await system.take(queueNames.process))[0];

describe('without an SDK', () => {
  it.each([
    ['of a client is passed on with its job, unchanged', fromClient, fromClient],
    ['is created if a client sends none', undefined, expect.stringMatching(ownTrace)],
    ['is created if that of a client is malformed', '00-nonsense', expect.stringMatching(ownTrace)],
  ])('a trace %s', async (_what, traceparent, expected: unknown) => {
    const api = await system.startApi();
    const headers = traceparent === undefined ? {} : { traceparent };
    const response = await api.ask('/upload', { method: 'POST', body: form([{}]), headers });
    expect(response.status).toBe(202);
    expect((await nextJob())?.headers).toEqual({ 'x-run': 1, 'x-attempt': 1, traceparent: expected });
  });

  it('uploads that wait for each other keep their traces apart', async () => {
    const api = await system.startApi({ UPLOADS_IN_FLIGHT: 1 });
    const traceIds = Array.from({ length: 6 }, (_, index) => `${index + 1}`.padStart(32, '0'));
    const jobs = traceIds.map(async (traceId) => {
      const headers = { traceparent: `00-${traceId}-00f067aa0ba902b7-00` };
      const { json } = await api.ask('/upload', { method: 'POST', body: form([{}]), headers });
      return [(json as { job_id: string }).job_id, traceId] as const;
    });
    const traceOf = new Map(await Promise.all(jobs));
    while (traceOf.size > 0) {
      const { correlationId = '', headers = {} } = (await nextJob()) ?? {};
      expect(headers['traceparent']).toContain(traceOf.get(correlationId));
      expect(traceOf.delete(correlationId)).toBe(true);
    }
  });

  it('a problem has the ids of its trace and job', async () => {
    const api = await system.startApi();
    const jobId = uuidv7();
    const response = await api.ask(`/status/${jobId}`, { headers: { traceparent: fromClient } });
    expect(response.json).toMatchObject({ code: 'job_not_found', job_id: jobId, trace_id: TRACE_ID });
  });

  it.each(['/nothing-here', '/jobs?limit=none', '/status/no-job'])(
    'a problem at %s has a trace',
    async (path) => {
      const api = await system.startApi();
      expect((await api.ask(path)).json).toMatchObject({
        trace_id: expect.stringMatching(/^[0-9a-f]{32}$/) as unknown,
      });
    },
  );

  it('a malformed request has no trace', async () => {
    const api = await system.startApi();
    const client = await RawClient.to(api.port);
    await client.send('nonsense\r\n\r\n');
    await client.closed();
    expect(client.received).toContain('malformed_request');
    expect(client.received).not.toContain('trace_id');
  });
});
