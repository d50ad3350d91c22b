import type { LookupAddress } from 'node:dns';
import { parseAllowedReceivers } from '@image-pipeline/shared/webhooks/allowed-receivers.ts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { responding, closing, endless, Receiver, silent } from '../../testing/webhook-receiver.ts';
import { postWebhook, type PostOptions } from './post-webhook.ts';
import type { Resolve } from './resolve-receiver.ts';

const LOOPBACK: LookupAddress = { address: '127.0.0.1', family: 4 };
const allowed = parseAllowedReceivers('127.0.0.1');
const nobody = parseAllowedReceivers('');
const never = new AbortController().signal;

let receiver: Receiver;
beforeEach(async () => {
  receiver = await Receiver.start();
});
afterEach(() => receiver.stop());

const noResolver: Resolve = () => Promise.reject(new Error('nothing is to be resolved'));
const resolvesTo =
  (...addresses: readonly LookupAddress[]): Resolve =>
  () =>
    Promise.resolve(addresses);

function post(url: string, options: Partial<PostOptions> = {}) {
  const defaults = { allowed, resolve: noResolver, timeoutMs: 5_000, signal: never };
  return postWebhook(new URL(url), { 'webhook-id': 'msg_1' }, '{"ä":1}', { ...defaults, ...options });
}

describe('a webhook', () => {
  it('is posted with its headers and body', async () => {
    expect(await post(receiver.url('/a?b=c'))).toMatchObject({ status: 200 });
    expect(receiver.received).toMatchObject([
      {
        path: '/a?b=c',
        headers: { 'webhook-id': 'msg_1', host: `127.0.0.1:${receiver.port}`, 'content-length': '8' },
        body: '{"ä":1}',
      },
    ]);
  });

  it('follows no redirect', async () => {
    const other = await Receiver.start();
    receiver.respondWith([responding(302, { location: other.url() })]);
    expect(await post(receiver.url())).toMatchObject({ status: 302 });
    expect(other.received).toEqual([]);
    await other.stop();
  });

  it.each([
    ['7', 7_000],
    [new Date(Date.now() + 60_000).toUTCString(), 60_000],
    ['Mon, 01 Jan 2001 00:00:00 GMT', undefined],
    ['soon', undefined],
  ])('parses Retry-After: %s as %s ms', async (header, ms) => {
    receiver.respondWith([responding(503, { 'retry-after': header })]);
    const result = await post(receiver.url());
    if (ms === undefined) expect(result).toEqual({ status: 503, retryAfterMs: undefined });
    else {
      expect(result).toHaveProperty('retryAfterMs', expect.closeTo(ms, -4));
    }
  });
});

describe('a name', () => {
  it('is resolved once, and connected to at the address that was checked', async () => {
    let asked = 0;
    const rebinding: Resolve = (hostname) => {
      expect(hostname).toBe('rebinding.example');
      asked++;
      // First a public address, later a private one.
      return Promise.resolve([asked === 1 ? LOOPBACK : { address: '10.0.0.1', family: 4 }]);
    };
    const url = `http://rebinding.example:${receiver.port}/`;
    expect(await post(url, { resolve: rebinding })).toMatchObject({ status: 200 });
    expect(asked).toBe(1);
    expect(receiver.received[0]?.headers.host).toBe(`rebinding.example:${receiver.port}`);
    expect(await post(url, { resolve: rebinding })).toMatchObject({ code: 'address_refused' });
    expect(receiver.received).toHaveLength(1);
  });

  it.each([
    [LOOPBACK],
    [{ address: '::ffff:127.0.0.1', family: 6 }],
    [{ address: '93.184.216.34', family: 4 }, LOOPBACK],
    [
      { address: '2606:4700::1', family: 6 },
      { address: '169.254.169.254', family: 4 },
    ],
  ])('that resolves to a private address is rejected (%j %j)', async (...addresses) => {
    const url = `http://127.0.0.1.nip.io:${receiver.port}/`;
    const options = { resolve: resolvesTo(...addresses), allowed: nobody };
    const result = await post(url, options);
    expect(result).toMatchObject({ code: 'address_refused', reason: '' });
    expect('logged' in result ? result.logged : '').toContain('not public');
    expect(receiver.received).toEqual([]);
  });

  it('that is allowed may resolve to any address', async () => {
    const options = { resolve: resolvesTo(LOOPBACK), allowed: parseAllowedReceivers('hooks.internal') };
    expect(await post(`http://hooks.internal:${receiver.port}/`, options)).toMatchObject({ status: 200 });
  });

  it('with several addresses is tried at each', async () => {
    const resolve = resolvesTo({ address: '::1', family: 6 }, LOOPBACK);
    const options = { resolve, allowed: parseAllowedReceivers('::1,127.0.0.1') };
    expect(await post(`http://two.example:${receiver.port}/`, options)).toMatchObject({ status: 200 });
  });

  it.each([
    ['ENOTFOUND', 'name_not_found'],
    ['EAI_AGAIN', 'name_not_found'],
    ['ECONNREFUSED', 'name_not_found'],
    ['EBADRESP', 'name_not_found'],
    ['ETIMEOUT', 'timed_out'],
  ])('that is not resolved (%s) is reported: %s', async (code, reported) => {
    const resolve = () => Promise.reject(Object.assign(new Error('of the resolver'), { code }));
    expect(await post('http://no.example/', { resolve })).toEqual({ code: reported, reason: `(${code})` });
  });

  it('without addresses, or not resolved in time, is reported', async () => {
    expect(await post('http://none.example/', { resolve: resolvesTo() })).toMatchObject({
      code: 'connection_lost',
    });
    const unanswered = new Promise<never>(() => undefined);
    expect(await post('http://slow.example/', { resolve: () => unanswered, timeoutMs: 100 })).toMatchObject({
      code: 'timed_out',
    });
  });
});

describe('an address', () => {
  it.each(['127.0.0.1', '0x7f.1', '2130706433', '[::1]', '[::ffff:127.0.0.1]', '169.254.169.254'])(
    '%s is refused without an attempt to connect',
    async (host) => {
      const url = `http://${host}:${receiver.port}/`;
      expect(await post(url, { allowed: nobody })).toMatchObject({ code: 'address_refused' });
      expect(receiver.received).toEqual([]);
    },
  );
});

describe('a receiver', () => {
  it('that never responds times out', async () => {
    receiver.respondWith([silent]);
    expect(await post(receiver.url(), { timeoutMs: 200 })).toEqual({
      code: 'timed_out',
      reason: 'The limit is 200 ms.',
    });
  });

  it('that closes the connection is reported', async () => {
    receiver.respondWith([closing]);
    expect(await post(receiver.url())).toEqual({ code: 'connection_lost', reason: '(ECONNRESET)' });
  });

  it('that does not listen is reported', async () => {
    const other = await Receiver.start();
    const url = other.url();
    await other.stop();
    expect(await post(url)).toEqual({ code: 'not_connected', reason: '(ECONNREFUSED)' });
  });

  it('whose response never ends counts by its status, and little of it is read', async () => {
    const { respond, sent } = endless();
    receiver.respondWith([respond]);
    expect(await post(receiver.url())).toMatchObject({ status: 200 });
    expect(await sent).toBeLessThan(8 * 1024 * 1024);
  });

  it('whose response stalls counts by its status', async () => {
    receiver.respondWith([
      (_request, response) => {
        response.writeHead(200, { 'content-length': '1000' });
        response.write('…');
      },
    ]);
    expect(await post(receiver.url(), { timeoutMs: 300 })).toMatchObject({ status: 200 });
  });

  it('that is not an HTTP server, or sends endless headers, is reported', async () => {
    receiver.respondWith([
      (request) => void request.socket.end('SSH-2.0-OpenSSH_9.2\r\n'),
      (request) => void request.socket.end(`HTTP/1.1 200 OK\r\nx: ${'y'.repeat(100_000)}\r\n\r\n`),
    ]);
    expect(await post(receiver.url())).toMatchObject({ code: 'connection_lost' });
    expect(await post(receiver.url())).toMatchObject({ code: 'connection_lost' });
  });

  it('that switches protocols has not accepted', async () => {
    const headers = { connection: 'upgrade', upgrade: 'websocket' };
    receiver.respondWith([responding(101, headers)]);
    expect(await post(receiver.url())).toMatchObject({ status: 101 });
  });
});

it('an aborted attempt rejects', async () => {
  receiver.respondWith([silent]);
  const giveUp = new AbortController();
  const posted = post(receiver.url(), { signal: giveUp.signal });
  await expect.poll(() => receiver.received.length).toBe(1);
  giveUp.abort();
  await expect(posted).rejects.toThrow('aborted');
});
