import http from 'node:http';
import https from 'node:https';

/** Idle connections are closed before a server does it (MinIO: 30 s), so that no request meets a dying one. */
const IDLE_MS = 10_000;
const MAX_CONNECTIONS = 64;

type OnResponse = (response: http.IncomingMessage) => void;

/** A bounded pool of kept-alive connections; requests beyond the bound wait, and their time-out runs. */
export function connectionPool(secure: boolean): http.Agent {
  const options = { keepAlive: true, maxSockets: MAX_CONNECTIONS, timeout: IDLE_MS };
  return secure ? new https.Agent(options) : new http.Agent(options);
}

/**
 * What minio-js makes its requests through: by itself it has no time-outs and cannot be told to stop.
 *
 * @param signal ends a request that is under way, and its connection
 * @param connectMs how long it may take until a connection, with TLS where there is TLS, stands
 */
export function boundedTransport(
  secure: boolean,
  signal: AbortSignal,
  connectMs: number,
): Pick<typeof http, 'request'> {
  const send = secure ? https.request : http.request;
  return {
    request(options: http.RequestOptions | string | URL, onResponse?: http.RequestOptions | OnResponse) {
      if (typeof options === 'string' || options instanceof URL || typeof onResponse !== 'function') {
        throw new TypeError('minio-js makes its requests from options');
      }
      const request = send({ ...options, signal }, onResponse);
      request.once('socket', (socket) => {
        if (!socket.connecting) return; // one from the pool
        const timer = setTimeout(() => request.destroy(new ConnectTimeout(connectMs)), connectMs);
        socket.once(secure ? 'secureConnect' : 'connect', () => clearTimeout(timer));
        request.once('close', () => clearTimeout(timer));
      });
      return request;
    },
  };
}

/** Message and code as of the operating system, which would time out only after minutes. */
class ConnectTimeout extends Error {
  override readonly name = 'ConnectTimeout';
  readonly code = 'ETIMEDOUT';

  constructor(ms: number) {
    super(`connection timed out after ${ms} ms`);
  }
}
