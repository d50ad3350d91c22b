import { createHash } from 'node:crypto';
import type { JobRequest } from '@image-pipeline/shared/contracts/job.ts';
import type { CompletedOutcome } from '@image-pipeline/shared/contracts/outcome.ts';
import { originalKey } from '@image-pipeline/shared/store/keys.ts';
import { completedOutcome, failedOutcome, someRequest } from '../../testing/job-life.ts';
import { parse as parseDisposition } from 'content-disposition';
import { describe, expect, it } from 'vitest';
import { setUpSystem } from '../../testing/test-system.ts';
import { images } from '../../testing/images.ts';

const system = setUpSystem();
const result = images['image/webp'];
const thumbnail = images['image/jpeg'];
const original = images['image/png'];

function digest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

describe.each([
  ['results', result, 'image/webp', 'Мой "кот" 猫.webp'],
  ['originals', original, 'image/png', 'Мой "кот" 猫.png'],
  ['thumbnail', thumbnail, 'image/jpeg', 'Мой "кот" 猫-thumbnail.jpg'],
])('/%s', (path, bytes, type, name) => {
  it('returns the bytes with headers for caching and security', async () => {
    const api = await system.startApi();
    const { request } = await completedJob();
    const response = await api.ask(`/${path}/${request.job_id}`);
    expect(response.bytes).toEqual(Buffer.from(bytes));
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': type,
      'content-length': String(bytes.length),
      etag: `"${digest(bytes)}"`,
      'cache-control': 'private, max-age=31536000, immutable',
      'x-content-type-options': 'nosniff',
    });
    expect(response.headers.get('content-security-policy')).toContain('sandbox');
    const disposition = parseDisposition(response.headers.get('content-disposition') ?? '');
    expect(disposition).toMatchObject({ type: 'inline', parameters: { filename: name } });
  });

  it('accepts an id in capital letters', async () => {
    const api = await system.startApi();
    const { request } = await completedJob();
    const response = await api.ask(`/${path}/${request.job_id.toUpperCase()}`);
    expect(response.bytes).toEqual(Buffer.from(bytes));
  });

  it('returns the same headers without bytes for HEAD', async () => {
    const api = await system.startApi();
    const { request } = await completedJob();
    const response = await api.ask(`/${path}/${request.job_id}`, { method: 'HEAD' });
    expect(response).toMatchObject({ status: 200, bytes: Buffer.alloc(0) });
    expect(response.headers.get('content-length')).toBe(String(bytes.length));
  });

  it('returns 304 for a matching ETag, and the bytes for another one', async () => {
    const api = await system.startApi();
    const { request } = await completedJob();
    const etag = `"${digest(bytes)}"`;
    const asked = (known: string) =>
      api.ask(`/${path}/${request.job_id}`, { headers: { 'if-none-match': known, 'cache-control': '' } });
    expect(await asked(etag)).toMatchObject({ status: 304, bytes: Buffer.alloc(0) });
    expect(await asked(`"other", W/${etag}`)).toMatchObject({ status: 304 });
    expect(await asked('"other"')).toMatchObject({ status: 200 });
  });

  it('returns 410 if the bytes have been removed', async () => {
    const api = await system.startApi();
    const { request, outcome } = await completedJob();
    const keys = [originalKey(request.job_id), outcome.result.key, outcome.thumbnail.key];
    await Promise.all(keys.map((key) => system.store.remove(key)));
    for (const method of ['GET', 'HEAD']) {
      const response = await api.ask(`/${path}/${request.job_id}`, { method });
      expect(response.status).toBe(410);
      expect(response.headers.get('etag')).toBeNull();
    }
    expect((await api.ask(`/${path}/${request.job_id}`)).json).toMatchObject({
      code: 'result_gone',
      job_id: request.job_id,
    });
  });
});

describe.each(['results', 'originals', 'thumbnail'] as const)('/%s whose bytes in the store', (path) => {
  it.each([
    ['are cut', (bytes: Buffer) => bytes.subarray(0, -1)],
    ['are none', () => Buffer.alloc(0)],
    ['are those of another image', () => Buffer.from(images['image/gif'])],
    ['are others of the same length', (bytes: Buffer) => Buffer.alloc(bytes.length, 1)],
  ])('%s is 502, and counted', async (_what, change) => {
    const api = await system.startApi();
    const { request, outcome } = await completedJob();
    const { key, bytes } = {
      results: { key: outcome.result.key, bytes: result },
      originals: { key: originalKey(request.job_id), bytes: original },
      thumbnail: { key: outcome.thumbnail.key, bytes: thumbnail },
    }[path];
    await system.store.put(key, change(Buffer.from(bytes)));
    const response = await api.ask(`/${path}/${request.job_id}`);
    expect(response).toMatchObject({ status: 502, json: { code: 'image_damaged' } });
    expect(response.headers.get('etag')).toBeNull();
    const metrics = (await api.ask('/metrics')).bytes.toString();
    const kind = path.replace(/s$/, '');
    expect(metrics).toContain(`image_store_damaged_images_total{kind="${kind}"} 1\n`);
  });
});

it('an original is served under a name that says what it is', async () => {
  const api = await system.startApi();
  const { original: png, ...others } = someRequest();
  const request = {
    ...others,
    original: {
      ...png,
      name: 'page.html',
      content_type: 'image/png' as const,
      size: original.length,
      sha256: digest(original),
    },
  };
  await system.store.put(originalKey(request.job_id), original);
  await system.storeJob(request);
  const response = await api.ask(`/originals/${request.job_id}`);
  const disposition = parseDisposition(response.headers.get('content-disposition') ?? '');
  expect(disposition.parameters).toEqual({ filename: 'page.png' });
});

it('a large result with other bytes is cut off before its end', async () => {
  const api = await system.startApi();
  const request = someRequest();
  const bytes = Buffer.alloc(3 * 1024 * 1024, 'large');
  const ended = completedOutcome(request);
  const stored = { ...ended.result, size: bytes.length, sha256: digest(bytes) };
  await system.storeJob(request, { ...ended, result: stored });
  await system.store.put(ended.result.key, bytes);
  expect((await api.ask(`/results/${request.job_id}`)).bytes).toEqual(bytes);
  bytes[bytes.length - 1] = 0;
  await system.store.put(ended.result.key, bytes);
  await expect(api.ask(`/results/${request.job_id}`)).rejects.toThrow('terminated');
});

describe.each(['results', 'thumbnail'])('/%s of a job without a result', (path) => {
  it('is 409 with Retry-After before the end', async () => {
    const api = await system.startApi();
    const request = someRequest();
    await system.storeJob(request);
    const response = await api.ask(`/${path}/${request.job_id}`);
    expect(response).toMatchObject({ status: 409, json: { code: 'not_ready', job_status: 'queued' } });
    expect(response.headers.get('retry-after')).toBe('10');
  });

  it('is 410 with the code and the reason after a failure', async () => {
    const api = await system.startApi();
    const request = someRequest();
    const outcome = failedOutcome(request);
    await system.storeJob(request, outcome);
    const response = await api.ask(`/${path}/${request.job_id}`);
    expect(response).toMatchObject({ status: 410, json: { code: 'job_failed', error: outcome.error } });
  });
});

/** A job that went from PNG to WebP, with all its bytes in the store. */
async function completedJob(): Promise<{ request: JobRequest; outcome: CompletedOutcome }> {
  const request = someRequest({
    original: {
      name: 'Мой "кот" 猫.png',
      content_type: 'image/png',
      size: original.length,
      sha256: digest(original),
    },
  });
  const ended = completedOutcome(request);
  const outcome = {
    ...ended,
    result: {
      ...ended.result,
      content_type: 'image/webp' as const,
      size: result.length,
      sha256: digest(result),
    },
    thumbnail: { ...ended.thumbnail, size: thumbnail.length, sha256: digest(thumbnail) },
  };
  await system.store.put(originalKey(request.job_id), original);
  await system.store.put(outcome.result.key, result);
  await system.store.put(outcome.thumbnail.key, thumbnail);
  await system.storeJob(request, outcome);
  return { request, outcome };
}
