import { messageOf, type ErrorCode } from '@image-pipeline/shared/errors.ts';
import sharp from 'sharp';
import { z } from 'zod';
import type { Draw } from '../draw.ts';
import type { FuzzFile } from './make-file.ts';
import type { Tally } from './tally.ts';

/** Uploads that are followed at the same time. */
const CLIENTS = 8;
const RESPONSE_TIMEOUT_MS = 30_000;
/** A job must end within this time: two attempts of 30 s each, and the time in queues. */
const END_TIMEOUT_MS = 90_000;
const WAIT_SECONDS = 20;

const operations = [
  'resize:64x64',
  'resize:300x200:cover,watermark:Fuzz',
  'filter:blur',
  'filter:invert',
  'watermark',
];
const formats = ['', 'png', 'jpeg', 'webp'];

const acceptedSchema = z.object({ job_id: z.string() });
const problemSchema = z.object({ code: z.string() });
const failureSchema = z.object({ code: z.string(), reason: z.string() });
const statusSchema = z.object({
  status: z.string(),
  timeline: z.array(z.object({ error: failureSchema.optional() })),
  error: failureSchema.optional(),
  result: z.object({ size: z.int(), width: z.int(), height: z.int() }).optional(),
});
type Status = z.output<typeof statusSchema>;

/** The codes of jobs that an image may cause. Any other is a crash, a hang or a process over its limits. */
const IMAGE_CODES = new Set<string>([
  'undecodable_image',
  'image_too_large',
  'output_too_large',
] satisfies ErrorCode[]);

const DEADLINE = 'deadline_exceeded' satisfies ErrorCode;

/** What became of a file: a code, and what is wrong with that. */
interface Result {
  readonly code: string;
  readonly finding?: string | undefined;
}

/**
 * Sends mutated files through a running system.
 * @param signals.stop no more files are sent; those in progress are followed to their ends
 * @param signals.giveUp these are not followed, either
 */
export async function fuzzPipeline(
  apiUrl: string,
  makeFile: (number: number) => FuzzFile,
  tally: Tally,
  { stop, giveUp }: { readonly stop: AbortSignal; readonly giveUp?: AbortSignal },
): Promise<void> {
  let next = 0;
  const client = async () => {
    while (!stop.aborted) {
      const file = makeFile(next++);
      const began = performance.now();
      const { code, finding } = await process(apiUrl, file);
      if (giveUp?.aborted === true) return;
      tally.count(code);
      tally.took(file.number, performance.now() - began);
      if (finding !== undefined) await tally.find(file.number, finding);
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
}

async function process(apiUrl: string, file: FuzzFile): Promise<Result> {
  try {
    const response = await fetch(`${apiUrl}/upload`, {
      method: 'POST',
      body: formOf(file),
      signal: AbortSignal.timeout(RESPONSE_TIMEOUT_MS),
    });
    const body: unknown = await response.json();
    if (response.status === 202) return await follow(apiUrl, acceptedSchema.parse(body).job_id);
    const { code } = problemSchema.parse(body);
    return { code, finding: response.status < 500 ? undefined : `upload: HTTP ${response.status} ${code}` };
  } catch (error) {
    return { code: 'no response', finding: messageOf(error) };
  }
}

function formOf({ bytes, draw }: FuzzFile): FormData {
  const form = new FormData();
  form.append('file', new Blob([Buffer.from(bytes)]), 'fuzz');
  form.append('operations', oneOf(operations, draw));
  form.append('format', oneOf(formats, draw));
  return form;
}

function oneOf(values: readonly string[], draw: Draw): string {
  return values[draw(0, values.length - 1)] ?? '';
}

async function follow(apiUrl: string, jobId: string): Promise<Result> {
  const url = `${apiUrl}/status/${jobId}?wait=${WAIT_SECONDS}`;
  for (const until = performance.now() + END_TIMEOUT_MS; performance.now() < until;) {
    const response = await fetch(url, { signal: AbortSignal.timeout(RESPONSE_TIMEOUT_MS) });
    const body: unknown = await response.json();
    if (!response.ok) return { code: 'no status', finding: `status: HTTP ${response.status}` };
    const status = statusSchema.parse(body);
    if (status.status === 'completed') {
      const image = await fetch(`${apiUrl}/results/${jobId}`);
      const bytes = Buffer.from(await image.arrayBuffer());
      return { code: 'completed', finding: await problemOf(status, bytes) };
    }
    if (status.status === 'failed') return { code: status.error?.code ?? 'none', finding: failureOf(status) };
  }
  return { code: 'open', finding: `the job ${jobId} did not end in ${END_TIMEOUT_MS / 1_000} s` };
}

/**
 * The first failure of an attempt that no image may cause. Exceeding the deadline counts only at the end: on a busy machine,
 * decoding may take long, and the retry then succeeds.
 */
function failureOf({ timeline, error: end }: Status): string | undefined {
  const earlier = timeline.flatMap(({ error }) => error ?? []).filter(({ code }) => code !== DEADLINE);
  const failure = [...earlier, ...(end === undefined ? [] : [end])].find(
    ({ code }) => !IMAGE_CODES.has(code),
  );
  return failure && `${failure.code}: ${failure.reason}`;
}

async function problemOf(status: Status, bytes: Buffer): Promise<string | undefined> {
  const failure = failureOf(status);
  if (failure !== undefined) return failure;
  const { size, width, height } = status.result ?? {};
  if (bytes.length !== size) return `the result has ${bytes.length} bytes, not ${size ?? 'any'}`;
  try {
    const { info } = await sharp(bytes, { failOn: 'warning' }).raw().toBuffer({ resolveWithObject: true });
    if (info.width === width && info.height === height) return undefined;
    return `the result has ${info.width} × ${info.height} px, not ${width ?? '?'} × ${height ?? '?'}`;
  } catch (error) {
    return `the result cannot be decoded: ${messageOf(error)}`;
  }
}
