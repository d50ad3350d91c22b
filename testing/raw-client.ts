import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** A TCP client that sends exact bytes and records all received ones. */
export class RawClient {
  readonly socket: Socket;
  #received = '';
  #wasReset = false;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('error', () => (this.#wasReset = true));
    socket.on('data', (chunk) => (this.#received += chunk.toString()));
  }

  /** @param localAddress of the client, e.g. `127.0.0.2` */
  static async to(port: number, localAddress?: string): Promise<RawClient> {
    const socket = connect({ port, host: '127.0.0.1', localAddress });
    await once(socket, 'connect');
    return new RawClient(socket);
  }

  /** Resolves once the bytes are sent; false if the server has closed the connection. */
  async send(bytes: string | Buffer): Promise<boolean> {
    if (this.socket.destroyed) return false;
    if (!this.socket.write(bytes)) {
      const over = new AbortController();
      const { signal } = over;
      await Promise.race([
        once(this.socket, 'drain', { signal }),
        once(this.socket, 'close', { signal }),
      ]).catch(() => undefined);
      over.abort();
    }
    return !this.isClosed;
  }

  get received(): string {
    return this.#received;
  }

  /** Whether the server reset the connection: its last bytes may be lost. */
  get wasReset(): boolean {
    return this.#wasReset;
  }

  get isClosed(): boolean {
    return this.socket.destroyed;
  }

  /** Resolves when the server has closed the connection. */
  async closed(): Promise<void> {
    if (!this.isClosed) await once(this.socket, 'close');
  }

  /** Closes the connection at once. */
  abort(): void {
    this.socket.destroy();
  }
}

/** The headers of an upload and the beginning of a file in it. */
export function beginningOfUpload(headers: readonly string[]): string {
  return [
    'POST /upload HTTP/1.1',
    'Host: localhost',
    'Content-Type: multipart/form-data; boundary=x',
    ...headers,
    '',
    '',
  ].join('\r\n');
}

export const BEGINNING_OF_FILE =
  '--x\r\nContent-Disposition: form-data; name="file"; filename="endless.png"\r\n\r\n';

/** A chunk of a body of unknown length. */
export function chunk(content: string | Buffer): Buffer {
  const bytes = Buffer.from(content);
  return Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')]);
}
