import { context, SpanKind, SpanStatusCode, trace, type Span } from '@opentelemetry/api';
import { beginSpan, inChildSpan, receivedContext, type Begun } from './spans.ts';
import { formatTraceparent, newTrace, parseTraceparent, TRACEPARENT } from './traceparent.ts';

/** The response to a request. */
interface ServedRequest {
  readonly method: string;
  /** The pattern that its path matched, if any. */
  readonly route: string | undefined;
  /** Without the query, which may contain secrets. */
  readonly path: string;
  /** Undefined if the client closed the connection before a response was sent. */
  readonly status: number | undefined;
}

/** A request in progress. */
interface RequestSpan {
  readonly traceId: string;
  /** Runs `act`, and everything asynchronous that it starts, as a part of the request. */
  during(act: () => void): void;
  end(served: ServedRequest): void;
}

/**
 * Begins the SERVER span of a request, in the trace of its header `traceparent` or in a new one. Names and attributes are
 * those of OpenTelemetry's semantic conventions for HTTP.
 * @param isQuiet for routes that are polled every few seconds: ids, but no span
 */
export function beginRequest(method: string, traceparent: unknown, isQuiet: boolean): RequestSpan {
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
type HttpResult = { readonly status: number } | { readonly code: string };

/**
 * Posts in a CLIENT span of the active trace; `post` gets the header `traceparent` to send. Only host and port of the URL
 * are recorded, because the rest may contain secrets.
 */
export function postInSpan<Result extends HttpResult>(
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
