import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { closeCodes } from '@image-pipeline/shared/contracts/websocket.ts';
import { pngFile } from '../../../worker/engine/testing/png-file.ts';
import type { Stack } from '../stack.ts';
import { expectThat, type Step } from '../step.ts';
import { TrackedUploads } from '../tracked-uploads.ts';

/** The defaults of UPLOADS_IN_FLIGHT, MAX_FILE_BYTES and WEBSOCKET_MAX_CONNECTIONS. */
const UPLOADS = 64;
const FILE_BYTES = 10 * 1024 * 1024;
const SOCKETS = 2_000;
/** Pixels: the maximum is 25 million. */
const SIDE = 5_000;
/** Two for each slot of the workers. */
const LARGE_IMAGES = 8;
/** Of each large image: queued, processing, completed. */
const MIN_EVENTS = 3;
const EVENTS_MS = 60_000;
const JOBS_MS = 300_000;

/** Uploads are accepted, refused because all slots or the space are in use, or too slow on a machine that is too small. */
const EXPECTED: readonly number[] = [202, 503, 408];

/** The limits of memory and CPU are enough for everything that is permitted at the same time. */
export const allLimits: Step = {
  title: 'all limits at once: uploads, largest images, WebSocket clients and their replays',
  run: async (stack) => {
    // One address may have a part of each limit only: uploads come from two, and WebSocket clients may have all.
    const settings = { TRUSTED_PROXIES: '1', WEBSOCKET_MAX_PER_ADDRESS: String(SOCKETS) };
    await stack.line('docker-compose up -d --no-deps api notification', settings);
    const before = await stack.untilReady();
    const sockets = new ReplayingSockets();
    try {
      await writeFile(join(stack.folder, 'large.png'), largeImage());
      await sockets.open(SOCKETS);
      const large = new TrackedUploads(stack.api.url, stack.folder);
      await Promise.all(
        Array.from({ length: LARGE_IMAGES }, () => large.send('large.png', 'filter:invert,filter:blur')),
      );
      const processing = new AbortController();
      const processed = large.settle(JOBS_MS, processing.signal).finally(() => processing.abort());
      const responses = new Map<number, number>();
      try {
        do {
          sockets.replay();
          for (const status of await uploadAtOnce(stack))
            responses.set(status, (responses.get(status) ?? 0) + 1);
        } while (!processing.signal.aborted);
      } finally {
        processing.abort();
      }
      const ended = await processed;
      const shown = [...responses].map(([status, count]) => `${count} × ${status}`).join(', ');
      expectThat(ended['completed'] === LARGE_IMAGES, `the large images: ${JSON.stringify(ended)}`);
      const isExpected = [...responses.keys()].every((status) => EXPECTED.includes(status));
      expectThat(isExpected && responses.has(202), `the uploads: ${shown}`);
      const events = await sockets.check(LARGE_IMAGES * MIN_EVENTS);
      const after = await stack.untilReady();
      for (const { id, name, startedAt } of before) {
        const now = after.find((container) => container.id === id);
        expectThat(now?.outOfMemory === false, `${name} was killed for its memory`);
        expectThat(now?.startedAt.getTime() === startedAt.getTime(), `${name} was restarted`);
      }
      return `uploads ${shown}; ${LARGE_IMAGES} large images; WebSockets: ${events}`;
    } finally {
      sockets.close();
      await stack.tryLine('docker-compose up -d');
      await stack.untilReady();
    }
  },
};

/** The statuses of as many uploads as may be in progress, each of the maximum size. @throws if one gets no response */
async function uploadAtOnce(stack: Stack): Promise<number[]> {
  const image = await readFile(join(stack.folder, 'test_images/one-pixel.png'));
  const file = new Blob([image, randomBytes(FILE_BYTES - image.length)]);
  return Promise.all(
    Array.from({ length: UPLOADS }, async (_, index) => {
      const body = new FormData();
      body.set('file', file, 'maximum.png');
      const headers = { 'X-Forwarded-For': `198.51.100.${index % 2}` };
      const response = await fetch(`${stack.api.url}/upload`, { method: 'POST', body, headers });
      await response.arrayBuffer();
      return response.status;
    }),
  );
}

/** WebSocket clients of all jobs, which ask for the events since they were opened again and again. */
class ReplayingSockets {
  readonly #sockets: WebSocket[] = [];
  /** Events received, by socket. */
  readonly #events = new Map<WebSocket, number>();
  /** Of the sockets that this class has not closed itself. */
  readonly #closeCodes: number[] = [];
  #firstEvent: string | undefined;
  #replays = 0;

  async open(count: number): Promise<void> {
    for (let opened = 0; opened < count; opened += 50) {
      await Promise.all(Array.from({ length: Math.min(50, count - opened) }, () => this.#open()));
    }
  }

  replay(): void {
    if (this.#firstEvent === undefined) return;
    this.#replays++;
    const again = { type: 'subscribe', job_id: '*', last_event_id: this.#firstEvent };
    for (const socket of this.#sockets) {
      if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(again));
    }
  }

  /**
   * Waits until each open socket has received so many events.
   * @returns what to print. @throws Error if events are missing, none was replayed, or a socket was closed that was no slow
   * reader: this process may be too busy to read
   */
  async check(minEvents: number): Promise<string> {
    const isBehind = (socket: WebSocket) => (this.#events.get(socket) ?? 0) < minEvents;
    const open = () => this.#sockets.filter(({ readyState }) => readyState === WebSocket.OPEN);
    const deadline = performance.now() + EVENTS_MS;
    while (open().some(isBehind) && performance.now() < deadline) await delay(500);
    const slow = this.#closeCodes.filter((code) => code === closeCodes.slow_reader.code).length;
    const codes = [...new Set(this.#closeCodes)].join(', ');
    const count = open().length;
    expectThat(
      count > 0 && count + slow === this.#sockets.length,
      `${count} WebSockets are open; closed: ${codes}`,
    );
    const behind = open().filter(isBehind).length;
    expectThat(behind === 0, `${behind} WebSockets received less than ${minEvents} events`);
    expectThat(this.#replays > 0, 'no events were replayed');
    const events = [...this.#events.values()].reduce((sum, received) => sum + received, 0);
    return `${count} open, ${slow} slow readers, ${events} events, ${this.#replays} replays`;
  }

  close(): void {
    for (const socket of this.#sockets) socket.close();
  }

  #open(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<undefined>();
    const socket = new WebSocket('ws://localhost:8001/ws?job_id=*');
    this.#sockets.push(socket);
    socket.addEventListener('open', () => resolve(undefined));
    socket.addEventListener('error', () => reject(new Error('a WebSocket was not accepted')));
    socket.addEventListener('close', ({ code }) => this.#closeCodes.push(code));
    socket.addEventListener('message', ({ data }) => {
      const [, event] = /^{"type":"event","event_id":"([^"]+)"/.exec(String(data)) ?? [];
      if (event === undefined) return;
      this.#firstEvent ??= event;
      this.#events.set(socket, (this.#events.get(socket) ?? 0) + 1);
    });
    return promise;
  }
}

/** A PNG with the maximum number of pixels: coloured noise, the same in each row, so that the file is small. */
function largeImage(): Buffer {
  const row = Buffer.concat([Buffer.from([0]), randomBytes(SIDE * 3)]);
  return pngFile({ width: SIDE, height: SIDE, data: Buffer.concat(Array.from({ length: SIDE }, () => row)) });
}
