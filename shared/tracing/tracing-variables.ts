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
  description: 'ratio of new traces to record, 0 to 1',
};

/** Settings of tracing, with OpenTelemetry's names. */
export const tracingVariables = {
  OTEL_EXPORTER_OTLP_ENDPOINT: {
    ...publicAddress('http', 'URL of an OTLP/HTTP collector; empty: no traces'),
    example: 'http://localhost:4318',
  },
  OTEL_TRACES_SAMPLER_ARG: ratio,
} as const;
