import {
  context,
  isSpanContextValid,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  type Context,
  type Span,
  type SpanContext,
  type SpanOptions,
} from '@opentelemetry/api';
import { PipelineError } from '../errors.ts';
import { formatTraceparent, newTrace, parseTraceparent } from './traceparent.ts';

/** The instrumentation scope of all our spans. */
const SCOPE = 'image-pipeline';

/** A started span, which the caller must end. Without an SDK only its ids exist. */
export interface Begun {
  readonly span: Span;
  /** The context of the span. */
  readonly within: Context;
}

/** The context of a message or request with this header `traceparent`; a malformed one counts as none. */
export function receivedContext(traceparent: unknown): Context {
  const parent = parseTraceparent(traceparent);
  return parent === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, parent);
}

/** Begins a span in the trace of `parent`, or in a new trace if it has none. */
export function beginSpan(name: string, options: SpanOptions, parent: Context): Begun {
  const started = trace.getTracer(SCOPE).startSpan(name, options, parent);
  const span = isSpanContextValid(started.spanContext()) ? started : trace.wrapSpanContext(newTrace());
  return { span, within: trace.setSpan(parent, span) };
}

/** Runs `work` in this span and ends it. An error of `work` is recorded in the span and rethrown. */
export async function inSpan<Result>(
  { span, within }: Begun,
  work: (span: Span) => Promise<Result>,
): Promise<Result> {
  try {
    return await context.with(within, () => work(span));
  } catch (error) {
    failSpan(span, error);
    throw error;
  } finally {
    span.end();
  }
}

/** Runs `work` in a child of the active span, or without a span if there is none. */
export function inChildSpan<Result>(
  name: string,
  options: SpanOptions,
  work: (span?: Span) => Promise<Result>,
): Promise<Result> {
  const parent = context.active();
  if (trace.getSpanContext(parent) === undefined) return work();
  const span = trace.getTracer(SCOPE).startSpan(name, options, parent);
  // A span that is not recorded needs no context.
  return span.isRecording() ? inSpan({ span, within: trace.setSpan(parent, span) }, work) : work(span);
}

/** Runs `work` in a new trace, linked to the active one. */
export function inOwnTrace<Result>(name: string, work: () => Promise<Result>): Promise<Result> {
  const active = activeTrace();
  const links = active === undefined ? [] : [{ context: active }];
  return inSpan(beginSpan(name, { links }, ROOT_CONTEXT), work);
}

/** Links the active span with the trace of this header, if it is valid. */
export function linkWith(traceparent: string | undefined): void {
  const other = parseTraceparent(traceparent);
  if (other !== undefined) trace.getActiveSpan()?.addLink({ context: other });
}

/** Runs a step as a child of the active span. */
export function inStage<Result>(name: string, work: () => Promise<Result>): Promise<Result> {
  return inChildSpan(name, { kind: SpanKind.INTERNAL }, work);
}

/** The same for synchronous work that throws nothing. */
export function noteStep(name: string, options: SpanOptions, act: () => void): void {
  if (activeTrace() === undefined) {
    act();
    return;
  }
  const span = trace.getTracer(SCOPE).startSpan(name, options);
  act();
  span.end();
}

/** The active span. */
export function activeTrace(): SpanContext | undefined {
  return trace.getSpanContext(context.active());
}

/** The active span as a header `traceparent`, for work that continues the trace later. */
export function activeTraceparent(): string | undefined {
  const active = activeTrace();
  return active && formatTraceparent(active);
}

/** `act` bound to the active context, to be called later. */
export function bound<Act extends (...args: never[]) => unknown>(act: Act): Act {
  return context.bind(context.active(), act);
}

/** The trace fields of a log line. */
export function traceFields(): { trace_id?: string } {
  const active = activeTrace();
  return active === undefined ? {} : { trace_id: active.traceId };
}

/** Marks a span as failed, with the code of an expected error or the name of another one. */
function failSpan(span: Span, error: unknown): void {
  if (!span.isRecording()) return;
  const isError = error instanceof Error;
  span.setAttribute(
    'error.type',
    error instanceof PipelineError ? error.code : isError ? error.name : 'error',
  );
  if (isError) span.recordException(error);
  span.setStatus({ code: SpanStatusCode.ERROR });
}
