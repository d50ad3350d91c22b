import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { bearerToken } from '@image-pipeline/shared/access-token.ts';
import { networkOf } from '@image-pipeline/shared/http/connection-limits.ts';
import type { Startable } from '@image-pipeline/shared/lifecycle.ts';
import type { Metrics } from '@image-pipeline/shared/metrics.ts';
import { Turns } from '@image-pipeline/shared/turns.ts';
import { WebSocketServer, type RawData, type WebSocket } from 'ws';
import type { Notifier } from '../notifier.ts';
import {
  refusalOfHandshake,
  refuseHandshake,
  refuseMalformedHandshake,
  type AllJobsAccess,
} from './admission.ts';
import { Session, type SubscriptionShare } from './session.ts';
import { SocketClient } from './socket-client.ts';

/** The deadline for clients' close frames when the service stops, in ms. */
const CLOSE_ALL_TIMEOUT_MS = 2_000;
/** Maximum fragments of one message. */
const MAX_FRAGMENTS = 64;

export interface SocketServerOptions {
  /** The HTTP server whose port is shared. */
  readonly server: Server;
  readonly notifier: Notifier;
  readonly isReady: () => boolean;
  readonly allowedOrigins: readonly string[];
  readonly allowedHosts: readonly string[];
  readonly access: AllJobsAccess;
  readonly limits: SocketLimits;
  readonly metrics: Metrics;
}

export interface SocketLimits {
  readonly maxConnections: number;
  readonly maxConnectionsPerAddress: number;
  /** Per connection. */
  readonly maxSubscriptions: number;
  /** Of all connections; one address may have half of them. */
  readonly maxTotalSubscriptions: number;
  readonly maxMessageBytes: number;
  /** Maximum bytes buffered for one client. */
  readonly maxBufferedBytes: number;
  readonly pingIntervalMs: number;
}

/** Accepts WebSocket connections at /ws and creates a session for each. */
export class SocketServer implements Startable {
  readonly #options: SocketServerOptions;
  readonly #webSockets: WebSocketServer;
  readonly #clients = new Map<SocketClient, { readonly closed: Promise<void> }>();
  /** Connections and subscriptions of each address. */
  readonly #ofAddress = new Map<string, { connections: number; subscriptions: number }>();
  /** Of the clients that catch up with the event log, by address. */
  readonly #turns = new Turns();
  #subscriptions = 0;
  #heartbeat: NodeJS.Timeout | undefined;
  #stopping: Promise<void> | undefined;

  constructor(options: SocketServerOptions) {
    this.#options = options;
    this.#webSockets = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: options.limits.maxMessageBytes,
      maxFragments: MAX_FRAGMENTS,
    });
    this.#webSockets.on('wsClientError', ({ message }, socket, request) =>
      refuseMalformedHandshake(socket, request, message),
    );
  }

  start(): Promise<void> {
    if (this.#heartbeat !== undefined) return Promise.resolve();
    const { server, limits, metrics } = this.#options;
    metrics.set('image_websocket_connections', this.#clients.size);
    server.on('upgrade', (request, socket, head) => this.#onUpgrade(request, socket, head));
    this.#heartbeat = setInterval(() => {
      for (const client of this.#clients.keys()) client.ping();
    }, limits.pingIntervalMs);
    return Promise.resolve();
  }

  /** Accepts no more connections and closes the open ones with code 1001. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    clearInterval(this.#heartbeat);
    const connections = [...this.#clients];
    for (const [client] of connections) client.cut('going_away');
    const cut = setTimeout(() => {
      for (const [client] of connections) client.terminate();
    }, CLOSE_ALL_TIMEOUT_MS);
    await Promise.all(connections.map(([, { closed }]) => closed));
    clearTimeout(cut);
  }

  #onUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    // A client that disconnects during the handshake must not end the process.
    socket.on('error', () => socket.destroy());
    const { limits, isReady, metrics } = this.#options;
    const url = URL.parse(request.url ?? '', 'http://localhost');
    const address = networkOf(request.socket.remoteAddress);
    const refusal = refusalOfHandshake(
      {
        path: url?.pathname,
        parameters: url?.searchParams.size ?? 0,
        origin: request.headers.origin,
        host: request.headers.host,
      },
      {
        ...limits,
        isReady: this.#stopping === undefined && isReady(),
        connections: this.#clients.size,
        connectionsOfAddress: this.#ofAddress.get(address)?.connections ?? 0,
      },
      this.#options,
    );
    if (refusal !== undefined) {
      metrics.increase('image_websocket_refused_total', { reason: refusal });
      refuseHandshake(socket, refusal);
      return;
    }
    this.#webSockets.handleUpgrade(request, socket, head, (webSocket) => {
      this.#onConnection(webSocket, address, bearerToken(request.headers.authorization), url?.searchParams);
    });
  }

  #onConnection(
    socket: WebSocket,
    address: string,
    token: string | undefined,
    query = new URLSearchParams(),
  ): void {
    const { notifier, access, limits, metrics } = this.#options;
    const { maxBufferedBytes, maxSubscriptions } = limits;
    const client = new SocketClient({ socket, maxBufferedBytes, address, turns: this.#turns, metrics });
    const share = this.#shareOf(address);
    const session = new Session({ client, notifier, token, access, maxSubscriptions, share });
    const { promise: closed, resolve } = Promise.withResolvers<undefined>();
    socket.on('message', (data, isBinary) => session.onMessage(bufferOf(data), isBinary));
    // A malformed or too large frame: `ws` closes the connection with the right code.
    socket.on('error', () => metrics.increase('image_websocket_disconnects_total', { reason: 'bad_frame' }));
    socket.on('close', () => {
      session.onClose();
      this.#clients.delete(client);
      this.#countConnection(address, -1);
      resolve(undefined);
    });
    this.#clients.set(client, { closed: closed });
    this.#countConnection(address, 1);
    session.onOpen(query);
  }

  #countConnection(address: string, change: number): void {
    const counts = this.#ofAddress.get(address) ?? { connections: 0, subscriptions: 0 };
    counts.connections += change;
    if (counts.connections === 0) this.#ofAddress.delete(address);
    else this.#ofAddress.set(address, counts);
    this.#options.metrics.set('image_websocket_connections', this.#clients.size);
  }

  #shareOf(address: string): SubscriptionShare {
    const total = this.#options.limits.maxTotalSubscriptions;
    const limit = Math.ceil(total / 2);
    const count = (change: number) => {
      const counts = this.#ofAddress.get(address);
      if (counts !== undefined) counts.subscriptions += change;
      this.#subscriptions += change;
    };
    return {
      limit,
      take: () => {
        const ofAddress = this.#ofAddress.get(address)?.subscriptions ?? 0;
        if (this.#subscriptions >= total || ofAddress >= limit) return false;
        count(1);
        return true;
      },
      release: () => count(-1),
    };
  }
}

/** `ws` passes one buffer, unless it is configured otherwise. */
function bufferOf(data: RawData): Buffer {
  return Buffer.isBuffer(data)
    ? data
    : Buffer.concat(data instanceof ArrayBuffer ? [Buffer.from(data)] : data);
}
