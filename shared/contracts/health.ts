import { z } from 'zod';

/** What `GET /health` of a service answers: 200 while it is `ok`, else 503. As `reference/4` shows it. */
export const healthSchema = z.object({
  /** `stale`: it was well, and what it knows is too old by now; `error`: it has never been well. */
  status: z.enum(['ok', 'stale', 'error']),
  /** Since it was last known to be well; null where it never was. */
  age_seconds: z.number().min(0).nullable(),
  /** What is wrong. */
  message: z.string().optional(),
});

export type Health = z.output<typeof healthSchema>;
