import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, expect, it, onTestFinished } from 'vitest';
import { errorCodes, PipelineError } from '../errors.ts';
import { createMetrics } from '../metrics.ts';
import { createHttpServer } from './http-server.ts';
import { commonStatuses, type CommonCode } from './problem.ts';
import { createServiceServer, type ServiceServerOptions } from './service-server.ts';

const listening = { host: '127.0.0.1', port: 0, portsToTry: 1, keepAliveTimeoutMs: 5_000 };

/** @returns calls a server with two routes besides the common ones */
async function startServer(
  more: Partial<ServiceServerOptions> = {},
): Promise<(path: string, init?: RequestInit) => Promise<Response>> {
  const server = createServiceServer({
    service: 'monitoring',
    ...listening,
    notReadyBecause: () => undefined,
    metrics: createMetrics('monitoring'),
    log: { error: (entry: unknown) => console.error(entry) },
    routes: {
      'GET /status': { description: 'All of it <now>.', handle: () => ({ status: 200, body: { all: 1 } }) },
      'PUT /interval': { description: 'Changes it.', handle: () => ({ status: 200, body: {} }) },
    },
    ...more,
  });
  await server.start();
  onTestFinished(() => server.stop());
  return (path, init) => fetch(`http://127.0.0.1:${server.port}${path}`, init);
}

describe('the server of a service', () => {
  it('lists every address at its root, one a line', async () => {
    const call = await startServer();
    const response = await call('/');
    expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8');
    const text = await response.text();
    expect(JSON.parse(text)).toEqual({
      service: 'monitoring',
      addresses: {
        'GET /': 'This list.',
        'GET /status': 'All of it <now>.',
        'PUT /interval': 'Changes it.',
        'GET /livez': 'Whether the process responds.',
        'GET /readyz': 'Whether the service is ready, and if not, why.',
        'GET /metrics': 'Metrics for Prometheus.',
      },
    });
    expect(text).toContain('\n    "GET /status": "All of it <now>.",\n');
  });

  it('shows browsers a page with links that may load and run nothing', async () => {
    const call = await startServer();
    const response = await call('/', { headers: { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' } });
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(response.headers.get('vary')).toBe('Accept');
    expect(response.headers.get('content-security-policy')).toMatch(
      /^default-src 'none'; style-src 'sha256-[^' ]+'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'$/,
    );
    const page = await response.text();
    expect(page).toContain('GET <a href="/status">/status</a>');
    expect(page).toContain('All of it &lt;now&gt;.');
    expect(page).toContain('<dt>PUT /interval</dt>');
    for (const [, path = ''] of page.matchAll(/href="(\/[^"]*)"/g)) {
      expect((await call(path)).status, path).toBe(200);
    }
  });

  it('has the security headers of the API, and lets responses load nothing', async () => {
    const call = await startServer();
    for (const path of ['/status', '/livez', '/metrics', '/nowhere']) {
      const { headers } = await call(path);
      expect(Object.fromEntries(headers), path).toMatchObject({
        'content-security-policy': "default-src 'none';frame-ancestors 'none'",
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'SAMEORIGIN',
        'referrer-policy': 'no-referrer',
        'cross-origin-opener-policy': 'same-origin',
        'cross-origin-resource-policy': 'same-origin',
      });
      expect(headers.has('strict-transport-security')).toBe(false);
    }
    expect((await call('/')).headers.get('x-content-type-options')).toBe('nosniff');
  });
});

describe('an error', () => {
  const TRACE = '0af7651916cd43dd8448eb211c80319c';
  /** Calls a server whose `PUT /interval` throws this. */
  async function startFailingServer(error: unknown) {
    const logged: unknown[] = [];
    const failing = () => {
      throw error;
    };
    const call = await startServer({
      log: { error: (entry: unknown) => void logged.push(entry) },
      routes: { 'PUT /interval': { description: 'Fails.', query: ['a'], handle: failing } },
    });
    const headers = { traceparent: `00-${TRACE}-b7ad6b7169203331-01` };
    return { logged, call: (path: string, init?: RequestInit) => call(path, { headers, ...init }) };
  }

  it.each(Object.entries(commonStatuses))('%s is problem details with status %d', async (code, status) => {
    const { call, logged } = await startFailingServer(new PipelineError(code as CommonCode, 'This time.'));
    const response = await call('/interval?a=secret', { method: 'PUT' });
    expect(response.status).toBe(status);
    expect(response.headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(response.headers.get('www-authenticate')).toBe(status === 401 ? 'Bearer' : null);
    expect(await response.json()).toEqual({
      type: `urn:image-pipeline:problem:${code}`,
      title: errorCodes[code as CommonCode],
      status,
      detail: 'This time.',
      code,
      instance: '/interval',
      trace_id: TRACE,
    });
    expect(logged).toHaveLength(code === 'internal_error' ? 1 : 0);
  });

  it.each([new Error('a secret'), new PipelineError('job_failed', 'a secret'), 'a secret'])(
    'that is unexpected is 500, is logged, and reveals nothing: %s',
    async (error) => {
      const { call, logged } = await startFailingServer(error);
      const response = await call('/interval', { method: 'PUT' });
      const text = await response.text();
      expect([response.status, JSON.parse(text)]).toMatchObject([
        500,
        { code: 'internal_error', instance: '/interval', trace_id: TRACE },
      ]);
      expect(text).not.toContain('a secret');
      expect(logged).toEqual([{ err: error, trace_id: TRACE, path: '/interval' }]);
    },
  );

  it('lists the addresses where one is unknown, and the methods where one is not allowed', async () => {
    const call = await startServer();
    const unknown = await call('/nowhere');
    expect(await unknown.json()).toEqual({
      type: 'urn:image-pipeline:problem:not_found',
      title: errorCodes.not_found,
      status: 404,
      detail:
        'Unknown path. Available endpoints: GET /, GET /status, PUT /interval, GET /livez, GET /readyz, GET /metrics.',
      code: 'not_found',
      instance: '/nowhere',
      trace_id: expect.stringMatching(/^[0-9a-f]{32}$/) as string,
    });
    for (const [path, method, allowed] of [
      ['/livez', 'POST', ['GET', 'HEAD']],
      ['/interval', 'GET', ['PUT']],
    ] as const) {
      const refused = await call(path, { method });
      expect([refused.status, refused.headers.get('allow'), await refused.json()]).toEqual([
        405,
        allowed.join(', '),
        {
          type: 'urn:image-pipeline:problem:method_not_allowed',
          title: errorCodes.method_not_allowed,
          status: 405,
          detail: `Method not allowed. Allowed: ${allowed.join(', ')}.`,
          code: 'method_not_allowed',
          allowed,
          instance: path,
          trace_id: expect.stringMatching(/^[0-9a-f]{32}$/) as string,
        },
      ]);
    }
    expect((await call('/', { method: 'HEAD' })).status).toBe(200);
    expect((await call('/constructor')).status).toBe(404);
  });

  it.each([
    ['malformed', 'NONSENSE\r\n\r\n', 400, 'malformed_request'],
    ['incomplete for too long', 'GET / HTTP/1.1\r\n', 408, 'request_timeout'],
  ])('of a request that is %s is problem details too', async (_case, bytes, status, code) => {
    const server = createHttpServer(() => undefined, { ...listening, requestTimeoutMs: 100 });
    await server.start();
    onTestFinished(() => server.stop());
    const socket = connect(server.port, '127.0.0.1');
    socket.write(bytes);
    const [head = '', body = ''] = (await text(socket)).split('\r\n\r\n');
    expect(head).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(head).toContain('Content-Type: application/problem+json; charset=utf-8');
    expect(head).toContain('Connection: close');
    expect(JSON.parse(body)).toMatchObject({ code, status, title: errorCodes[code as CommonCode] });
  });
});
