import { createHash } from 'node:crypto';
import { execFile } from 'node:child_process';
import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { queueNames } from '@image-pipeline/shared/broker/topology.ts';
import { queuedEvent } from '@image-pipeline/shared/contracts/event.ts';
import type { JobRequest } from '@image-pipeline/shared/contracts/job.ts';
import { originalKey, outcomeKey, requestKey } from '@image-pipeline/shared/store/keys.ts';
import { expect, it } from 'vitest';
import { images } from './images.ts';
import { someRequest } from './job-life.ts';
import { setUpSystem } from './test-system.ts';

const system = setUpSystem();
const SOON = { timeout: 25_000, interval: 50 };
const original = images['image/png'];

/** What is put in the place of an object. */
const damages = {
  'a folder': (path: string) => mkdir(path),
  'a pipe': (path: string) => promisify(execFile)('mkfifo', [path]),
  'a link out of the store': (path: string) => symlink('/etc/passwd', path),
  'a link to itself': (path: string) => symlink(path, path),
  'half a record': (path: string) => writeFile(path, '{"version":1'),
  'an empty file': (path: string) => writeFile(path, ''),
};

async function queuedJob(prepare?: (request: JobRequest) => Promise<void>): Promise<JobRequest> {
  const sha256 = createHash('sha256').update(original).digest('hex');
  const request = someRequest({
    original: { name: 'a.png', content_type: 'image/png', size: original.length, sha256 },
  });
  await system.store.put(originalKey(request.job_id), original);
  await system.storeJob(request);
  await prepare?.(request);
  await system.publish(queuedEvent(request));
  await system.enqueue(request);
  return request;
}

it.each(Object.entries(damages))(
  'a job that has %s in the place of a record fails alone, and reading the record is refused',
  async (_what, damage) => {
    const inPlaceOf = (keyOf: (jobId: string) => string) =>
      queuedJob(async ({ job_id }) => {
        const path = join(system.storeFolder, keyOf(job_id));
        await rm(path, { force: true });
        await mkdir(dirname(path), { recursive: true });
        await damage(path);
      });
    const api = await system.startApi();
    await system.startWorker();
    const noOutcome = await inPlaceOf((id) => outcomeKey(id, 1));
    const noOriginal = await inPlaceOf(originalKey);
    const noRequest = await inPlaceOf((id) => requestKey(id, 1));
    const healthy = await queuedJob();

    const status = async ({ job_id }: JobRequest) => (await api.ask(`/status/${job_id}`)).json;
    await expect.poll(() => status(healthy), SOON).toMatchObject({ status: 'completed' });
    await expect
      .poll(() => status(noOriginal), SOON)
      .toMatchObject({
        status: 'failed',
        error: { code: expect.stringMatching(/^(record|original)_damaged$/) as unknown },
      });
    for (const { job_id } of [noOutcome, noRequest]) {
      for (const path of ['status', 'results', 'originals']) {
        const response = async () => api.ask(`/${path}/${job_id}`);
        await expect.poll(response, SOON).toMatchObject({ status: 502, json: { code: 'record_damaged' } });
      }
    }
    const dead = async () => (await api.ask('/dlq/messages')).json;
    await expect.poll(dead, SOON).toMatchObject({
      messages: expect.arrayContaining([
        expect.objectContaining({
          job_id: noOutcome.job_id,
          error: expect.objectContaining({ code: 'record_damaged' }) as unknown,
        }),
      ]) as unknown,
    });
    for (const queue of [queueNames.process, queueNames.deadRecorder]) {
      await expect.poll(() => system.broker.queues.inspect(queue), SOON).toMatchObject({ ready: 0 });
    }
  },
  60_000,
);
