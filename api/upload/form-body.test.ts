import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { beginningOfUpload, RawClient } from '../../testing/raw-client.ts';
import { apiLimits } from '../config.ts';
import { FormBody } from './form-body.ts';
import { formLimits } from './form-limits.ts';

const MIB = 1024 * 1024;
const WINDOW_MS = 10_000;
const limits = formLimits(
  { MAX_FILE_BYTES: 10 * MIB, MAX_FILES: 1 },
  { ...apiLimits, uploadMinRate: 1_000, uploadRateWindowMs: WINDOW_MS },
);

/** An upload that has only begun. */
async function beginUpload(): Promise<{ client: RawClient; request: IncomingMessage }> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const client = await RawClient.to((server.address() as AddressInfo).port);
  onTestFinished(() => client.abort());
  const requested = once(server, 'request');
  await client.send(beginningOfUpload([`Content-Length: ${2 * MIB}`]));
  const [request] = (await requested) as [IncomingMessage];
  return { client, request };
}

/** A body of which this much has been sent. Only the timer of the windows is fake. */
async function bodyAfter(bytes: number) {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  onTestFinished(() => void vi.useRealTimers());
  const { client, request } = await beginUpload();
  const body = new FormBody(request, '', limits);
  const failed = vi.fn();
  body.on('error', failed);
  void client.send(Buffer.alloc(bytes));
  return { body, failed, windows: (count: number) => vi.advanceTimersByTimeAsync(count * WINDOW_MS) };
}

describe('the minimum rate', () => {
  it('does not apply to the first window', async () => {
    const { body, failed, windows } = await bodyAfter(0);
    await windows(1);
    expect(body.destroyed).toBe(false);
    await windows(1);
    const details = { limit: 1_000, seen: 0 };
    expect(failed).toHaveBeenCalledWith(expect.objectContaining({ code: 'request_timeout', details }));
  });

  it('applies to each window by itself', async () => {
    const { body, failed, windows } = await bodyAfter(MIB);
    body.resume();
    await expect.poll(() => body.seen).toBe(MIB);
    await windows(2);
    expect(failed).toHaveBeenCalledOnce();
  });

  it('does not apply while the bytes that have arrived are not read', async () => {
    const { body, failed, windows } = await bodyAfter(MIB);
    await expect.poll(() => body.seen).toBeGreaterThan(0);
    await windows(5);
    expect(failed).not.toHaveBeenCalled();
    body.resume();
    await expect.poll(() => body.seen).toBe(MIB);
    await windows(2);
    expect(failed).toHaveBeenCalledOnce();
  });
});

describe('a client that leaves', () => {
  it('is noticed, even if it has left before the body is read', async () => {
    const { client, request } = await beginUpload();
    const { promise: left, resolve } = Promise.withResolvers<unknown>();
    request.once('close', resolve);
    client.abort();
    await left;
    const [error] = (await once(new FormBody(request, '', limits), 'close').catch((thrown: unknown) => [
      thrown,
    ])) as [unknown];
    expect(error).toMatchObject({ name: 'UploadAborted' });
  });
});
