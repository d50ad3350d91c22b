import { queueNames } from '@image-pipeline/shared/broker/topology.ts';
import { describe, expect, it } from 'vitest';
import { form } from '../../testing/images.ts';
import { BEGINNING_OF_FILE, beginningOfUpload, type RawClient } from '../../testing/raw-client.ts';
import { LENGTH, refusal, slotHolder } from '../../testing/slow-uploads.ts';
import { setUpSystem } from '../../testing/test-system.ts';

const system = setUpSystem();
/** The address of a client behind a trusted proxy. */
const from = (address: string) => `X-Forwarded-For: ${address}`;

describe('an upload that waits for a slot', () => {
  it('gets 503 with the time to wait after its own limit, and no blame', async () => {
    const api = await system.startApi({ UPLOADS_IN_FLIGHT: 1 }, { uploadWaitMs: 300 });
    await slotHolder(system, api);
    const response = await api.upload(form([{}]));
    expect(response).toMatchObject({ status: 503, json: { code: 'overloaded', retry_after_seconds: 2 } });
    expect(response.headers.get('retry-after')).toBe('2');
    expect(response.json).toMatchObject({
      detail: expect.stringContaining('no slot for uploads became free within 0.3 s') as unknown,
    });
  });

  it('does not have its waiting time counted as receiving time', async () => {
    const api = await system.startApi(
      { UPLOADS_IN_FLIGHT: 1 },
      { requestTimeoutMs: 700, uploadWaitMs: 5_000 },
    );
    const first = await slotHolder(system, api);
    const second = await system.silentClient(api, beginningOfUpload([LENGTH]));
    const third = api.upload(form([{}]));
    await refusal(first, 408);
    expect(second.received).toBe('');
    await refusal(second, 408);
    expect((await third).status).toBe(202);
    await system.take(queueNames.process);
  });

  it('leaves the line when its client does', async () => {
    const api = await system.startApi({ UPLOADS_IN_FLIGHT: 1 });
    const first = await slotHolder(system, api);
    const waiting = [
      await system.silentClient(api, beginningOfUpload([LENGTH])),
      await system.silentClient(api, beginningOfUpload([LENGTH])),
    ];
    const honest = api.upload(form([{}]));
    for (const client of [...waiting, first]) client.abort();
    expect((await honest).status).toBe(202);
    await system.take(queueNames.process);
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
          system.silentClient(api, beginningOfUpload([...headers, from('203.0.113.7')]), ...bytes),
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
    slow.push(await slotHolder(system, api, from('203.0.113.7')));
    for (let count = 0; count < 10; count++) {
      slow.push(await system.silentClient(api, beginningOfUpload([LENGTH, from('203.0.113.7')])));
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
    const first = await slotHolder(system, api, from('2001:db8::1'));
    const sameNetwork = api.upload(form([{}]), { 'X-Forwarded-For': '2001:db8::2' });
    expect((await api.upload(form([{}]), { 'X-Forwarded-For': '2001:db8:1::1' })).status).toBe(202);
    first.abort();
    expect((await sameNetwork).status).toBe(202);
    await system.take(queueNames.process, 2);
  });
});
