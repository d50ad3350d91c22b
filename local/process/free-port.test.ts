import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { freePort, portsFrom } from './free-port.ts';

test('of a port that is taken the next free one is given, and not one that was given to somebody else', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const { port } = taken.address() as AddressInfo;
  const next = await freePort(portsFrom(port), []);
  expect(next).toBeGreaterThan(port);
  expect(await freePort(portsFrom(port), [next])).toBeGreaterThan(next);
  taken.close();
  await once(taken, 'close');
  expect(await freePort(portsFrom(port), [])).toBe(port);
});
