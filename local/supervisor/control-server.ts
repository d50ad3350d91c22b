import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { messageOf } from '@image-pipeline/shared/errors.ts';
import { UserError } from '../user-error.ts';
import type { Supervisor } from './supervisor.ts';

type Command = (supervisor: Supervisor, query: URLSearchParams) => Promise<unknown>;

/** What `make` can ask of a running system: HTTP on a Unix socket that only its owner can open. */
const commands: Readonly<Record<string, Command>> = {
  'GET /ps': (supervisor) => supervisor.report(),
  'POST /scale': (supervisor, query) =>
    supervisor.withWorkers((workers) => workers.scale(Number(query.get('count') ?? Number.NaN))),
  'POST /slots': async (supervisor, query) => {
    const slots = query.get('slots');
    await supervisor.setSlots(slots === null ? undefined : Number(slots));
    return null;
  },
  'POST /stop-worker': (supervisor) => supervisor.withWorkers((workers) => workers.stopNewest()),
  'POST /start-worker': (supervisor) => supervisor.withWorkers((workers) => workers.startOne()),
};

/** @param stop ends the whole supervisor; not awaited, the asker watches the process go */
export async function serveControl(
  socket: string,
  supervisor: Supervisor,
  stop: () => void,
): Promise<{ close(): Promise<void> }> {
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? '/', 'http://supervisor');
    const name = `${request.method ?? ''} ${url.pathname}`;
    if (name === 'POST /stop') {
      send(response, 202, null);
      stop();
      return;
    }
    const command = commands[name];
    if (command === undefined) send(response, 404, { message: `unknown command: ${name}` });
    else send(response, 200, await command(supervisor, url.searchParams));
  };
  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      send(response, error instanceof UserError ? 409 : 500, { message: messageOf(error) });
    });
  });
  await rm(socket, { force: true });
  // The socket's file gets its mode from the moment it is made: nobody else's for not even an instant.
  const mask = process.umask(0o177);
  server.listen(socket);
  process.umask(mask);
  await once(server, 'listening');
  return {
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}
