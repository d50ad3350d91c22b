import type { Delivery } from '@image-pipeline/shared/broker/consumer.ts';
import { queueNames } from '@image-pipeline/shared/broker/topology.ts';
import { v7 as uuidv7 } from 'uuid';
import { describe, expect, it } from 'vitest';
import { givenApi } from '../testing/given-api.ts';
import { form } from '../testing/images.ts';
import { RawClient } from '../testing/raw-client.ts';

const given = givenApi();
const TRACE_ID = '4bf92f3577b34da6a3ce929d0e0e4736';
const fromClient = `00-${TRACE_ID}-00f067aa0ba902b7-01`;
const ownTrace = /^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/;

/** The next message to the workers. */
async function nextJob(): Promise<Delivery> {
  const { promise, resolve } = Promise.withResolvers<Delivery>();
  let isTaken = false;
  const consumer = given.broker.consumer({
    queue: queueNames.process,
    prefetch: 1,
    onDelivery: (delivery) => {
      // A later message is for the next call.
      if (isTaken) delivery.giveBack();
      else delivery.ack();
      isTaken = true;
      resolve(delivery);
      return Promise.resolve();
    },
  });
  await consumer.start();
  const delivery = await promise;
  await consumer.stop();
  return delivery;
}

describe('without an SDK', () => {
  it.each([
    ['that a client began goes on with its job, as it came', fromClient, fromClient],
    ['is made where a client has none', undefined, expect.stringMatching(ownTrace)],
    ['is made where that of a client is malformed', '00-nonsense', expect.stringMatching(ownTrace)],
  ])('a trace %s', async (_what, traceparent, expected: unknown) => {
    const api = await given.api();
    const headers = traceparent === undefined ? {} : { traceparent };
    const response = await api.ask('/upload', { method: 'POST', body: form([{}]), headers });
    expect(response.status).toBe(202);
    expect((await nextJob()).headers).toEqual({ 'x-run': 1, 'x-attempt': 1, traceparent: expected });
  });

  it('uploads that wait for each other keep their traces apart', async () => {
    const api = await given.api({ UPLOADS_IN_FLIGHT: 1 });
    const traceIds = Array.from({ length: 6 }, (_, index) => `${index + 1}`.padStart(32, '0'));
    const jobs = traceIds.map(async (traceId) => {
      const headers = { traceparent: `00-${traceId}-00f067aa0ba902b7-00` };
      const { json } = await api.ask('/upload', { method: 'POST', body: form([{}]), headers });
      return [(json as { job_id: string }).job_id, traceId] as const;
    });
    const traceOf = new Map(await Promise.all(jobs));
    while (traceOf.size > 0) {
      const { correlationId = '', headers } = await nextJob();
      expect(headers['traceparent']).toContain(traceOf.get(correlationId));
      expect(traceOf.delete(correlationId)).toBe(true);
    }
  });

  it('a problem has the ids of its trace and job', async () => {
    const api = await given.api();
    const jobId = uuidv7();
    const response = await api.ask(`/status/${jobId}`, { headers: { traceparent: fromClient } });
    expect(response.json).toMatchObject({ code: 'job_not_found', job_id: jobId, trace_id: TRACE_ID });
  });

  it.each(['/nothing-here', '/jobs?limit=none', '/status/no-job'])(
    'a problem at %s has a trace',
    async (path) => {
      const api = await given.api();
      expect((await api.ask(path)).json).toMatchObject({
        trace_id: expect.stringMatching(/^[0-9a-f]{32}$/) as unknown,
      });
    },
  );

  it('a malformed request has no trace', async () => {
    const api = await given.api();
    const client = await RawClient.to(api.port);
    await client.send('nonsense\r\n\r\n');
    await client.closed();
    expect(client.received).toContain('malformed_request');
    expect(client.received).not.toContain('trace_id');
  });
});
