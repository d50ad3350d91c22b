import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { json } from 'node:stream/consumers';
import { z } from 'zod';
import { UserError } from '../user-error.ts';
import { systemReportSchema, type SystemReport } from './report.ts';

const ANSWER_MS = 5_000;
/** Workers that are stopped may take their time; see ManagedService. */
const WORKERS_MS = 60_000;

export const NOT_RUNNING = 'The system is not running. To start it: make up';

const HANGS = 'The supervisor does not respond. To stop it and its services: make down';

/** Talks to the supervisor of a running system. Everything throws UserError if there is none. */
export class ControlClient {
  readonly #socket: string;

  constructor(socket: string) {
    this.#socket = socket;
  }

  async ps(): Promise<SystemReport> {
    return systemReportSchema.parse(await this.#ask('GET', '/ps', ANSWER_MS));
  }

  async scale(count: number): Promise<{ started: string[]; stopped: string[] }> {
    const answer = await this.#ask('POST', `/scale?count=${count}`, WORKERS_MS);
    return z.strictObject({ started: z.array(z.string()), stopped: z.array(z.string()) }).parse(answer);
  }

  /**
   * Restarts the workers with so many jobs at once.
   * @param slots undefined: as they were started
   */
  async setSlots(slots: number | undefined): Promise<void> {
    await this.#ask('POST', slots === undefined ? '/slots' : `/slots?slots=${slots}`, WORKERS_MS);
  }

  /** @returns the name of the worker that was stopped */
  async stopWorker(): Promise<string> {
    return z.string().parse(await this.#ask('POST', '/stop-worker', WORKERS_MS));
  }

  /** @returns the name of the worker that was started */
  async startWorker(): Promise<string> {
    return z.string().parse(await this.#ask('POST', '/start-worker', WORKERS_MS));
  }

  /** Asks the supervisor to end everything; resolves when it has begun to. */
  async stop(): Promise<void> {
    await this.#ask('POST', '/stop', ANSWER_MS);
  }

  async #ask(method: string, path: string, timeoutMs: number): Promise<unknown> {
    const asked = request({
      socketPath: this.#socket,
      method,
      path,
      agent: false,
      signal: AbortSignal.timeout(timeoutMs),
    });
    asked.end();
    let response: IncomingMessage;
    try {
      [response] = (await once(asked, 'response')) as [IncomingMessage];
    } catch (error) {
      const hangs = error instanceof Error && error.name === 'AbortError';
      throw new UserError(hangs ? HANGS : NOT_RUNNING, { cause: error });
    }
    const body = await json(response);
    if ((response.statusCode ?? 500) < 300) return body;
    throw new UserError(z.object({ message: z.string() }).parse(body).message);
  }
}
