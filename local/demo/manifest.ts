import { readFile } from 'node:fs/promises';
import { z } from 'zod';

/** The expected result of a test image; what is missing is not checked. */
const expectationSchema = z.object({
  file: z.string(),
  description: z.string(),
  /** Sent with the upload, as in `resize,watermark`. */
  operations: z.string().default(''),
  /** The response to the upload: its HTTP status, and the error code if it is refused. */
  upload: z.object({ status: z.int(), code: z.string().optional() }),
  /** How the job ends. */
  state: z.enum(['completed', 'failed']).optional(),
  error_code: z.string().optional(),
  result: z.object({ width: z.int(), height: z.int(), content_type: z.string() }).partial().optional(),
});
export type Expectation = z.infer<typeof expectationSchema>;

export async function readManifest(path: string): Promise<Expectation[]> {
  return z.array(expectationSchema).parse(JSON.parse(await readFile(path, 'utf8')));
}
