import { createHash } from 'node:crypto';
import { queueNames } from '@image-pipeline/shared/broker/topology.ts';
import { jobMessageSchema, jobRequestSchema } from '@image-pipeline/shared/contracts/job.ts';
import { inputTypes } from '@image-pipeline/shared/contracts/operations.ts';
import { originalKey, requestKey } from '@image-pipeline/shared/store/keys.ts';
import { readBytes, readJson } from '@image-pipeline/shared/store/read-object.ts';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { setUpSystem } from '../../testing/test-system.ts';
import { form, images } from '../../testing/images.ts';
import { RawClient } from '../../testing/raw-client.ts';
import { acceptedJobSchema, acceptedJobsSchema } from './upload-response.ts';

const system = setUpSystem();

describe('an upload that is accepted', () => {
  it('is stored, queued as a job with its headers, and returns 202 with links', async () => {
    const api = await system.startApi({ PUBLIC_NOTIFICATION_URL: 'ws://localhost:8001' });
    const bytes = images['image/jpeg'];
    const response = await api.upload(
      form([{ bytes, name: 'Мой кот 猫.jpg' }], { operations: 'resize:300x200,filter:sepia', format: 'jpg' }),
    );
    expect(response.status).toBe(202);
    const { job_id, status_url } = acceptedJobSchema.parse(response.json);
    expect(response.json).toEqual({
      job_id,
      status: 'queued',
      status_url: `/status/${job_id}`,
      result_url: `/results/${job_id}`,
      events_url: `ws://localhost:8001/ws?job_id=${job_id}`,
    });
    expect(response.headers.get('location')).toBe(status_url);

    const request = await readJson(system.store, requestKey(job_id, 1), jobRequestSchema);
    expect(request).toMatchObject({
      version: 1,
      job_id,
      run: 1,
      original: {
        name: 'Мой кот 猫.jpg',
        content_type: 'image/jpeg',
        size: bytes.length,
        sha256: createHash('sha256').update(bytes).digest('hex'),
      },
      operations: [
        { type: 'resize', width: 300, height: 200, fit: 'contain', enlarge: false },
        { type: 'filter', name: 'sepia' },
      ],
      output: { format: 'jpeg', quality: 85 },
    });
    expect(await readBytes(system.store, originalKey(job_id), 10_000)).toEqual(Buffer.from(bytes));

    const [job] = await system.take(queueNames.process, 1);
    expect(job?.headers).toMatchObject({ 'x-run': 1, 'x-attempt': 1 });
    expect(job?.correlationId).toBe(job_id);
    expect(jobMessageSchema.parse(JSON.parse(String(job?.content)))).toEqual({ ...request, history: [] });
  });

  it.each(inputTypes)('can be %s, whatever its name says', async (type) => {
    const api = await system.startApi();
    const response = await api.upload(form([{ bytes: images[type], name: 'photo.txt' }]));
    expect(response.status).toBe(202);
    const { job_id } = acceptedJobSchema.parse(response.json);
    expect(await readJson(system.store, requestKey(job_id, 1), jobRequestSchema)).toMatchObject({
      original: { content_type: type },
      operations: [
        { type: 'resize', width: 800, height: 600, fit: 'contain' },
        { type: 'watermark', position: 'bottom-right', opacity: 0.5 },
      ],
    });
    await system.take(queueNames.process, 1);
  });

  it('is shown as queued at once, in status and list, and on other replicas by its event', async () => {
    const [api, other] = [await system.startApi(), await system.startApi()];
    const { job_id } = acceptedJobSchema.parse((await api.upload(form([{}]))).json);
    expect((await api.ask(`/status/${job_id}`)).json).toMatchObject({ job_id, status: 'queued', run: 1 });
    expect((await api.ask('/jobs?limit=1')).json).toMatchObject({ jobs: [{ job_id, status: 'queued' }] });
    await expect
      .poll(async () => (await other.ask('/jobs?limit=1')).json)
      .toMatchObject({ jobs: [{ job_id, status: 'queued' }] });
    await system.take(queueNames.process, 1);
  });

  it('has links with the public URL if one is configured', async () => {
    const api = await system.startApi({ PUBLIC_API_URL: 'https://images.example.org' });
    const response = await api.upload(form([{}]));
    const { job_id } = acceptedJobSchema.parse(response.json);
    expect(response.json).toMatchObject({ status_url: `https://images.example.org/status/${job_id}` });
    expect(response.json).not.toHaveProperty('events_url');
    await system.take(queueNames.process, 1);
  });
});

describe('an upload of several files', () => {
  it('gives each file its own result, and queues the accepted ones in order', async () => {
    const api = await system.startApi();
    const response = await api.upload(
      form([
        { name: 'one.png' },
        { bytes: new TextEncoder().encode('no image'), name: 'two.jpg' },
        { name: 'three.png' },
        { bytes: new Uint8Array(), name: 'four.png' },
      ]),
    );
    expect(response.status).toBe(202);
    const { jobs } = acceptedJobsSchema.parse(response.json);
    expect(jobs).toMatchObject([
      { file: 'one.png', status: 'queued' },
      { file: 'two.jpg', error: { code: 'unsupported_type', status: 415 } },
      { file: 'three.png', status: 'queued' },
      { file: 'four.png', error: { code: 'empty_file', status: 400 } },
    ]);
    const queued = (await system.take(queueNames.process, 2)).map(({ correlationId }) => correlationId);
    expect(queued).toEqual(jobs.flatMap((job) => ('job_id' in job ? [job.job_id] : [])));
  });

  it('returns the problem of its first file if none was accepted', async () => {
    const api = await system.startApi();
    const before = await system.storedKeys();
    const bytes = new TextEncoder().encode('no image');
    const response = await api.upload(
      form([
        { bytes, name: 'a.jpg' },
        { bytes: new Uint8Array(), name: 'b.png' },
      ]),
    );
    expect(response.status).toBe(415);
    expect(response.json).toMatchObject({
      code: 'unsupported_type',
      jobs: [
        { file: 'a.jpg', error: { code: 'unsupported_type' } },
        { file: 'b.png', error: { code: 'empty_file' } },
      ],
    });
    expect(await system.storedKeys()).toEqual(before);
  });
});

describe('an upload that is refused', () => {
  const text = new TextEncoder().encode('This is a text and no image.\n');
  const allowedFields = ['file', 'operations', 'format', 'quality', 'callback_url'];
  const lists = z.object({ allowed: z.unknown() });

  it.each([
    ['no file', form([], { operations: 'resize' }), 400, 'no_file'],
    ['an empty form', new FormData(), 400, 'no_file'],
    ['a file sent as text', form([], { file: 'hello' }), 400, 'no_file'],
    ['an empty file', form([{ bytes: new Uint8Array(), name: 'empty.png' }]), 400, 'empty_file'],
    ['a file in a wrong field', form([{ field: 'image' }]), 400, 'unexpected_field'],
    ['an unknown field', form([{}], { colour: 'red' }), 400, 'unexpected_field'],
    ['a field with brackets', form([{}], { 'operations[0]': 'resize' }), 400, 'unexpected_field'],
    ['text named .jpg', form([{ bytes: text, name: 'photo.jpg' }]), 415, 'unsupported_type'],
    ['an unknown operation', form([{}], { operations: 'resize,rotate' }), 422, 'invalid_parameter'],
    ['an unknown filter', form([{}], { operations: 'filter:lomo' }), 422, 'invalid_parameter'],
    ['a parameter out of range', form([{}], { operations: 'resize:8193' }), 422, 'invalid_parameter'],
    ['broken JSON', form([{}], { operations: '[{"type":' }), 422, 'invalid_parameter'],
    ['an unknown format', form([{}], { format: 'bmp' }), 422, 'invalid_parameter'],
    ['a quality out of range', form([{}], { quality: '0' }), 422, 'invalid_parameter'],
  ])('for %s returns what is allowed and leaves nothing', async (_case, body, status, code) => {
    const api = await system.startApi();
    const before = await system.storedKeys();
    const response = await api.upload(body);
    expect(response).toMatchObject({ status, json: { code, status } });
    if (code === 'unexpected_field') expect(response.json).toMatchObject({ allowed: allowedFields });
    if (code === 'unsupported_type')
      expect(response.json).toMatchObject({ allowed: inputTypes, seen: 'unknown' });
    if (code === 'invalid_parameter') expect(lists.safeParse(response.json).success).toBe(true);
    expect(await system.storedKeys()).toEqual(before);
  });

  it('for a body that is no form returns what is allowed', async () => {
    const api = await system.startApi();
    const response = await api.ask('/upload', {
      method: 'POST',
      body: '{"file":"…"}',
      headers: { 'content-type': 'application/json' },
    });
    expect(response.json).toMatchObject({ code: 'malformed_multipart', allowed: ['multipart/form-data'] });
  });

  it('without a body returns what is allowed', async () => {
    const api = await system.startApi();
    // fetch would send Content-Length: 0.
    const client = await RawClient.to(api.port);
    await client.send('POST /upload HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
    await client.closed();
    expect(client.received).toContain('"code":"malformed_multipart"');
    expect(client.received).toContain(
      'Unsupported content type: a request without a body. Send multipart/form-data.',
    );
  });

  it.each([
    ['ends too early', '--x\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\nabc'],
    ['has a broken head', '--x\r\nContent-Disposition form-data\r\n\r\nabc\r\n--x--\r\n'],
    ['has no part', 'nothing'],
  ])('for a form that %s is malformed', async (_case, body) => {
    const api = await system.startApi();
    const response = await api.ask('/upload', {
      method: 'POST',
      body,
      headers: { 'content-type': 'multipart/form-data; boundary=x' },
    });
    expect(response.json).toMatchObject({ code: 'malformed_multipart' });
  });

  it('for a form without a boundary is malformed', async () => {
    const api = await system.startApi();
    const headers = { 'content-type': 'multipart/form-data' };
    const response = await api.ask('/upload', { method: 'POST', body: 'abc', headers });
    expect(response.json).toMatchObject({ code: 'malformed_multipart' });
  });
});
