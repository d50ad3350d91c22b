import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

export interface ReceivedWebhook {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A receiver of webhooks on this machine: responds as configured, and keeps the requests. */
export class Receiver {
  readonly received: ReceivedWebhook[] = [];
  readonly #server = createServer();
  #responses: RequestListener[] = [];
  #otherwise: RequestListener = responding(200);

  static async start(host = '127.0.0.1'): Promise<Receiver> {
    const receiver = new Receiver();
    receiver.#server.on('request', (request, response) => {
      // After the whole request, so that `received` has the order of the responses.
      void text(request).then(
        (body) => {
          receiver.received.push({ path: request.url ?? '', headers: request.headers, body });
          const respond = receiver.#responses.shift() ?? receiver.#otherwise;
          respond(request, response);
        },
        () => undefined,
      );
    });
    receiver.#server.listen(0, host);
    await once(receiver.#server, 'listening');
    return receiver;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  url(path = '/hook?token=secret-of-uploader'): string {
    return `http://127.0.0.1:${this.port}${path}`;
  }

  /** The next responses, then `otherwise` for all later ones. */
  respondWith(next: readonly RequestListener[], otherwise = responding(200)): void {
    this.#responses = [...next];
    this.#otherwise = otherwise;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

export function responding(status: number, headers: Readonly<Record<string, string>> = {}): RequestListener {
  return (_request, response) => {
    response.writeHead(status, headers);
    response.end('thank you');
  };
}

/** Responds after this time, in milliseconds. */
export function respondingAfter(ms: number): RequestListener {
  return (request, response) => {
    setTimeout(() => responding(200)(request, response), ms);
  };
}

/** Never responds. */
export const silent: RequestListener = () => undefined;

/** Closes the connection without a response. */
export const closing: RequestListener = (request) => {
  request.socket.destroy();
};

/** Responds with an endless body. `sent` resolves with its bytes when the connection is closed. */
export function endless(): { respond: RequestListener; sent: Promise<number> } {
  const { promise, resolve } = Promise.withResolvers<number>();
  const chunk = Buffer.alloc(64 * 1024, 'x');
  const respond: RequestListener = (_request, response) => {
    let bytes = 0;
    const writeOn = () => {
      do bytes += chunk.length;
      while (response.write(chunk));
    };
    response.writeHead(200);
    response.on('drain', writeOn);
    response.on('close', () => resolve(bytes));
    writeOn();
  };
  return { respond, sent: promise };
}
