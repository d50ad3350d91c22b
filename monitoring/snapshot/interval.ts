import { z } from 'zod';

export const MIN_INTERVAL_SECONDS = 1;
export const MAX_INTERVAL_SECONDS = 3_600;

/** What `PUT /interval` takes. */
export const intervalOrderSchema = z.strictObject({
  seconds: z.number().min(MIN_INTERVAL_SECONDS).max(MAX_INTERVAL_SECONDS),
});
