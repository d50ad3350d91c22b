import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { ApiClient, problemIn } from './api-client.ts';

const HOSTILE = '\u001b]0;title\u0007name\u202e\u009b';

/** A client of an API that always responds with this status and body. */
async function clientOf(status: number, body: string): Promise<ApiClient> {
  const server = createServer((_request, response) => response.writeHead(status).end(body));
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
