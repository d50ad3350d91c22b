import type { ReadableSpan } from '@opentelemetry/sdk-trace';

/** A span with those that it is the parent of: `name`, then each child, indented by two spaces, in order of name. */
function linesOf(span: ReadableSpan, all: readonly ReadableSpan[]): string[] {
  const children = all.filter((other) => other.parentSpanContext?.spanId === span.spanContext().spanId);
  const lines = children.map((child) => linesOf(child, all)).toSorted((a, b) => compare(a[0], b[0]));
  return [span.name, ...lines.flat().map((line) => `  ${line}`)];
}

/** One trace as people read it. Spans whose parents are not among them, those of clients above all, stand at the left. */
export function spanTree(spans: readonly ReadableSpan[], traceId: string): string[] {
  const ours = spans.filter((span) => span.spanContext().traceId === traceId);
  const ids = new Set(ours.map((span) => span.spanContext().spanId));
  const roots = ours.filter((span) => !ids.has(span.parentSpanContext?.spanId ?? ''));
  return roots.flatMap((root) => linesOf(root, ours));
}

function compare(a = '', b = ''): number {
  return a < b ? -1 : Number(a > b);
}
