import { context, SpanKind, SpanStatusCode, trace, type Span } from '@opentelemetry/api';
import { beginSpan, inChildSpan, receivedContext, type Begun } from './spans.ts';
import { formatTraceparent, newTrace, parseTraceparent, TRACEPARENT } from './traceparent.ts';

/** The response to a request. */
export interface ServedRequest {
  readonly method: string;
  /** The pattern that its path matched; undefined where none did. */
  readonly route: string | undefined;
  /** Without the query, which may hold secrets. */
  readonly path: string;
  /** Undefined where the client hung up before there was an answer. */
  readonly status: number | undefined;
}

/** A request in progress. */
export interface RequestInHand {
  readonly traceId: string;
  /** What `act` does, now and later, is a part of the request. */
  during(act: () => void): void;
  end(served: ServedRequest): void;
}

/**
 * Begins to serve a request: in the trace that its header `traceparent` names, or in a new one. It is a SERVER span by
 * OpenTelemetry's semantic conventions for HTTP.
 * @param isQuiet asked by machines every few seconds: it gets ids, and no span
 */
export function beginRequest(method: string, traceparent: unknown, isQuiet: boolean): RequestInHand {
  const { span, within } = isQuiet ? withoutSpan(traceparent) : serverSpan(method, traceparent);
  return {
    traceId: span.spanContext().traceId,
    during: (act) => context.with(within, act),
    end: (served) => {
      if (span.isRecording()) describeServed(span, served);
      span.end();
    },
  };
}

function serverSpan(method: string, traceparent: unknown): Begun {
  return beginSpan(method, { kind: SpanKind.SERVER }, receivedContext(traceparent));
}

function withoutSpan(traceparent: unknown): Begun {
  const span = trace.wrapSpanContext(parseTraceparent(traceparent) ?? newTrace());
  return { span, within: trace.setSpan(receivedContext(traceparent), span) };
}

function describeServed(span: Span, { method, route, path, status }: ServedRequest): void {
  if (route !== undefined) span.updateName(`${method} ${route}`);
  span.setAttributes({
    'http.request.method': method,
    'http.route': route,
    'http.response.status_code': status,
    'url.path': path,
  });
  if (status === undefined) failHttpSpan(span, 'aborted');
  else if (status >= 500) failHttpSpan(span, String(status));
}

/** The result of a request: the status of the response, or an error code if there was none. */
export type AnswerOrCode = { readonly status: number } | { readonly code: string };

/**
 * Posts in a CLIENT span of the active trace, whose header `traceparent` it is given to send. Of the address only host
 * and port are recorded: the rest may hold secrets.
 */
export function postInSpan<Result extends AnswerOrCode>(
  { hostname, port, protocol }: URL,
  post: (headers: Readonly<Record<string, string>>) => Promise<Result>,
): Promise<Result> {
  return inChildSpan('POST', { kind: SpanKind.CLIENT }, async (span) => {
    if (span === undefined) return post({});
    const result = await post({ [TRACEPARENT]: formatTraceparent(span.spanContext()) });
    if (span.isRecording()) {
      span.setAttributes({
        'http.request.method': 'POST',
        'server.address': hostname,
        'server.port': Number(port || (protocol === 'https:' ? 443 : 80)),
      });
      if ('code' in result) failHttpSpan(span, result.code);
      else {
        span.setAttribute('http.response.status_code', result.status);
        if (result.status >= 400) failHttpSpan(span, String(result.status));
      }
    }
    return result;
  });
}

function failHttpSpan(span: Span, type: string): void {
  span.setAttribute('error.type', type);
  span.setStatus({ code: SpanStatusCode.ERROR });
}
