import { SpanKind, SpanStatusCode } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { jobRequestSchema } from '@image-pipeline/shared/contracts/job.ts';
import { originalKey, outcomeKey, requestKey } from '@image-pipeline/shared/store/keys.ts';
import { jsonBody, readJson } from '@image-pipeline/shared/store/read-object.ts';
import { failedOutcome } from '../job-life.ts';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, inject, it, vi } from 'vitest';
import { form } from '../images.ts';
import { managementCall } from '../management-call.ts';
import { TOKEN } from '../api-client.ts';
import { gist, type SocketClient } from '../socket-client.ts';
import { setUpSystem, type TestApi } from '../test-system.ts';
import { SECRET } from '../webhooks.ts';
import { acceptedJobSchema } from '../../api/upload/upload-response.ts';
import { queueNames } from '@image-pipeline/shared/broker/topology.ts';
import { Receiver } from '../webhook-receiver.ts';
import { clientTrace, recordSpans, spanTree } from './spans.ts';

const exporter = recordSpans();
const system = setUpSystem();
const POLL = { timeout: 25_000, interval: 20 };

let receiver: Receiver;
beforeEach(async () => {
  receiver = await Receiver.start();
});
afterEach(() => receiver.stop());

const spans = () => exporter.getFinishedSpans();
const called = (name: string): readonly ReadableSpan[] => spans().filter((span) => span.name === name);
const treeOf = (traceId: string) => spanTree(spans(), traceId).join('\n');

describe('one upload', () => {
  it(
    'is one trace, from the client over HTTP and AMQP to WebSocket and webhook',
    { timeout: 60_000 },
    async () => {
      const { api, subscriber } = await startWithSubscriber();
      const { traceId, spanId, headers } = clientTrace();
      const jobId = await upload(api, headers, { callback_url: receiver.url() });
      await untilNotified(subscriber, 'queued');
      await system.startWorker();
      await untilNotified(subscriber, 'completed');
      await vi.waitFor(() => expect(called('process image.webhooks.deliver')).toHaveLength(1), POLL);
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
      await vi.waitFor(() => expect(treeOf(traceId)).toBe(tree.trim()), POLL);
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
      const sent = `00-${traceId}-${post?.spanContext().spanId ?? ''}-01`;
      expect(receiver.received[0]?.headers['traceparent']).toBe(sent);
    },
  );

  it(
    'stays one trace through retries and the dead-letter queue; a replay is another one, linked',
    { timeout: 60_000 },
    async () => {
      const { api, subscriber } = await startWithSubscriber();
      const { traceId, headers } = clientTrace();
      const jobId = await upload(api, headers);
      await untilNotified(subscriber, 'queued');
      const original = await system.store.get(originalKey(jobId));
      if (original === undefined) throw new Error('there is no original');
      const bytes = await buffer(original.body);
      await system.store.put(originalKey(jobId), Buffer.from('damaged'));
      await system.startWorker();
      await untilNotified(subscriber, 'failed');
      await vi.waitFor(() => expect(called('process image.jobs.dead.recorder')).toHaveLength(1), POLL);
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

      await system.store.put(originalKey(jobId), bytes);
      exporter.reset();
      const operator = clientTrace();
      await api.replay({ ids: [jobId] }, operator.headers);
      await untilNotified(subscriber, 'completed');
      await vi.waitFor(() => expect(called('process image.jobs.process')).toHaveLength(1), POLL);
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
    'includes an end that the event log lost and monitoring publishes again',
    { timeout: 90_000 },
    async () => {
      const { api, subscriber } = await startWithSubscriber();
      const { traceId, headers } = clientTrace();
      const jobId = await upload(api, headers);
      await untilNotified(subscriber, 'queued');
      const request = await readJson(system.store, requestKey(jobId, 1), jobRequestSchema);
      if (request === undefined) throw new Error('there is no request');
      await system.store.putIfAbsent(outcomeKey(jobId, 1), jsonBody(failedOutcome(request)));
      await managementCall(
        inject('broker'),
        'DELETE',
        `queues/${system.vhost.name}/${queueNames.process}/contents`,
      );
      await system.startMonitoring();
      // Not before RabbitMQ's queue metrics have settled.
      const announced = () => expect(called('publish image.events:job.failed')).toHaveLength(1);
      await vi.waitFor(announced, { timeout: 60_000, interval: 100 });
      await untilNotified(subscriber, 'failed');
      const [queued] = called('publish image.events:job.queued');
      const [end] = called('publish image.events:job.failed');
      expect(end?.spanContext().traceId).toBe(traceId);
      expect(end?.parentSpanContext?.spanId).toBe(queued?.spanContext().spanId);
    },
  );

  it('with a malformed traceparent begins a trace of its own', { timeout: 60_000 }, async () => {
    const api = await system.startApi();
    const malformed = `00-${'0'.repeat(32)}-${'a'.repeat(16)}-01`;
    await upload(api, { traceparent: malformed });
    await vi.waitFor(() => expect(called('POST /upload')).toHaveLength(1), POLL);
    expect(called('POST /upload')[0]?.parentSpanContext).toBeUndefined();
  });
});

/** An API, and a client that is notified of all jobs. */
async function startWithSubscriber() {
  const notification = await system.startNotification({
    WEBHOOK_SECRET: SECRET,
    WEBHOOK_ALLOWED_HOSTS: '127.0.0.1',
  });
  const api = await system.startApi({
    API_TOKEN: TOKEN,
    WEBHOOK_SECRET: SECRET,
    WEBHOOK_ALLOWED_HOSTS: '127.0.0.1',
  });
  return { api, subscriber: await system.subscribe(notification, '*') };
}

/** Uploads one image and returns its job id. */
async function upload(api: TestApi, headers: Record<string, string>, fields?: Record<string, string>) {
  return acceptedJobSchema.parse((await api.upload(form([{}], fields), headers)).json).job_id;
}

/** Reads messages up to one with this gist. */
async function untilNotified(client: SocketClient, last: string): Promise<void> {
  while (gist([await client.next()])[0] !== last);
}
