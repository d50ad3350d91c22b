import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { freePort, portsFrom } from './free-port.ts';

test('if a port is in use, the next one is chosen that is free and not excluded', async () => {
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
