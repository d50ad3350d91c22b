import { expect } from 'vitest';
import { beginningOfUpload, type RawClient } from './raw-client.ts';
import type { TestApi, TestSystem } from './test-system.ts';

/** The length of an upload that never arrives completely. */
export const LENGTH = 'Content-Length: 1000000';
const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n';

/** A silent client that has a slot: it got "100 Continue". */
export async function slotHolder(
  system: TestSystem,
  api: TestApi,
  ...headers: readonly string[]
): Promise<RawClient> {
  const opening = beginningOfUpload([LENGTH, 'Expect: 100-continue', ...headers]);
  const client = await system.silentClient(api, opening);
  await expect.poll(() => client.received).toBe(CONTINUE);
  return client;
}

/** The problem that the client gets, once it has it. */
export async function refusal(client: RawClient, status: number): Promise<Record<string, unknown>> {
  const received = () => client.received.replace(CONTINUE, '');
  const complete = new RegExp(`^HTTP/1\\.1 ${status} .*\\}\\n`, 's');
  await expect.poll(received, { timeout: 10_000 }).toMatch(complete);
  return JSON.parse(received().split('\r\n\r\n')[1] ?? '') as Record<string, unknown>;
}
