import { z } from 'zod';

/** The response of `GET /health` of a service: status 200 while `ok`, otherwise 503. */
export const healthSchema = z.object({
  /** `stale`: healthy once, but its data is too old now; `error`: never healthy so far. */
  status: z.enum(['ok', 'stale', 'error']),
  /** Since it was last healthy; null if it never was. */
  age_seconds: z.number().min(0).nullable(),
  /** The problem. */
  message: z.string().optional(),
});

export type Health = z.output<typeof healthSchema>;
