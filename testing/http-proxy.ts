import { once } from 'node:events';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';

interface HttpProxy extends AsyncDisposable {
  readonly url: string;
}

interface ProxyOptions {
  /** The proxy's own response to a request, or undefined to pass it on. */
  readonly respond?: (method: string, path: string) => { status: number; body: string } | undefined;
  /** Called with the status of each response that is passed on. */
  readonly onResponse?: (method: string, path: string, status: number) => void;
}

/** A proxy before an HTTP server. Its own responses are problem+json. */
export async function httpProxy(target: string, { respond, onResponse }: ProxyOptions): Promise<HttpProxy> {
  const server = createServer((incoming, outgoing) => {
    const { method = 'GET', url = '/', headers } = incoming;
    const own = respond?.(method, url);
    if (own !== undefined) {
      incoming.resume();
      outgoing.writeHead(own.status, { 'Content-Type': 'application/problem+json' }).end(own.body);
      return;
    }
    const onward = request(new URL(url, target), { method, headers }, (response) => {
      const { statusCode = 502 } = response;
      onResponse?.(method, url, statusCode);
      outgoing.writeHead(statusCode, response.headers);
      response.pipe(outgoing);
    });
    onward.on('error', () => outgoing.destroy());
    incoming.pipe(onward);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
