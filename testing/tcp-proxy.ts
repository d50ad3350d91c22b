import { once } from 'node:events';
import { createServer, connect, type AddressInfo, type Server, type Socket } from 'node:net';

/** How the proxy treats connections and their data. */
type Mode = 'open' | 'frozen' | 'mute' | 'refusing';

/** The two sockets of one connection through the proxy. */
interface Pair {
  readonly client: Socket;
  readonly target: Socket;
}

/**
 * A TCP proxy on 127.0.0.1 for network faults. Each fault lasts until `resume()`.
 *
 *     const proxy = await TcpProxy.before('http://127.0.0.1:9000/path');
 *     connectTo(proxy.url);
 *     proxy.freeze();   // half-open: connections stay, bytes do not flow
 *     proxy.resume();
 *     await proxy.close();
 */
export class TcpProxy {
  readonly #target: { host: string; port: number };
  readonly #targetUrl: string;
  readonly #pairs = new Set<Pair>();
  #server: Server | undefined;
  #port = 0;
  #mode: Mode = 'open';
  #onSwallowed: (() => void) | undefined;
  #freezeAfter: { bytesLeft: number; done: () => void } | undefined;

  private constructor(target: { host: string; port: number }, url: string) {
    this.#target = target;
    this.#targetUrl = url;
  }

  /** Listens on a free port and forwards every connection to `target`. */
  static async to(
    target: { host: string; port: number },
    url = `tcp://${target.host}:${target.port}`,
  ): Promise<TcpProxy> {
    const proxy = new TcpProxy(target, url);
    await proxy.#listen();
    return proxy;
  }

  /** Listens on a free port and forwards every connection to the host and port of `url`. */
  static before(url: string): Promise<TcpProxy> {
    const { hostname, port } = new URL(url);
    return TcpProxy.to({ host: hostname, port: Number(port) }, url);
  }

  /** The URL of the target, with the host and port of the proxy. */
  get url(): string {
    // Not with setters, which behave differently for URLs without a special scheme.
    return this.#targetUrl.replace(new URL(this.#targetUrl).host, `127.0.0.1:${this.#port}`);
  }

  /** Does not change, even after `refuse()` and `resume()`. */
  get port(): number {
    return this.#port;
  }

  /** Number of open connections. */
  get connections(): number {
    return this.#pairs.size;
  }

  /** Resets every open connection (RST: data in flight is lost). New ones are accepted. */
  cut(): void {
    for (const { client, target } of this.#pairs) {
      client.resetAndDestroy();
      target.resetAndDestroy();
    }
  }

  /** Stops all data in both directions. Connections stay open; new ones are accepted, but hang. */
  freeze(): void {
    this.#mode = 'frozen';
    this.#eachSocket((socket) => socket.pause());
  }

  /**
   * Freezes after about this many more bytes, in either direction.
   * @returns resolves when it has frozen
   */
  freezeAfter(bytes: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    this.#freezeAfter = { bytesLeft: bytes, done: () => resolve(undefined) };
    return promise;
  }

  /**
   * Forwards requests and drops responses, like a connection that is lost after the server has acted and before it has
   * responded.
   * @returns resolves when the first response has been dropped
   */
  mute(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    this.#mode = 'mute';
    this.#onSwallowed = () => resolve(undefined);
    return promise;
  }

  /** Closes every connection and refuses new ones (ECONNREFUSED), as if the target were down. */
  async refuse(): Promise<void> {
    this.#mode = 'refusing';
    await this.#unlisten();
  }

  /** Ends the fault. After `mute()`, it resets the connections of that time, because their responses are incomplete. */
  async resume(): Promise<void> {
    const before = this.#mode;
    this.#mode = 'open';
    this.#freezeAfter = undefined;
    if (before === 'mute') this.cut();
    if (before === 'refusing') await this.#listen();
    this.#eachSocket((socket) => socket.resume());
  }

  /** Ends every connection and frees the port. */
  async close(): Promise<void> {
    await this.#unlisten();
  }

  async #listen(): Promise<void> {
    this.#server = createServer({ allowHalfOpen: true }, (client) => this.#join(client));
    this.#server.listen(this.#port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.#port = addressOf(this.#server).port;
  }

  async #unlisten(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    const closed = once(server, 'close');
    server.close();
    this.cut();
    await closed;
  }

  #join(client: Socket): void {
    const target = connect({ ...this.#target, allowHalfOpen: true });
    const pair = { client, target };
    this.#pairs.add(pair);
    this.#forward(client, target, (chunk) => target.write(chunk));
    this.#forward(target, client, (chunk) => this.#mode === 'mute' || client.write(chunk));
    target.on('data', () => {
      if (this.#mode === 'mute') this.#onSwallowed?.();
    });
    client.on('close', () => this.#pairs.delete(pair));
    if (this.#mode === 'frozen') {
      client.pause();
      target.pause();
    }
  }

  #forward(from: Socket, to: Socket, write: (chunk: Buffer) => boolean): void {
    from.on('data', (chunk) => {
      if (!write(chunk)) from.pause();
      this.#count(chunk.length);
    });
    to.on('drain', () => {
      if (this.#mode !== 'frozen') from.resume();
    });
    from.on('end', () => to.end());
    from.on('close', () => to.destroy());
    // A reset is what this proxy is for; 'close' follows and ends the other side.
    from.on('error', () => undefined);
  }

  #count(bytes: number): void {
    const limit = this.#freezeAfter;
    if (limit === undefined) return;
    limit.bytesLeft -= bytes;
    if (limit.bytesLeft > 0) return;
    this.#freezeAfter = undefined;
    this.freeze();
    limit.done();
  }

  #eachSocket(act: (socket: Socket) => void): void {
    for (const { client, target } of this.#pairs) {
      act(client);
      act(target);
    }
  }
}

function addressOf(server: Server): AddressInfo {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the proxy does not listen on TCP');
  return address;
}
