import { z } from 'zod';

/** The response of `GET /health` of a service: 200 while it is `ok`, else 503. */
export const healthSchema = z.object({
  /** `stale`: it was healthy, but its data is too old now; `error`: it has never been healthy. */
  status: z.enum(['ok', 'stale', 'error']),
  /** Seconds since it was last known to be healthy; null if it never was. */
  age_seconds: z.number().min(0).nullable(),
  /** What is wrong. */
  message: z.string().optional(),
});

export type Health = z.output<typeof healthSchema>;
