import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { createServer, request, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { json } from 'node:stream/consumers';
import { z } from 'zod';
import { messageOf } from '@image-pipeline/shared/errors.ts';
import { UserError } from '../user-error.ts';
import type { Supervisor } from './supervisor.ts';

const RESPONSE_MS = 5_000;
/** Workers that are stopped finish their jobs first. */
const WORKERS_MS = 60_000;

export const NOT_RUNNING = 'The system is not running. To start it: make up';
const NOT_RESPONDING = 'The supervisor does not respond. To stop it and its services: make down';
const OTHER_VERSION =
  'The running system was started by another version of this code. To restart it: make down, then make up';

/** What `make ps` shows of one service. */
const serviceReportSchema = z.object({
  name: z.string(),
  state: z.enum(['starting', 'ready', 'not ready', 'restarting', 'stopping', 'stopped', 'failed']),
  /** Why it is not ready, or how it ended. */
  reason: z.string().optional(),
  pid: z.int().optional(),
  port: z.int().optional(),
  /** Since the start of the current process; absent if there is none. */
  uptimeSeconds: z.number().optional(),
  restarts: z.int(),
  logFile: z.string(),
});
export type ServiceReport = z.infer<typeof serviceReportSchema>;

const systemReportSchema = z.object({
  phase: z.enum(['starting', 'running', 'stopping']),
  services: z.array(serviceReportSchema),
  /** The addresses of the system for people, one per line; empty until the broker is ready. */
  addressLines: z.array(z.string()),
});
export type SystemReport = z.infer<typeof systemReportSchema>;

type Command = (supervisor: Supervisor, query: URLSearchParams) => Promise<unknown>;

/** The commands of a running system: HTTP on a Unix socket that only its owner can open. */
const commands: Readonly<Record<string, Command>> = {
  '/ps': (supervisor) => supervisor.report(),
  '/scale': (supervisor, query) =>
    supervisor.withWorkers((workers) => workers.scale(Number(query.get('count') ?? Number.NaN))),
  '/slots': (supervisor, query) => {
    const slots = query.get('slots');
    return supervisor.setSlots(slots === null ? undefined : Number(slots));
  },
  '/stop-worker': (supervisor) => supervisor.withWorkers((workers) => workers.stopNewest()),
  '/start-worker': (supervisor) => supervisor.withWorkers((workers) => workers.startOne()),
};

/**
 * Listens on the socket. The process that does so is the only supervisor of its folder.
 * @param stop stops the supervisor; the client does not wait for it, but sees the socket close at the end
 * @returns undefined if another supervisor listens already
 */
export async function serveControl(
  socket: string,
  supervisor: Supervisor,
  stop: () => void,
): Promise<{ close(): Promise<void> } | undefined> {
  const respond = async (path: string, query: URLSearchParams, response: ServerResponse): Promise<void> => {
    const command = commands[path];
    if (path === '/stop') {
      send(response, 202, null);
      stop();
    } else if (command === undefined) send(response, 404, { message: OTHER_VERSION });
    else send(response, 200, (await command(supervisor, query)) ?? null);
  };
  const server = createServer(({ url }, response) => {
    const { pathname, searchParams } = new URL(url ?? '/', 'http://supervisor');
    respond(pathname, searchParams, response).catch((error: unknown) => {
      send(response, error instanceof UserError ? 409 : 500, { message: messageOf(error) });
    });
  });
  if (!(await listenAlone(server, socket))) return undefined;
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

/** @returns false if another process listens */
async function listenAlone(server: Server, socket: string): Promise<boolean> {
  for (;;) {
    // The file of the socket has this mode from the start.
    const mask = process.umask(0o177);
    server.listen(socket);
    process.umask(mask);
    try {
      await once(server, 'listening');
      return true;
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')) throw error;
      if (await isRunning(socket)) return false;
      // Left by a supervisor that was killed.
      await rm(socket, { force: true });
    }
  }
}

/** Whether a supervisor listens on the socket: the proof that its system is running, starting or stopping. */
export async function isRunning(socket: string): Promise<boolean> {
  const connection = connect(socket);
  try {
    await once(connection, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    connection.on('error', () => undefined).destroy();
  }
}

/** Sends commands to the supervisor of a running system. Every method throws UserError if it is not running. */
export class ControlClient {
  readonly #socket: string;

  constructor(socket: string) {
    this.#socket = socket;
  }

  ps(): Promise<SystemReport> {
    return this.#send('/ps', RESPONSE_MS, systemReportSchema);
  }

  scale(count: number): Promise<{ started: string[]; stopped: string[] }> {
    const names = z.array(z.string());
    return this.#send(`/scale?count=${count}`, WORKERS_MS, z.object({ started: names, stopped: names }));
  }

  /** Restarts the workers with this number of concurrent jobs; undefined: the default of the configuration. */
  async setSlots(slots: number | undefined): Promise<void> {
    await this.#send(slots === undefined ? '/slots' : `/slots?slots=${slots}`, WORKERS_MS, z.null());
  }

  /** @returns the name of the worker that was stopped */
  stopWorker(): Promise<string> {
    return this.#send('/stop-worker', WORKERS_MS, z.string());
  }

  /** @returns the name of the worker that was started */
  startWorker(): Promise<string> {
    return this.#send('/start-worker', WORKERS_MS, z.string());
  }

  /** Resolves when the supervisor has begun to stop everything; it has finished when isRunning is false. */
  async stop(): Promise<void> {
    await this.#send('/stop', RESPONSE_MS, z.null());
  }

  async #send<Result>(path: string, timeoutMs: number, schema: z.ZodType<Result>): Promise<Result> {
    const method = path === '/ps' ? 'GET' : 'POST';
    const signal = AbortSignal.timeout(timeoutMs);
    const sent = request({ socketPath: this.#socket, method, path, agent: false, signal });
    sent.end();
    let response: IncomingMessage;
    try {
      [response] = (await once(sent, 'response')) as [IncomingMessage];
    } catch (error) {
      const isTimeout = error instanceof Error && error.name === 'AbortError';
      throw new UserError(isTimeout ? NOT_RESPONDING : NOT_RUNNING, { cause: error });
    }
    const body = await json(response);
    if ((response.statusCode ?? 500) >= 300)
      throw new UserError(z.object({ message: z.string() }).safeParse(body).data?.message ?? OTHER_VERSION);
    const result = schema.safeParse(body);
    if (!result.success) throw new UserError(OTHER_VERSION, { cause: result.error });
    return result.data;
  }
}
