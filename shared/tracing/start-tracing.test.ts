import { setImmediate } from 'node:timers/promises';
import { context, ROOT_CONTEXT } from '@opentelemetry/api';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startCollector, type OtlpCollector } from '../../testing/otlp-collector.ts';
import { testLog } from '../../testing/test-broker.ts';
import { activeTrace, beginSpan, bound, inSpan, inStage } from './spans.ts';
import { tracingStep, type TracingOptions } from './start-tracing.ts';

let collector: OtlpCollector;

beforeEach(async () => {
  collector = await startCollector();
});
afterEach(() => collector.stop());

const stepTo = (endpoint: string, changes: Partial<TracingOptions> = {}) =>
  tracingStep({ service: 'worker', instance: 'worker-1', endpoint, ratio: 1, log: testLog, ...changes });

const inRoot = <Result>(work: () => Promise<Result>) => inSpan(beginSpan('work', {}, ROOT_CONTEXT), work);

describe('tracing', () => {
  it('sends spans to the endpoint, the last ones when it stops', async () => {
    const step = stepTo(collector.url);
    await step.start?.();
    const traceId = await inRoot(() =>
      inStage('a part of it', () => Promise.resolve(activeTrace()?.traceId)),
    );
    expect(collector.spans).toEqual([]);
    await step.stop?.();
    const sender = { service: 'worker', instance: 'worker-1', traceId };
    expect(collector.spans).toEqual([
      { ...sender, name: 'a part of it' },
      { ...sender, name: 'work' },
    ]);
  });

  it('records the configured ratio of traces', async () => {
    const step = stepTo(collector.url, { ratio: 0 });
    await step.start?.();
    await inRoot(() => Promise.resolve());
    await step.stop?.();
    expect(collector.spans).toEqual([]);
  });

  it('does not delay the stop if the collector does not respond', async () => {
    collector.hang();
    const step = stepTo(collector.url);
    await step.start?.();
    await inRoot(() => Promise.resolve());
    const began = performance.now();
    await step.stop?.();
    expect(performance.now() - began).toBeLessThan(5_000);
  });

  it('without an endpoint sends nothing, but propagates the trace', async () => {
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
    expect(collector.spans).toEqual([]);
  });
});
