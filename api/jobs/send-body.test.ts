import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { expect, it, onTestFinished } from 'vitest';
import { RawClient } from '../../testing/raw-client.ts';
import { sendBody } from './send-body.ts';

const CHUNKS = ['aaaa', 'bbbb', 'cccc'];

it('reads and sends each chunk in its turn', async () => {
  const turns: (() => void)[] = [];
  const read: string[] = [];
  const body = Readable.from(
    (function* () {
      for (const chunk of CHUNKS) {
        read.push(chunk);
        yield Buffer.from(chunk);
      }
    })(),
    { highWaterMark: 1 },
  );
  const server = createServer((_request, response) => {
    void sendBody(body, response, {
      rate: { minRate: 0, graceMs: 60_000 },
      turn: () => new Promise((resolve) => turns.push(resolve)),
      size: 12,
      sha256: createHash('sha256').update(CHUNKS.join('')).digest('hex'),
      damaged: () => new Error('damaged'),
      begin: () => response.setHeader('Content-Length', 12),
    });
  });
  onTestFinished(() => void server.close());
  await once(server.listen(0), 'listening');
  const client = await RawClient.to((server.address() as AddressInfo).port);
  onTestFinished(() => client.abort());
  await client.send('GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
  for (const [sent, chunk] of CHUNKS.entries()) {
    await expect.poll(() => turns.length, { timeout: 20_000 }).toBe(sent + 1);
    expect(client.received).not.toContain(chunk);
    turns.at(-1)?.();
    await expect.poll(() => client.received, { timeout: 20_000 }).toContain(chunk);
    // At most one chunk is read ahead.
    expect(read.length).toBeLessThanOrEqual(sent + 2);
  }
  await client.closed();
  expect(turns).toHaveLength(CHUNKS.length);
});
