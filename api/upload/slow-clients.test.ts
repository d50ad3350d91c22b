import { queueNames } from '@image-pipeline/shared/broker/topology.ts';
import { describe, expect, it } from 'vitest';
import { form } from '../../testing/images.ts';
import { BEGINNING_OF_FILE, beginningOfUpload, chunk } from '../../testing/raw-client.ts';
import { LENGTH, refusal, slotHolder } from '../../testing/slow-uploads.ts';
import { setUpSystem } from '../../testing/test-system.ts';

const system = setUpSystem();
const KIB = 1024;
describe('an upload whose client goes silent without closing', () => {
  it.each([
    ['after its headers', []],
    ['at a part', ['--x\r\nContent-Disposition: form-data; na']],
    ['in a file', [BEGINNING_OF_FILE, Buffer.alloc(600 * KIB)]],
    ['in a field', ['--x\r\nContent-Disposition: form-data; name="operations"\r\n\r\nresi']],
  ])('%s gets 408, and slot, key and memory are free at that moment', async (_where, bytes) => {
    const api = await system.startApi(
      { UPLOADS_IN_FLIGHT: 1, UPLOAD_MEMORY_MIB: 1 },
      { requestTimeoutMs: 300 },
    );
    const key = crypto.randomUUID();
    const opening = beginningOfUpload([LENGTH, `Idempotency-Key: ${key}`]);
    const client = await system.silentClient(api, opening, ...bytes);
    const problem = await refusal(client, 408);
    expect(problem).toMatchObject({ code: 'request_timeout', limit: 0.3, seen: bytes.join('').length });
    // The other end of its connection is still open.
    expect(client.isClosed).toBe(false);
    const next = await api.upload(form([{}]), { 'Idempotency-Key': key });
    expect(next.status).toBe(202);
    await system.take(queueNames.process);
  });

  it('before its first byte gets 408 sooner', async () => {
    const api = await system.startApi({ UPLOADS_IN_FLIGHT: 1 }, { uploadFirstByteMs: 300 });
    const begun = await system.silentClient(api, beginningOfUpload([LENGTH]), BEGINNING_OF_FILE);
    const silent = await system.silentClient(api, beginningOfUpload([LENGTH]));
    const next = api.upload(form([{}]));
    expect(begun.received).toBe('');
    begun.abort();
    const problem = await refusal(silent, 408);
    expect(problem).toMatchObject({
      detail: 'Nothing of the upload arrived within 0.3 s.',
      limit: 0.3,
      seen: 0,
    });
    expect((await next).status).toBe(202);
    await system.take(queueNames.process);
  });

  it('in a chunk gets 408 as well', async () => {
    const api = await system.startApi({ UPLOADS_IN_FLIGHT: 1 }, { requestTimeoutMs: 300 });
    const client = await system.silentClient(
      api,
      beginningOfUpload(['Transfer-Encoding: chunked']),
      chunk(BEGINNING_OF_FILE),
      '100\r\nabc',
    );
    await refusal(client, 408);
    expect((await api.upload(form([{}]))).status).toBe(202);
    await system.take(queueNames.process);
  });

  it('before "100 Continue" gets 408 as well', async () => {
    const api = await system.startApi({ UPLOADS_IN_FLIGHT: 1 }, { requestTimeoutMs: 300 });
    const client = await system.silentClient(api, beginningOfUpload([LENGTH, 'Expect: 100-continue']));
    await expect.poll(() => client.received).toContain('"request_timeout"');
    expect(client.received).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 408 /);
    expect((await api.upload(form([{}]))).status).toBe(202);
    await system.take(queueNames.process);
  });

  it('after a malformed chunk has no slot when it has its 400', async () => {
    const api = await system.startApi({ UPLOADS_IN_FLIGHT: 1 });
    const client = await system.silentClient(
      api,
      beginningOfUpload(['Transfer-Encoding: chunked']),
      chunk(BEGINNING_OF_FILE),
      'xyz\r\n',
    );
    await refusal(client, 400);
    expect((await api.upload(form([{}]))).status).toBe(202);
    await system.take(queueNames.process);
  });
});

describe('an upload below the minimum rate', () => {
  const RATE = { uploadMinRate: 100 * KIB, uploadRateWindowMs: 200 };

  it.each([
    ['that drips bytes', 1],
    ['that sends pieces', 1_000],
    ['that is almost fast enough', 4_000],
  ])('%s gets 408 with the numbers after the first window', async (_how, bytesPerPiece) => {
    const api = await system.startApi({ UPLOADS_IN_FLIGHT: 1 }, RATE);
    const client = await system.silentClient(api, beginningOfUpload([LENGTH]), BEGINNING_OF_FILE);
    const piece = Buffer.alloc(bytesPerPiece);
    const drip = setInterval(() => client.socket.writable && client.socket.write(piece), 50);
    const problem = await refusal(client, 408);
    clearInterval(drip);
    expect(problem).toMatchObject({ code: 'request_timeout', limit: 100 * KIB });
    expect(problem['seen']).toBeLessThan(100 * KIB);
    expect(problem['detail']).toContain('Minimum after the first 0.2 s: 102400 bytes per second.');
    expect((await api.upload(form([{}]))).status).toBe(202);
    await system.take(queueNames.process);
  });
});

describe('ten slow clients of ten kinds', () => {
  it('do not keep thirty ordinary uploads from being accepted, and hold no slot afterwards', async () => {
    const api = await system.startApi({}, { requestTimeoutMs: 3_000 });
    const upload = beginningOfUpload([LENGTH]);
    const chunked = beginningOfUpload(['Transfer-Encoding: chunked']);
    const read = 'GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n';
    const clients = [
      await system.silentClient(api),
      await system.silentClient(api, 'POST /upload HTTP/1.1\r\nHost: localhost\r\nContent-'),
      await system.silentClient(api, upload),
      await system.silentClient(api, upload, BEGINNING_OF_FILE),
      await system.silentClient(api, upload, BEGINNING_OF_FILE, Buffer.alloc(300 * KIB)),
      await system.silentClient(api, chunked, '1000\r\nabc'),
      await system.silentClient(api, chunked, chunk(BEGINNING_OF_FILE)),
      await system.silentClient(api, beginningOfUpload([LENGTH, 'Expect: 100-continue'])),
      await system.silentClient(api, 'GET /jobs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n'),
      await system.silentClient(api, read.repeat(20)),
    ];
    clients.at(-1)?.socket.pause();
    const uploads = await Promise.all(Array.from({ length: 30 }, () => api.upload(form([{}]))));
    expect(uploads.map(({ status }) => status)).toEqual(Array(30).fill(202));
    await system.take(queueNames.process, 30);
    const timedOut = () => clients.filter(({ received }) => received.includes('"request_timeout"')).length;
    await expect.poll(timedOut, { timeout: 10_000 }).toBeGreaterThanOrEqual(6);
    // More than an address may have if one of them still had a slot.
    const openings = Array.from({ length: 32 }, () => slotHolder(system, api));
    expect(await Promise.all(openings)).toHaveLength(32);
  });
});
