import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { setUpSystem } from '../../testing/test-system.ts';
import { form } from '../../testing/images.ts';
import { BEGINNING_OF_FILE, beginningOfUpload, chunk, RawClient } from '../../testing/raw-client.ts';

const system = setUpSystem();
const run = promisify(execFile);
const KIB = 1024;
const MIB = 1024 * KIB;

describe('a file over the limit', () => {
  it('returns 413 with the limit and the size', async () => {
    const api = await system.startApi({ MAX_FILE_BYTES: 64 * KIB });
    const response = await api.upload(form([{ bytes: new Uint8Array(64 * KIB + 1) }]));
    expect(response.json).toMatchObject({ code: 'file_too_large', limit: 64 * KIB });
    expect(response.json).toHaveProperty('seen');
    await expect.poll(temporaryFiles).toEqual([]);
    expect(await system.storedKeys()).toEqual([]);
  });

  it('is accepted at exactly the limit', async () => {
    const api = await system.startApi({ MAX_FILE_BYTES: 64 * KIB });
    const response = await api.upload(form([{ bytes: new Uint8Array(64 * KIB) }]));
    expect(response.json).toMatchObject({ code: 'unsupported_type' });
  });

  it('is cut off within the file, and curl still reads the response', async () => {
    const api = await system.startApi({ MAX_FILE_BYTES: 64 * KIB, MAX_FILES: 100 });
    const { status, body } = await curl(api.url, 6 * MIB);
    expect(status).toBe(413);
    expect(body).toMatchObject({ code: 'file_too_large', limit: 64 * KIB });
  });
});

describe('a client that reads only after it has sent everything', () => {
  it.each([
    ['file', 'file_too_large', { MAX_FILE_BYTES: 128 * KIB, MAX_FILES: 100 }],
    ['body', 'body_too_large', { MAX_FILE_BYTES: 128 * KIB, MAX_FILES: 1 }],
  ])(
    'can send for a while after too large a %s, so that it reads the response',
    async (_what, code, limits) => {
      const api = await system.startApi(limits);
      const client = await RawClient.to(api.port);
      const rest = Buffer.alloc(12 * MIB);
      await client.send(beginningOfUpload([`Content-Length: ${BEGINNING_OF_FILE.length + rest.length}`]));
      await client.send(BEGINNING_OF_FILE);
      expect(await client.send(rest)).toBe(true);
      await client.closed();
      expect(client.received).toMatch(/^HTTP\/1\.1 413 /);
      expect(client.received).toContain(`"code":"${code}"`);
      expect(client.wasReset).toBe(false);
    },
  );
});

describe('a body over the limit', () => {
  it('is refused by its Content-Length before curl has sent a byte', async () => {
    const api = await system.startApi({ MAX_FILE_BYTES: 64 * KIB, MAX_FILES: 1 });
    const { status, body, sent } = await curl(api.url, 20 * MIB);
    expect(status).toBe(413);
    expect(body).toMatchObject({ code: 'body_too_large' });
    expect(sent).toBe(0);
  });

  it('is refused for a client that sends without "Expect"', async () => {
    const api = await system.startApi({ MAX_FILE_BYTES: 64 * KIB, MAX_FILES: 1 });
    const { status, body } = await curl(api.url, 8 * MIB, ['-H', 'Expect:']);
    expect(status).toBe(413);
    expect(body).toMatchObject({ code: 'body_too_large' });
  });

  it('without a length and without an end is refused and then cut', async () => {
    const api = await system.startApi({ MAX_FILE_BYTES: 64 * KIB, MAX_FILES: 1 });
    const client = await RawClient.to(api.port);
    await client.send(beginningOfUpload(['Transfer-Encoding: chunked']));
    await client.send(chunk(BEGINNING_OF_FILE));
    const more = chunk(Buffer.alloc(MIB));
    while (await client.send(more));
    expect(client.received).toMatch(/^HTTP\/1\.1 413 /);
    expect(client.received).toContain('file_too_large');
    expect(client.received).toContain('Connection: close');
    await expect.poll(temporaryFiles).toEqual([]);
  });

  it('without any part is cut at the limit of the body', async () => {
    const api = await system.startApi({ MAX_FILE_BYTES: 64 * KIB, MAX_FILES: 1 });
    const client = await RawClient.to(api.port);
    await client.send(beginningOfUpload(['Transfer-Encoding: chunked']));
    const more = chunk(Buffer.alloc(MIB, 'preamble'));
    while (await client.send(more));
    expect(client.received).toMatch(/^HTTP\/1\.1 413 /);
    expect(client.received).toContain('body_too_large');
  });
});

describe('a form over its limits', () => {
  it('of files returns that limit', async () => {
    const api = await system.startApi({ MAX_FILES: 2 });
    const response = await api.upload(form([{}, {}, {}]));
    expect(response.json).toMatchObject({ code: 'too_many_files', limit: 2, seen: 3 });
    expect(await system.storedKeys()).toEqual([]);
  });

  it.each([
    ['fields', Object.fromEntries(Array.from({ length: 11 }, (_, index) => [`f${index}`, '1'])), 10],
    ['bytes of a field', { operations: 'x'.repeat(16 * KIB + 1) }, 16 * KIB],
    ['bytes of a name', { ['x'.repeat(101)]: '1' }, 100],
  ])('of %s returns that limit', async (_what, fields, limit) => {
    const api = await system.startApi();
    const response = await api.upload(form([{}], fields));
    expect(response.json).toMatchObject({ code: 'too_many_fields', limit });
  });
});

describe('a request that times out', () => {
  it.each([
    ['its head', 'POST /upload HTTP/1.1\r\n'],
    ['its body', `${beginningOfUpload(['Content-Length: 1000000'])}${BEGINNING_OF_FILE}`],
  ])('is aborted when %s takes too long, and leaves nothing', async (_what, bytes) => {
    const api = await system.startApi({}, { headersTimeoutMs: 200, requestTimeoutMs: 400 });
    const client = await RawClient.to(api.port);
    await client.send(bytes);
    await client.closed();
    expect(client.received).toMatch(/^HTTP\/1\.1 408 .*"code":"request_timeout"/s);
    await expect.poll(temporaryFiles).toEqual([]);
  });
});

describe('an upload that its client aborts', () => {
  it.each([0, 1])('leaves nothing (with %i MiB of memory for uploads)', async (UPLOAD_MEMORY_MIB) => {
    const api = await system.startApi({ UPLOADS_IN_FLIGHT: 1, UPLOAD_MEMORY_MIB });
    const client = await RawClient.to(api.port);
    await client.send(beginningOfUpload(['Content-Length: 1000000']));
    await client.send(BEGINNING_OF_FILE);
    await client.send(Buffer.alloc(200 * KIB));
    client.abort();
    await expect.poll(temporaryFiles).toEqual([]);
    expect((await api.upload(form([{ bytes: Buffer.from('text') }]))).status).toBe(415);
    expect(await system.storedKeys()).toEqual([]);
  });
});

describe('concurrent uploads', () => {
  it('beyond the slots wait, and beyond ten times as many are refused with Retry-After', async () => {
    const api = await system.startApi({ UPLOADS_IN_FLIGHT: 1 });
    const clients = await Promise.all(Array.from({ length: 12 }, () => RawClient.to(api.port)));
    for (const client of clients) await client.send(beginningOfUpload(['Content-Length: 1000000']));
    const refused = () => clients.filter((client) => client.received.includes('"code":"overloaded"'));
    await expect.poll(refused).toHaveLength(1);
    expect(refused()[0]?.received).toMatch(/^HTTP\/1\.1 503 .*Retry-After: \d+/s);
    clients.forEach((client) => client.abort());
    await expect.poll(async () => (await api.upload(form([{}]))).status).toBe(202);
  });

  it('beyond the rate limit of an address are refused unread with RateLimit and Retry-After', async () => {
    const api = await system.startApi({ RATE_LIMIT_PER_MINUTE: 2 });
    const [first, , third] = [
      await api.upload(form([{}])),
      await api.upload(form([{}])),
      await api.upload(form([{}])),
    ];
    expect(first.status).toBe(202);
    expect(first.headers.get('ratelimit')).toContain('r=1');
    expect(third).toMatchObject({ status: 429, json: { code: 'rate_limited', limit: 2 } });
    expect(Number(third.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await api.ask('/livez')).status).toBe(200);
  });
});

/** The temporary files of this process's APIs. */
async function temporaryFiles(): Promise<string[]> {
  const prefix = `image-pipeline-upload-${process.pid}-`;
  return (await readdir(tmpdir())).filter((name) => name.startsWith(prefix));
}

/** Uploads with curl; `sent` is how many bytes of the body it sent. */
async function curl(url: string, bytes: number, options: readonly string[] = []) {
  const folder = await mkdtemp(join(tmpdir(), 'curl-'));
  try {
    const file = join(folder, 'large.png');
    await writeFile(file, Buffer.alloc(bytes));
    const { stdout } = await run('curl', [
      ...['--silent', '--show-error', '--max-time', '20', '--write-out', '\n%{http_code} %{size_upload}'],
      ...[...options, '-F', `file=@${file}`, `${url}/upload`],
    ]);
    const lastLine = stdout.lastIndexOf('\n');
    const [status = 0, sent = 0] = stdout.slice(lastLine).trim().split(' ').map(Number);
    return { status, sent, body: JSON.parse(stdout.slice(0, lastLine)) as unknown };
  } finally {
    await rm(folder, { recursive: true });
  }
}
