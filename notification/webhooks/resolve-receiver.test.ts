import type { LookupAddress } from 'node:dns';
import { expect, it } from 'vitest';
import { systemResolver } from './resolve-receiver.ts';

const never = new AbortController().signal;

/** Name servers that respond on command. */
function fakeNameServers() {
  const asked: string[] = [];
  const responses = new Map<string, () => void>();
  const resolve = systemResolver((hostname) => {
    asked.push(hostname);
    const { promise, resolve: respond } = Promise.withResolvers<LookupAddress[]>();
    responses.set(hostname, () => respond([{ address: '192.0.2.1', family: 4 }]));
    return promise;
  });
  return { asked, resolve, respond: (hostname: string) => responses.get(hostname)?.() };
}

it('two names are looked up at once, the others when one of them is done', async () => {
  const { asked, resolve, respond } = fakeNameServers();
  const [one, two, three] = ['one', 'two', 'three'].map((name) => resolve(name, never));
  expect(asked).toEqual(['one', 'two']);
  respond('one');
  expect(await one).toEqual([{ address: '192.0.2.1', family: 4 }]);
  await expect.poll(() => asked).toEqual(['one', 'two', 'three']);
  respond('two');
  respond('three');
  await Promise.all([two, three]);
});

it('a name whose look-up was aborted is not looked up', async () => {
  const { asked, resolve, respond } = fakeNameServers();
  const hanging = ['one', 'two'].map((name) => resolve(name, never));
  const waiting = new AbortController();
  const late = resolve('late', waiting.signal);
  waiting.abort();
  respond('one');
  await expect(late).rejects.toThrow('aborted');
  respond('two');
  await Promise.all(hanging);
  expect(asked).toEqual(['one', 'two']);
});

it('a name in the hosts file resolves', async () => {
  const addresses = await systemResolver()('localhost', never);
  expect(addresses.map(({ address }) => address)).toContain('127.0.0.1');
});
