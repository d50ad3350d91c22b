import { randomBytes } from 'node:crypto';
import { isSpanContextValid, TraceFlags, type SpanContext } from '@opentelemetry/api';

/** The name of the header, in HTTP and in AMQP. */
export const TRACEPARENT = 'traceparent';

/** `version-traceid-parentid-flags`, see https://www.w3.org/TR/trace-context/#traceparent-header-field-values */
const version00 = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;
/** A later version starts the same and may have more parts after another dash; ff is invalid. */
const laterVersion = /^(?!00|ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
/** Maximum number of characters that are parsed. */
const MAX_LENGTH = 512;

/** The trace of a header; undefined if it is missing or malformed, which is not an error. */
export function parseTraceparent(header: unknown): SpanContext | undefined {
  if (typeof header !== 'string' || header.length > MAX_LENGTH) return undefined;
  const [, traceId = '', spanId = '', flags = ''] = version00.exec(header) ?? laterVersion.exec(header) ?? [];
  // The other flags have no meaning in version 00.
  const traceFlags = Number.parseInt(flags, 16) & TraceFlags.SAMPLED;
  const parsed = { traceId, spanId, traceFlags, isRemote: true };
  return isSpanContextValid(parsed) ? parsed : undefined;
}

/** The header of a message, unless it is missing or malformed. */
export function readTraceparent(headers: Readonly<Record<string, unknown>>): string | undefined {
  const parsed = parseTraceparent(headers[TRACEPARENT]);
  return parsed && formatTraceparent(parsed);
}

/** As version 00, whatever the received version. */
export function formatTraceparent({ traceId, spanId, traceFlags }: SpanContext): string {
  return `00-${traceId}-${spanId}-0${traceFlags & TraceFlags.SAMPLED}`;
}

/** A new trace that is not recorded: logs and problems refer to it. */
export function newTrace(): SpanContext {
  const ids = randomBytes(24).toString('hex');
  return { traceId: ids.slice(0, 32), spanId: ids.slice(32), traceFlags: TraceFlags.NONE };
}
