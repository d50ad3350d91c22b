import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { ApiClient, problemIn } from './api-client.ts';

const HOSTILE = '\u001b]0;title\u0007name\u202e\u009b';

/** A client of an API that responds with this status and these bodies in turn, the last one again and again. */
async function clientOf(status: number, ...bodies: string[]): Promise<ApiClient> {
  let requests = 0;
  const server = createServer((_request, response) => {
    response.writeHead(status).end(bodies[requests++] ?? bodies.at(-1));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return new ApiClient(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
}

test.each([
  ['the newest job', JSON.stringify({ jobs: [{ job_id: '7', name: HOSTILE, status: 'failed' }] })],
  ['an error', JSON.stringify({ code: 'not_ready', detail: `The job is ${HOSTILE}.` })],
  ['no JSON', HOSTILE],
])('commands print %s without control characters', async (_what, body) => {
  const client = await clientOf(409, body);
  const status = await client.status('7');
  const printed = [
    JSON.stringify(status.body, null, 2),
    problemIn(status.body).detail,
    JSON.stringify((await client.replay('7', 'token')).body),
    JSON.stringify((await client.discard('7', 'token')).body),
    JSON.stringify(await client.newestJob().catch(String)),
  ];
  for (const text of printed) expect(text).not.toMatch(/[^\P{Cc}\n]|\u202e|\\u00/u);
});

test('republishing is repeated until no job is left, and adds up the counts', async () => {
  const counts = { dry_run: false, unaccounted: 9, republished: 4, ended: 1, damaged: 0, left: 4, jobs: [1] };
  const last = { ...counts, unaccounted: 4, republished: 3, ended: 0, damaged: 1, left: 0, jobs: [2] };
  const client = await clientOf(200, JSON.stringify(counts), JSON.stringify(last));
  const seen: unknown[] = [];
  expect(await client.republish(undefined, 'token', (sums) => seen.push(sums))).toEqual({
    status: 200,
    body: { dry_run: false, unaccounted: 9, republished: 7, ended: 1, damaged: 1, left: 0, jobs: [1] },
  });
  expect(seen).toEqual([counts]);
});
