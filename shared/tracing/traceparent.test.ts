import { describe, expect, it } from 'vitest';
import { formatTraceparent, newTrace, parseTraceparent } from './traceparent.ts';

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
const spanId = '00f067aa0ba902b7';

describe('the header traceparent', () => {
  it.each([
    ['of version 00', `00-${traceId}-${spanId}-01`, 1],
    ['of version 00 that is not recorded', `00-${traceId}-${spanId}-00`, 0],
    ['with flags of later levels', `00-${traceId}-${spanId}-03`, 1],
    ['of a later version', `cc-${traceId}-${spanId}-01`, 1],
    ['of a later version with more fields', `cc-${traceId}-${spanId}-01-what-the-future-holds`, 1],
  ])('is parsed: one %s', (_what, header, traceFlags) => {
    const parsed = parseTraceparent(header);
    expect(parsed).toEqual({ traceId, spanId, traceFlags, isRemote: true });
    expect(parsed && formatTraceparent(parsed)).toBe(`00-${traceId}-${spanId}-0${traceFlags}`);
  });

  it.each([
    ['that is missing', undefined],
    ['that is not a string', 7],
    ['that came twice', [`00-${traceId}-${spanId}-01`, `00-${traceId}-${spanId}-01`]],
    ['that came twice and was joined', `00-${traceId}-${spanId}-01, 00-${traceId}-${spanId}-01`],
    ['that is empty', ''],
    ['in capitals', `00-${traceId.toUpperCase()}-${spanId}-01`],
    ['of version ff', `ff-${traceId}-${spanId}-01`],
    ['of version 00 with more fields', `00-${traceId}-${spanId}-01-more`],
    ['with a trace id of zeros', `00-${'0'.repeat(32)}-${spanId}-01`],
    ['with a span id of zeros', `00-${traceId}-${'0'.repeat(16)}-01`],
    ['with a trace id that is too short', `00-${traceId.slice(1)}-${spanId}-01`],
    ['with a line break', `00-${traceId}-${spanId}-01\n`],
    ['that is very long', `cc-${traceId}-${spanId}-01-${'x'.repeat(1_000_000)}`],
  ])('is ignored: one %s', (_what, header) => {
    expect(parseTraceparent(header)).toBeUndefined();
  });

  it('of a new trace is valid, unique and not recorded', () => {
    const [one, other] = [newTrace(), newTrace()];
    expect(parseTraceparent(formatTraceparent(one))).toEqual({ ...one, isRemote: true });
    expect(one.traceFlags).toBe(0);
    expect(one.traceId).not.toBe(other.traceId);
  });
});
