import { once } from 'node:events';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';

interface FaultyApi extends AsyncDisposable {
  readonly url: string;
}

/**
 * A proxy before an API that responds to some requests by itself.
 * @param fault the status of its own response to a request, or undefined to pass it on
 */
export async function faultyApi(
  target: string,
  fault: (method: string, path: string) => number | undefined,
): Promise<FaultyApi> {
  const server = createServer((incoming, outgoing) => {
    const { method = 'GET', url = '/', headers } = incoming;
    const status = fault(method, url);
    if (status !== undefined) {
      incoming.resume();
      outgoing.writeHead(status, { 'Content-Type': 'application/problem+json' }).end('{"code":"fault"}');
      return;
    }
    const onward = request(new URL(url, target), { method, headers }, (response) => {
      outgoing.writeHead(response.statusCode ?? 502, response.headers);
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
