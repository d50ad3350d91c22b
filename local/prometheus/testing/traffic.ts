import { once } from 'node:events';
import { openAsBlob } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { z } from 'zod';

const IMAGES = join(import.meta.dirname, '../../../test_images');
/** One that completes, one that fails, one that is refused. */
const FILES = ['one-pixel.png', 'corrupted.jpg', 'text.jpg'];

/** A refusal has no address. */
const answerSchema = z.object({ status_url: z.string().optional() });

/** Uploads without end, a subscriber to every job, and a receiver of webhooks: what a system has figures of. */
export class Traffic {
  readonly #apiUrl: string;
  readonly #receiver: Server;
  readonly #subscriber: WebSocket;
  readonly #uploading: Promise<void>;
  #isStopped = false;

  private constructor(apiUrl: string, receiver: Server, subscriber: WebSocket) {
    this.#apiUrl = apiUrl;
    this.#receiver = receiver;
    this.#subscriber = subscriber;
    this.#uploading = this.#upload();
  }

  /** @param notificationUrl e.g. `http://127.0.0.1:8001` */
  static async start(apiUrl: string, notificationUrl: string): Promise<Traffic> {
    const receiver = createServer((request, response) => {
      request.resume().once('end', () => response.writeHead(204).end());
    });
    receiver.listen(0, '127.0.0.1');
    await once(receiver, 'listening');
    const subscriber = new WebSocket(`${notificationUrl.replace('http', 'ws')}/ws?job_id=*`);
    await once(subscriber, 'open');
    return new Traffic(apiUrl, receiver, subscriber);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#uploading;
    this.#subscriber.close();
    this.#receiver.closeAllConnections();
    this.#receiver.close();
    await once(this.#receiver, 'close');
  }

  async #upload(): Promise<void> {
    const { port } = this.#receiver.address() as AddressInfo;
    while (!this.#isStopped) {
      for (const file of FILES) {
        const form = new FormData();
        form.set('file', await openAsBlob(join(IMAGES, file)), file);
        form.set('callback_url', `http://127.0.0.1:${port}/hook`);
        const answer = await fetch(`${this.#apiUrl}/upload`, { method: 'POST', body: form });
        const { status_url } = answerSchema.parse(await answer.json());
        // Holds until the job has ended, so that no queue grows.
        if (status_url !== undefined) await fetch(`${status_url}?wait=20`);
      }
    }
  }
}
