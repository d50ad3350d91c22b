import { z } from 'zod';
import type { Variable } from '../config.ts';
import { publicAddress } from '../public-address.ts';

const ratio: Variable<number> = {
  schema: z
    .string()
    .regex(/^\d(\.\d{1,6})?$/)
    .transform(Number)
    .pipe(z.number().min(0).max(1)),
  default: '1',
  form: 'a number from 0 to 1',
  example: '0.05',
  description: 'the part of new traces that is recorded; what a client began is recorded as the client says',
};

/** Traces. The names are OpenTelemetry's. */
export const tracingVariables = {
  OTEL_EXPORTER_OTLP_ENDPOINT: {
    ...publicAddress('http', 'where spans of traces are sent (OTLP over HTTP), if they are to be recorded'),
    example: 'http://localhost:4318',
  },
  OTEL_TRACES_SAMPLER_ARG: ratio,
} as const;
