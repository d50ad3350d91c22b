import { randomBytes } from 'node:crypto';
import { trace } from '@opentelemetry/api';
import {
  InMemorySpanExporter,
  SimpleSpanProcessor,
  TracerProvider,
  type ReadableSpan,
} from '@opentelemetry/sdk-trace';
import { afterAll, afterEach, beforeAll } from 'vitest';

/** Switches tracing on for the tests of a file. @returns the spans of the current test */
export function recordSpans(): InMemorySpanExporter {
  const exporter = new InMemorySpanExporter();
  beforeAll(() => {
    const spanProcessors = [new SimpleSpanProcessor({ exporter })];
    trace.setGlobalTracerProvider(new TracerProvider({ spanProcessors }));
  });
  afterEach(() => exporter.reset());
  afterAll(() => trace.disable());
  return exporter;
}

/** The trace of a client: its ids, and the header that it sends. */
export function clientTrace() {
  const traceId = randomBytes(16).toString('hex');
  const spanId = randomBytes(8).toString('hex');
  return { traceId, spanId, headers: { traceparent: `00-${traceId}-${spanId}-01` } };
}

/** The name of a span, then its children, indented by two spaces and sorted by name. */
function linesOf(span: ReadableSpan, all: readonly ReadableSpan[]): string[] {
  const children = all.filter((other) => other.parentSpanContext?.spanId === span.spanContext().spanId);
  const lines = children.map((child) => linesOf(child, all)).toSorted((a, b) => compare(a[0], b[0]));
  return [span.name, ...lines.flat().map((line) => `  ${line}`)];
}

/** One trace as text. Spans whose parents are not recorded, like those of clients, are not indented. */
export function spanTree(spans: readonly ReadableSpan[], traceId: string): string[] {
  const ofTrace = spans.filter((span) => span.spanContext().traceId === traceId);
  const ids = new Set(ofTrace.map((span) => span.spanContext().spanId));
  const roots = ofTrace.filter((span) => !ids.has(span.parentSpanContext?.spanId ?? ''));
  return roots.flatMap((root) => linesOf(root, ofTrace));
}

function compare(a = '', b = ''): number {
  return a < b ? -1 : Number(a > b);
}
