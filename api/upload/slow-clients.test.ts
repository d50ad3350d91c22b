import { queueNames } from '@image-pipeline/shared/broker/topology.ts';
import { describe, expect, it } from 'vitest';
import { form } from '../../testing/images.ts';
import { BEGINNING_OF_FILE, beginningOfUpload, chunk, RawClient } from '../../testing/raw-client.ts';
import { setUpSystem, type TestApi } from '../../testing/test-system.ts';

const system = setUpSystem();
const KIB = 1024;
const LENGTH = 'Content-Length: 1000000';
const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n';

/** A client that sends these bytes, then nothing, and never closes the connection. */
async function silentClient(api: TestApi, ...bytes: readonly (string | Buffer)[]): Promise<RawClient> {
  const client = await RawClient.to(api.port);
  system.onTestEnd(() => {
    client.abort();
    return Promise.resolve();
  });
  client.socket.allowHalfOpen = true;
  for (const more of bytes) await client.send(more);
  return client;
}

/** A silent client that has a slot: it got "100 Continue". */
async function slotHolder(api: TestApi, ...headers: readonly string[]): Promise<RawClient> {
  const client = await silentClient(api, beginningOfUpload([LENGTH, 'Expect: 100-continue', ...headers]));
  await expect.poll(() => client.received).toBe(CONTINUE);
  return client;
}

/** Resolves when the client has this status, and returns the problem. */
async function refusal(
  client: RawClient,
  status: number,
): Promise<{ head: string; problem: Record<string, unknown> }> {
  const received = () => client.received.replace(CONTINUE, '');
  const complete = new RegExp(`^HTTP/1\\.1 ${status} .*\\}\\n`, 's');
  await expect.poll(received, { timeout: 10_000 }).toMatch(complete);
  const [head = '', body = ''] = received().split('\r\n\r\n');
  return { head, problem: JSON.parse(body) as Record<string, unknown> };
}

/** The address of a client behind a trusted proxy. */
const from = (address: string) => `X-Forwarded-For: ${address}`;

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
    const client = await silentClient(api, opening, ...bytes);
    const { problem } = await refusal(client, 408);
    expect(problem).toMatchObject({ code: 'request_timeout', limit: 0.3, seen: bytes.join('').length });
    // The other end of its connection is still open.
    expect(client.isClosed).toBe(false);
    const next = await api.upload(form([{}]), { 'Idempotency-Key': key });
    expect(next.status).toBe(202);
    await system.take(queueNames.process);
  });

  it('before its first byte gets 408 sooner', async () => {
    const api = await system.startApi({ UPLOADS_IN_FLIGHT: 1 }, { uploadFirstByteMs: 300 });
    const begun = await silentClient(api, beginningOfUpload([LENGTH]), BEGINNING_OF_FILE);
    const silent = await silentClient(api, beginningOfUpload([LENGTH]));
    const next = api.upload(form([{}]));
    expect(begun.received).toBe('');
    begun.abort();
    const { problem } = await refusal(silent, 408);
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
    const client = await silentClient(
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
    const client = await silentClient(api, beginningOfUpload([LENGTH, 'Expect: 100-continue']));
    await expect.poll(() => client.received).toContain('"request_timeout"');
    expect(client.received).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 408 /);
    expect((await api.upload(form([{}]))).status).toBe(202);
    await system.take(queueNames.process);
  });

  it('after a malformed chunk has no slot when it has its 400', async () => {
    const api = await system.startApi({ UPLOADS_IN_FLIGHT: 1 });
    const client = await silentClient(
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
    const client = await silentClient(api, beginningOfUpload([LENGTH]), BEGINNING_OF_FILE);
    const piece = Buffer.alloc(bytesPerPiece);
    const drip = setInterval(() => client.socket.writable && client.socket.write(piece), 50);
    const { problem } = await refusal(client, 408);
    clearInterval(drip);
    expect(problem).toMatchObject({ code: 'request_timeout', limit: 100 * KIB });
    expect(problem['seen']).toBeLessThan(100 * KIB);
    expect(problem['detail']).toContain('Minimum after the first 0.2 s: 102400 bytes per second.');
    expect((await api.upload(form([{}]))).status).toBe(202);
    await system.take(queueNames.process);
  });
});

describe('an upload that waits for a slot', () => {
  it('gets 503 with the time to wait after its own limit, and no blame', async () => {
    const api = await system.startApi({ UPLOADS_IN_FLIGHT: 1 }, { uploadWaitMs: 300 });
    await slotHolder(api);
    const response = await api.upload(form([{}]));
    expect(response).toMatchObject({ status: 503, json: { code: 'overloaded', retry_after_seconds: 2 } });
    expect(response.headers.get('retry-after')).toBe('2');
    expect(response.json).toMatchObject({
      detail: expect.stringContaining('no upload slot became free within 0.3 s') as unknown,
    });
  });

  it('does not have its waiting time counted as receiving time', async () => {
    const api = await system.startApi(
      { UPLOADS_IN_FLIGHT: 1 },
      { requestTimeoutMs: 700, uploadWaitMs: 5_000 },
    );
    const first = await slotHolder(api);
    const second = await silentClient(api, beginningOfUpload([LENGTH]));
    const third = api.upload(form([{}]));
    await refusal(first, 408);
    expect(second.received).toBe('');
    await refusal(second, 408);
    expect((await third).status).toBe(202);
    await system.take(queueNames.process);
  });

  it('leaves the line when its client does', async () => {
    const api = await system.startApi({ UPLOADS_IN_FLIGHT: 1 });
    const first = await slotHolder(api);
    const waiting = [
      await silentClient(api, beginningOfUpload([LENGTH])),
      await silentClient(api, beginningOfUpload([LENGTH])),
    ];
    const honest = api.upload(form([{}]));
    for (const client of [...waiting, first]) client.abort();
    expect((await honest).status).toBe(202);
    await system.take(queueNames.process);
  });
});

describe('ten slow clients of ten kinds', () => {
  it('do not keep thirty ordinary uploads from being accepted, and hold no slot afterwards', async () => {
    const api = await system.startApi({}, { requestTimeoutMs: 3_000 });
    const upload = beginningOfUpload([LENGTH]);
    const chunked = beginningOfUpload(['Transfer-Encoding: chunked']);
    const read = 'GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n';
    const clients = [
      await silentClient(api),
      await silentClient(api, 'POST /upload HTTP/1.1\r\nHost: x\r\nContent-'),
      await silentClient(api, upload),
      await silentClient(api, upload, BEGINNING_OF_FILE),
      await silentClient(api, upload, BEGINNING_OF_FILE, Buffer.alloc(300 * KIB)),
      await silentClient(api, chunked, '1000\r\nabc'),
      await silentClient(api, chunked, chunk(BEGINNING_OF_FILE)),
      await silentClient(api, beginningOfUpload([LENGTH, 'Expect: 100-continue'])),
      await silentClient(api, 'GET /jobs HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n'),
      await silentClient(api, read.repeat(20)),
    ];
    clients.at(-1)?.socket.pause();
    const uploads = await Promise.all(Array.from({ length: 30 }, () => api.upload(form([{}]))));
    expect(uploads.map(({ status }) => status)).toEqual(Array(30).fill(202));
    await system.take(queueNames.process, 30);
    const timedOut = () => clients.filter(({ received }) => received.includes('"request_timeout"')).length;
    await expect.poll(timedOut, { timeout: 10_000 }).toBeGreaterThanOrEqual(6);
    // More than an address may have if one of them still had a slot.
    const openings = Array.from({ length: 32 }, () => slotHolder(api));
    expect(await Promise.all(openings)).toHaveLength(32);
  });
});

describe('one address', () => {
  const settings = { UPLOADS_IN_FLIGHT: 4, TRUSTED_PROXIES: 1 };

  it.each([
    ['silent clients', [LENGTH], []],
    ['half-sent files', [LENGTH], [BEGINNING_OF_FILE]],
    ['clients that expect 100', [LENGTH, 'Expect: 100-continue'], []],
  ])(
    'with dozens of %s holds half of the slots, and others upload as usual',
    async (_what, headers, bytes) => {
      const api = await system.startApi(settings);
      const slow = await Promise.all(
        Array.from({ length: 40 }, () =>
          silentClient(api, beginningOfUpload([...headers, from('203.0.113.7')]), ...bytes),
        ),
      );
      for (let count = 0; count < 10; count++) {
        const headersOfOther = { 'X-Forwarded-For': `198.51.100.${count}` };
        expect((await api.upload(form([{}]), headersOfOther)).status).toBe(202);
      }
      expect(slow.filter(({ received }) => received.includes('HTTP/1.1 503'))).toEqual([]);
      await system.take(queueNames.process, 10);
    },
  );

  it('that fills the line makes room for another address', async () => {
    const api = await system.startApi({ ...settings, UPLOADS_IN_FLIGHT: 1 });
    const slow: RawClient[] = [];
    slow.push(await slotHolder(api, from('203.0.113.7')));
    for (let count = 0; count < 10; count++) {
      slow.push(await silentClient(api, beginningOfUpload([LENGTH, from('203.0.113.7')])));
    }
    const other = api.upload(form([{}]), { 'X-Forwarded-For': '2001:db8::1' });
    await expect.poll(() => slow.filter(({ received }) => received.includes('"overloaded"'))).toHaveLength(1);
    // The next slot is for the other address.
    slow[0]?.abort();
    slow[1]?.abort();
    expect((await other).status).toBe(202);
    await system.take(queueNames.process);
  });

  it('in IPv6 is a whole network', async () => {
    const api = await system.startApi({ ...settings, UPLOADS_IN_FLIGHT: 2 });
    const first = await slotHolder(api, from('2001:db8::1'));
    const sameNetwork = api.upload(form([{}]), { 'X-Forwarded-For': '2001:db8::2' });
    expect((await api.upload(form([{}]), { 'X-Forwarded-For': '2001:db8:1::1' })).status).toBe(202);
    first.abort();
    expect((await sameNetwork).status).toBe(202);
    await system.take(queueNames.process, 2);
  });
});
