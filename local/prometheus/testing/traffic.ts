import { once } from 'node:events';
import { openAsBlob } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { z } from 'zod';

const IMAGES = join(import.meta.dirname, '../../../test_images');
/** One completes, one fails, one is rejected. */
const FILES = ['one-pixel.png', 'corrupted.jpg', 'text.jpg'];

/** Longer than the maximum message of a client (16 KiB). */
const TOO_LONG = 'x'.repeat(20_000);

/** Rejected uploads have no `status_url`. */
const uploadSchema = z.object({ status_url: z.string().optional() });

/**
 * Traffic that produces every metric: continuous uploads, and WebSockets that are rejected or closed by the server; a
 * subscriber to all jobs; a webhook receiver.
 */
export class Traffic {
  readonly #apiUrl: string;
  /** Starts with `ws`. */
  readonly #socketUrl: string;
  readonly #receiver: Server;
  readonly #subscriber: WebSocket;
  readonly #running: Promise<void>;
  #isStopped = false;

  private constructor(apiUrl: string, socketUrl: string, receiver: Server, subscriber: WebSocket) {
    this.#apiUrl = apiUrl;
    this.#socketUrl = socketUrl;
    this.#receiver = receiver;
    this.#subscriber = subscriber;
    this.#running = this.#run();
  }

  /** @param notificationUrl e.g. `http://127.0.0.1:8001` */
  static async start(apiUrl: string, notificationUrl: string): Promise<Traffic> {
    const receiver = createServer((request, response) => {
      request.resume().once('end', () => response.writeHead(204).end());
    });
    receiver.listen(0, '127.0.0.1');
    await once(receiver, 'listening');
    const socketUrl = notificationUrl.replace('http', 'ws');
    const subscriber = new WebSocket(`${socketUrl}/ws?job_id=*`);
    await once(subscriber, 'open');
    return new Traffic(apiUrl, socketUrl, receiver, subscriber);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#running;
    this.#subscriber.close();
    this.#receiver.closeAllConnections();
    this.#receiver.close();
    await once(this.#receiver, 'close');
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      for (const file of FILES) await this.#upload(file);
      await this.#getRejected();
      await this.#getClosed();
    }
  }

  async #upload(file: string): Promise<void> {
    const { port } = this.#receiver.address() as AddressInfo;
    const form = new FormData();
    form.set('file', await openAsBlob(join(IMAGES, file)), file);
    form.set('callback_url', `http://127.0.0.1:${port}/hook`);
    const response = await fetch(`${this.#apiUrl}/upload`, { method: 'POST', body: form });
    const { status_url } = uploadSchema.parse(await response.json());
    // Waits until the job has ended, so that no queue grows.
    if (status_url !== undefined) await fetch(`${status_url}?wait=20`);
  }

  /** The path has no WebSocket. */
  async #getRejected(): Promise<void> {
    await once(new WebSocket(`${this.#socketUrl}/elsewhere`), 'close');
  }

  async #getClosed(): Promise<void> {
    const socket = new WebSocket(`${this.#socketUrl}/ws`);
    await once(socket, 'open');
    socket.send(TOO_LONG);
    await once(socket, 'close');
  }
}
