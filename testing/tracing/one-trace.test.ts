import { SpanKind, SpanStatusCode } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { jobRequestSchema } from '@image-pipeline/shared/contracts/job.ts';
import { originalKey, outcomeKey, requestKey } from '@image-pipeline/shared/store/keys.ts';
import { jsonBody, readJson } from '@image-pipeline/shared/store/read-object.ts';
import { failedOutcome } from '../job-life.ts';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { gist, type TestClient } from '../../notification/testing/test-client.ts';
import { Receiver } from '../../notification/testing/receiver.ts';
import { clientTrace, givenSystem, TOKEN } from './given-system.ts';
import { spanTree } from './span-tree.ts';

const given = givenSystem({ isRecorded: true });
const PATIENCE = { timeout: 25_000, interval: 20 };

let receiver: Receiver;
beforeEach(async () => {
  receiver = await Receiver.start();
});
afterEach(() => receiver.stop());

const spans = () => given.exporter.getFinishedSpans();
const called = (name: string): readonly ReadableSpan[] => spans().filter((span) => span.name === name);
const treeOf = (traceId: string) => spanTree(spans(), traceId).join('\n');

/** Until the subscriber was told this of a job, and of nothing else meanwhile. */
async function untilTold(client: TestClient, last: string): Promise<void> {
  while (gist([await client.next()])[0] !== last);
}

describe('one upload', () => {
  it(
    'is one trace, from the client over HTTP and AMQP to WebSocket and webhook',
    { timeout: 60_000 },
    async () => {
      const [api, subscriber] = [await given.api(), await given.subscriber()];
      const { traceId, spanId, headers } = clientTrace();
      const jobId = await given.upload(api, headers, { callback_url: receiver.url() });
      await untilTold(subscriber, 'queued');
      await given.worker();
      await untilTold(subscriber, 'completed');
      await vi.waitFor(() => expect(called('process image.webhooks.deliver')).toHaveLength(1), PATIENCE);
      const tree = `
POST /upload
  publish image.events:job.queued
    send websocket
  publish image.jobs:job.process
    process image.jobs.process
      fetch original
      process image
      publish image.events:job.completed.callback
        process image.webhooks.deliver
          POST
        send websocket
      publish image.events:job.started
        send websocket
      store images`;
      await vi.waitFor(() => expect(treeOf(traceId)).toBe(tree.trim()), PATIENCE);
      expect(spans().filter((span) => span.spanContext().traceId !== traceId)).toEqual([]);

      const [request] = called('POST /upload');
      expect(request?.parentSpanContext?.spanId).toBe(spanId);
      expect(request?.kind).toBe(SpanKind.SERVER);
      expect(request?.attributes).toMatchObject({
        'http.request.method': 'POST',
        'http.route': '/upload',
        'http.response.status_code': 202,
      });
      const [publish] = called('publish image.jobs:job.process');
      expect(publish?.kind).toBe(SpanKind.PRODUCER);
      expect(publish?.attributes).toEqual({
        'messaging.system': 'rabbitmq',
        'messaging.operation.name': 'publish',
        'messaging.operation.type': 'send',
        'messaging.destination.name': 'image.jobs:job.process',
        'messaging.message.conversation_id': jobId,
        'messaging.message.id': `${jobId}/1/1`,
        'messaging.rabbitmq.destination.routing_key': 'job.process',
      });
      const [processed] = called('process image.jobs.process');
      expect(processed?.kind).toBe(SpanKind.CONSUMER);
      expect(processed?.attributes).toMatchObject({
        'messaging.operation.type': 'process',
        'messaging.destination.name': 'image.jobs.process',
        'messaging.message.conversation_id': jobId,
      });
      const [post] = called('POST');
      expect(post?.attributes).toEqual({
        'http.request.method': 'POST',
        'http.response.status_code': 200,
        'server.address': '127.0.0.1',
        'server.port': receiver.port,
      });
      const told = `00-${traceId}-${post?.spanContext().spanId ?? ''}-01`;
      expect(receiver.received[0]?.headers['traceparent']).toBe(told);
    },
  );

  it(
    'stays one trace through retries and the dead-letter queue; a replay is another one, linked',
    { timeout: 60_000 },
    async () => {
      const [api, subscriber] = [await given.api(), await given.subscriber()];
      const { traceId, headers } = clientTrace();
      const jobId = await given.upload(api, headers);
      await untilTold(subscriber, 'queued');
      const original = await given.store.get(originalKey(jobId));
      if (original === undefined) throw new Error('there is no original');
      const bytes = await buffer(original.body);
      await given.store.put(originalKey(jobId), Buffer.from('damaged'));
      await given.worker();
      await untilTold(subscriber, 'failed');
      await vi.waitFor(() => expect(called('process image.jobs.dead.recorder')).toHaveLength(1), PATIENCE);
      const attempts = called('process image.jobs.process');
      expect(attempts.map((span) => span.status.code)).toEqual([
        SpanStatusCode.UNSET,
        SpanStatusCode.UNSET,
        SpanStatusCode.ERROR,
      ]);
      expect(called('fetch original').map((span) => span.attributes['error.type'])).toEqual(
        Array.from({ length: 3 }, () => 'original_damaged'),
      );
      const retries = [...called('publish image.retry:50ms'), ...called('publish image.retry:100ms')];
      expect(attempts.slice(1).map((span) => span.parentSpanContext?.spanId)).toEqual(
        retries.map((span) => span.spanContext().spanId),
      );
      expect(new Set(spans().map((span) => span.spanContext().traceId))).toEqual(new Set([traceId]));

      await given.store.put(originalKey(jobId), bytes);
      given.exporter.reset();
      const operator = clientTrace();
      const authorization = { Authorization: `Bearer ${TOKEN}` };
      await fetch(`${api}/dlq/replay`, {
        method: 'POST',
        headers: { ...operator.headers, ...authorization },
        body: JSON.stringify({ ids: [jobId] }),
      });
      await untilTold(subscriber, 'completed');
      await vi.waitFor(() => expect(called('process image.jobs.process')).toHaveLength(1), PATIENCE);
      const [replay] = called('replay job');
      expect(replay?.parentSpanContext).toBeUndefined();
      expect(replay?.links.map(({ context }) => context.traceId).toSorted()).toEqual(
        [operator.traceId, traceId].toSorted(),
      );
      expect(called('process image.jobs.process')[0]?.spanContext().traceId).toBe(
        replay?.spanContext().traceId,
      );
    },
  );

  it(
    'has the end that the event log lost, when monitoring announces it again',
    { timeout: 90_000 },
    async () => {
      const [api, subscriber] = [await given.api(), await given.subscriber()];
      const { traceId, headers } = clientTrace();
      const jobId = await given.upload(api, headers);
      await untilTold(subscriber, 'queued');
      const request = await readJson(given.store, requestKey(jobId, 1), jobRequestSchema);
      if (request === undefined) throw new Error('there is no request');
      await given.store.putIfAbsent(outcomeKey(jobId, 1), jsonBody(failedOutcome(request)));
      await given.purgeJobs();
      await given.monitoring();
      // Not before the figures of RabbitMQ have settled.
      const announced = () => expect(called('publish image.events:job.failed')).toHaveLength(1);
      await vi.waitFor(announced, { timeout: 60_000, interval: 100 });
      await untilTold(subscriber, 'failed');
      const [queued] = called('publish image.events:job.queued');
      const [end] = called('publish image.events:job.failed');
      expect(end?.spanContext().traceId).toBe(traceId);
      expect(end?.parentSpanContext?.spanId).toBe(queued?.spanContext().spanId);
    },
  );

  it('with a malformed traceparent begins a trace of its own', { timeout: 60_000 }, async () => {
    const api = await given.api();
    const malformed = `00-${'0'.repeat(32)}-${'a'.repeat(16)}-01`;
    await given.upload(api, { traceparent: malformed });
    await vi.waitFor(() => expect(called('POST /upload')).toHaveLength(1), PATIENCE);
    expect(called('POST /upload')[0]?.parentSpanContext).toBeUndefined();
  });
});
