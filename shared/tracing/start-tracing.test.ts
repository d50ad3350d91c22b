import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { setImmediate } from 'node:timers/promises';
import { context, ROOT_CONTEXT } from '@opentelemetry/api';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { testLog } from '../testing/test-broker.ts';
import { activeTrace, beginSpan, bound, inSpan, inStage } from './spans.ts';
import { tracingStep, type TracingOptions } from './start-tracing.ts';

/** What we look at of an OTLP request in JSON. */
const otlpSchema = z.object({
  resourceSpans: z.array(
    z.object({
      resource: z.object({ attributes: z.array(z.object({ key: z.string(), value: z.unknown() })) }),
      scopeSpans: z.array(z.object({ spans: z.array(z.object({ name: z.string(), traceId: z.string() })) })),
    }),
  ),
});

let collector: Server;
let received: z.output<typeof otlpSchema>[];
let url: string;

beforeEach(async () => {
  received = [];
  collector = createServer((request, response) => {
    void text(request).then((body) => {
      received.push(otlpSchema.parse(JSON.parse(body)));
      response.end('{}');
    });
  });
  collector.listen(0, '127.0.0.1');
  await once(collector, 'listening');
  url = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`;
});
afterEach(async () => {
  collector.closeAllConnections();
  collector.close();
  await once(collector, 'close');
});

const stepTo = (endpoint: string, changes: Partial<TracingOptions> = {}) =>
  tracingStep({ service: 'worker', instance: 'worker-1', endpoint, ratio: 1, log: testLog, ...changes });

const inRoot = <Result>(work: () => Promise<Result>) => inSpan(beginSpan('work', {}, ROOT_CONTEXT), work);

describe('tracing', () => {
  it('sends spans to the endpoint, the last ones when it stops', async () => {
    const step = stepTo(url);
    await step.start?.();
    const traceId = await inRoot(() =>
      inStage('a part of it', () => Promise.resolve(activeTrace()?.traceId)),
    );
    expect(received).toEqual([]);
    await step.stop?.();
    const [sent] = received.flatMap(({ resourceSpans }) => resourceSpans);
    expect(sent?.scopeSpans.flatMap(({ spans }) => spans)).toEqual([
      { name: 'a part of it', traceId },
      { name: 'work', traceId },
    ]);
    expect(sent?.resource.attributes).toContainEqual({
      key: 'service.name',
      value: { stringValue: 'worker' },
    });
    expect(sent?.resource.attributes).toContainEqual({
      key: 'service.instance.id',
      value: { stringValue: 'worker-1' },
    });
  });

  it('records as much as it is told to', async () => {
    const step = stepTo(url, { ratio: 0 });
    await step.start?.();
    await inRoot(() => Promise.resolve());
    await step.stop?.();
    expect(received).toEqual([]);
  });

  it('holds up no stop where nobody takes the spans', async () => {
    collector.removeAllListeners('request');
    const step = stepTo(url);
    await step.start?.();
    await inRoot(() => Promise.resolve());
    const began = performance.now();
    await step.stop?.();
    expect(performance.now() - began).toBeLessThan(5_000);
  });

  it('without an endpoint sends nothing, and still knows which trace it is in', async () => {
    const step = stepTo('');
    await step.start?.();
    const { span, within } = beginSpan('work', {}, ROOT_CONTEXT);
    expect(span.isRecording()).toBe(false);
    const { traceId } = span.spanContext();
    const seen = await context.with(within, () =>
      inStage('a part of it', async () => {
        await setImmediate();
        return activeTrace()?.traceId;
      }),
    );
    expect(seen).toBe(traceId);
    const later = context.with(within, () => bound(() => activeTrace()?.traceId));
    expect(activeTrace()).toBeUndefined();
    expect(later()).toBe(traceId);
    await step.stop?.();
    expect(received).toEqual([]);
  });
});
