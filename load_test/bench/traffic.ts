import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import PQueue from 'p-queue';
import { z } from 'zod';

const IMAGES = join(import.meta.dirname, '../../test_images');
const BOUNDARY = '----image-pipeline-bench';
const BATCH = 20;

/** The body of a multipart form, ready to send: the client should cost little beside the system that it measures. */
export type Form = Buffer;

export function formOf(
  file: { readonly name: string; readonly contentType: string; readonly bytes: Uint8Array },
  fields: Readonly<Record<string, string>>,
): Form {
  const texts = Object.entries(fields).map(
    ([name, value]) => `--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
  );
  const head = `--${BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="${file.name}"\r\nContent-Type: ${file.contentType}\r\n\r\n`;
  return Buffer.concat([
    Buffer.from(texts.join('') + head),
    file.bytes,
    Buffer.from(`\r\n--${BOUNDARY}--\r\n`),
  ]);
}

/** A form with an image of test_images, the operations for it, and more fields. */
export function testImageForm(
  name: string,
  contentType: string,
  operations: string,
  fields: Readonly<Record<string, string>> = {},
): Form {
  return formOf({ name, contentType, bytes: readFileSync(join(IMAGES, name)) }, { operations, ...fields });
}

/** Concurrent uploads: enough to keep the job queue filled. */
export const UPLOADS_AT_ONCE = 8;
export const uploadQueue = () => new PQueue({ concurrency: UPLOADS_AT_ONCE });

const agent = new Agent({ keepAlive: true, maxSockets: 64 });
const acceptedSchema = z.object({ job_id: z.string() });

/** Uploads one image. @returns its job id and the time of the response, in milliseconds since 1970 */
export async function upload(
  url: string,
  form: Form,
  via = agent,
): Promise<{ jobId: string; acceptedAt: number }> {
  const { status, body } = await send(`${url}/upload`, form, via);
  const acceptedAt = Date.now();
  if (status !== 202) throw new Error(`The upload returned ${status}: ${body.toString()}`);
  return { jobId: acceptedSchema.parse(JSON.parse(body.toString())).job_id, acceptedAt };
}

/** POST of a form, or GET without one, on a kept connection. */
export function send(url: string, form?: Form, via = agent): Promise<{ status: number; body: Buffer }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; body: Buffer }>();
  const headers =
    form === undefined
      ? {}
      : { 'content-type': `multipart/form-data; boundary=${BOUNDARY}`, 'content-length': form.length };
  request(url, { method: form === undefined ? 'GET' : 'POST', agent: via, headers }, (response) => {
    buffer(response).then((body) => resolve({ status: response.statusCode ?? 0, body }), reject);
  })
    .on('error', reject)
    .end(form);
  return promise;
}

export interface Busy<Usage> {
  readonly perSecond: number;
  readonly count: number;
  readonly usage: Usage;
}

/**
 * Repeats a task so that `atOnce` of them are always in progress, for a warm-up and then a measured time. Resolves when
 * the last has ended. A rate from the first start to the last end would contain an empty system at both ends.
 * @param task gets the number of the task: 0, 1, 2 …
 * @param startClock is called at the start of the measured time, and what it returns at its end
 */
export async function keepBusy<Usage>(
  task: (number: number) => Promise<unknown>,
  options: { readonly atOnce?: number; readonly warmUpSeconds: number; readonly seconds: number },
  startClock: () => Promise<() => Promise<Usage>>,
): Promise<Busy<Usage>> {
  let [started, ended, isDone] = [0, 0, false];
  const repeat = async () => {
    while (!isDone) {
      await task(started++);
      ended++;
    }
  };
  const runners = Promise.all(Array.from({ length: options.atOnce ?? UPLOADS_AT_ONCE }, repeat));
  const measured = (async () => {
    await sleep(options.warmUpSeconds * 1_000);
    const readClock = await startClock();
    const [before, since] = [ended, performance.now()];
    await sleep(options.seconds * 1_000);
    const [count, seconds] = [ended - before, (performance.now() - since) / 1_000];
    return { perSecond: count / seconds, count, usage: await readClock() };
  })().finally(() => {
    isDone = true;
  });
  const [result] = await Promise.all([measured, runners]);
  return result;
}

/**
 * Uploads at random times, like those of many independent clients (a Poisson process), whether or not earlier uploads
 * have ended. Resolves when all have ended.
 * @param perSecond mean number of uploads per second
 */
export async function uploadAtRandom(
  url: string,
  form: Form,
  { perSecond, seconds }: { perSecond: number; seconds: number },
): Promise<void> {
  const uploads: Promise<unknown>[] = [];
  const start = performance.now();
  for (let due = start; ;) {
    due += (-Math.log(1 - Math.random()) / perSecond) * 1_000;
    if (due > start + seconds * 1_000) break;
    await sleep(Math.max(0, due - performance.now()));
    uploads.push(upload(url, form));
  }
  await sleep(Math.max(0, start + seconds * 1_000 - performance.now()));
  await Promise.all(uploads);
}

/**
 * Small batches, between which others in the process get their turn. What a service refuses is ignored.
 * @throws Error if no action succeeds
 */
export async function inBatches(count: number, act: (index: number) => Promise<unknown>): Promise<void> {
  let succeeded = 0;
  for (let first = 0; first < count; first += BATCH) {
    const size = Math.min(BATCH, count - first);
    const ends = await Promise.allSettled(Array.from({ length: size }, (_, index) => act(first + index)));
    succeeded += ends.filter(({ status }) => status === 'fulfilled').length;
  }
  if (succeeded === 0) throw new Error(`None of ${count} actions succeeded.`);
}
